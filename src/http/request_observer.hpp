#pragma once
// Sees each answer of a listener as it is finished, and hands it to those who keep it: the access log and the export of traces.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "http/access_log.hpp"
#include "http/message.hpp"
#include "http/trace_export.hpp"
#include "metrics/registry.hpp"

namespace lodestone::http {

struct ObserverOptions {
  std::optional<AccessLogOptions> access_log;
  std::optional<TraceOptions> traces;
  [[nodiscard]] bool is_on() const { return access_log || traces; }
};

/// see() belongs to the thread that the request names; the rest to one thread.
class RequestObserver {
 public:
  /// The registry and the clock must outlive it.
  RequestObserver(const ObserverOptions& options, metrics::Registry& registry, const Clock& clock, int n_threads);

  /// An answer with a body of so many bytes. Never waits, never fails.
  void see(const Request& request, int status, std::size_t bytes);

  void start();
  /// Brings away what waits. Nothing may be seen meanwhile.
  void stop();

 private:
  /// What one thread keeps.
  struct alignas(64) Seat {
    Seat();
    Rng rng;
    std::string buffer;  ///< in which a record is packed
  };
  ObserverOptions options_;
  const Clock* clock_;
  std::vector<std::unique_ptr<Seat>> seats_;
  std::unique_ptr<AccessLog> access_log_;  ///< may be null
  std::unique_ptr<TraceExport> traces_;    ///< may be null
};

}  // namespace lodestone::http
