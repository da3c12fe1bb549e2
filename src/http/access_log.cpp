#include "http/access_log.hpp"

#include <fmt/core.h>

namespace lodestone::http {

AccessLog::AccessLog(const AccessLogOptions& options, metrics::Registry& registry, int n_threads)
    : slots_(&registry.register_thread()),
      file_(options.file, options.file_bytes, options.n_old),
      writer_({.topic = "http", .queue_bytes = options.queue_bytes}, *this, n_threads) {
  written_ = registry.counter("access_log_written_total", "Lines that are in the access log.");
  const auto dropped = [&](const char* reason) {
    return registry.counter("access_log_dropped_total", "Lines that were to be in the access log and are not, by why.",
                            {{"reason", reason}});
  };
  dropped_queue_ = dropped("queue");
  dropped_disk_ = dropped("disk");
}

std::string AccessLog::tell_dropped(std::uint64_t n, const std::string& error) const {
  return fmt::format("access log: {} lines are not in it; {}", n,
                     error.empty() ? "more came than is written: lower serving.access_log_sample" : error);
}

}  // namespace lodestone::http
