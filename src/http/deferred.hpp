#pragma once
// An answer that has to wait for something (a disk, another server) without holding its thread: the handler reads the request, says how
// to begin and how to write the answer, and the connection sleeps in between.

#include <functional>
#include <memory>

#include "http/message.hpp"

namespace lodestone::http {

/// What is left to do once the handler has returned. Both run once, `finish` on the connection's thread after `resume` was called.
struct Deferred {
  /// Begins the work. It must call `resume` exactly once, from any thread, also before it returns; a listener that stops waits for it.
  std::function<void(std::function<void()> resume)> start;
  /// Writes the answer; the request is that of the handler, without its path parameters. May throw as handlers may.
  std::function<void(const Request&, Response&)> finish;
};

/// Returns nullptr when the answer is complete already. Must not block.
using DeferredHandler = std::function<std::unique_ptr<Deferred>(const Request&, Response&)>;

}  // namespace lodestone::http
