#pragma once
// A listening address and its threads: one I/O context, one acceptor (SO_REUSEPORT) and its connections on each thread, nothing shared
// between them but the router and a count of connections. Idea and measurements: docs/decisions.

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/tls.hpp"
#include "http/limits.hpp"
#include "http/router.hpp"

namespace lodestone::http {

struct ListenOptions {
  std::string host = "127.0.0.1";  ///< an address, not a name
  std::uint16_t port = 0;          ///< 0 = any free one
  int n_threads = 1;
  std::string way_out = "choose another port";  ///< end of the sentence for a port in use
  Limits limits;
  std::shared_ptr<const TlsContext> tls;  ///< nullptr = plain HTTP
  /// Called once on each thread before it answers anything. May be empty.
  std::function<void(int thread)> on_start;
  /// Called about once a second on each thread, for housekeeping that must happen there. May be empty.
  std::function<void(int thread)> on_tick;
  /// Called on its thread for each request that was refused because the thread is late (Limits::queue_delay). May be empty.
  std::function<void(const Request&)> on_shed;
  /// Called on its thread for each finished answer, also those that no handler made, with its status and the bytes of its body.
  /// May be empty.
  std::function<void(const Request&, int status, std::size_t bytes)> on_answer;
};

/// "127.0.0.1:8000" or "[::1]:8000" taken apart; throws invalid_argument naming `what` (a flag or key) and the text.
struct HostPort {
  std::string host;
  std::uint16_t port = 0;
};
HostPort parse_host_port(std::string_view text, std::string_view what);

/// Construction binds; start() serves; stop() drains. The router must outlive it. start, stop and the destructor belong to one thread.
class Listener {
 public:
  /// Throws unavailable when the address cannot be had ("port in use", "no such address", "permission denied").
  Listener(const Router& router, ListenOptions options);
  /// Stops at once.
  ~Listener();
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  void start();

  /// Stops accepting, answers what has arrived with "Connection: close", and closes; connections that are not done after `drain` are
  /// cut. Returns when all threads have ended.
  void stop(std::chrono::milliseconds drain);

  /// Another certificate for connections to come; only where there was one. Before stop().
  void set_tls(std::shared_ptr<const TlsContext> tls);

  [[nodiscard]] std::uint16_t port() const { return port_; }
  [[nodiscard]] std::size_t n_connections() const { return n_connections_.load(std::memory_order_relaxed); }

 private:
  class IoThread;
  void bind_all();

  const Router* router_;
  ListenOptions options_;
  std::uint16_t port_ = 0;
  std::atomic<std::size_t> n_connections_{0};
  std::vector<std::unique_ptr<IoThread>> threads_;
};

}  // namespace lodestone::http
