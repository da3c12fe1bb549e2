#include "serving/exposure_log.hpp"

#include <fmt/core.h>

namespace lodestone::serving {
namespace {

RecordWriter::Options writer_options(const ExposureLogOptions& options) {
  return {
      .topic = "serving", .queue_bytes = options.queue_bytes, .interval = options.interval, .retry_after = options.retry_after};
}

}  // namespace

ExposureLog::ExposureLog(const ExposureLogOptions& options, metrics::Registry& registry, const Clock& clock, int n_threads)
    : slots_(&registry.register_thread()),
      files_(options.folder, options.file_bytes, options.total_bytes, clock),
      writer_(writer_options(options), *this, n_threads) {
  written_ = registry.counter("exposure_log_written_total", "Lists that are in the exposure log.");
  const auto dropped = [&](const char* reason) {
    return registry.counter("exposure_log_dropped_total", "Lists that were shown and are not in the exposure log, by why.",
                            {{"reason", reason}});
  };
  dropped_queue_ = dropped("queue");
  dropped_disk_ = dropped("disk");
  removed_files_ = registry.counter("exposure_log_removed_files_total", "Files of the exposure log that went to keep its size.");
  for (int t = 0; t < n_threads; ++t) buffers_.push_back(std::make_unique<Buffer>());
}

void ExposureLog::write(std::string_view batch) { slots_->add(removed_files_, files_.write(batch)); }

std::string ExposureLog::tell_dropped(std::uint64_t n, const std::string& error) const {
  return fmt::format("exposure log: {} lists that were shown are not in it; {}", n,
                     error.empty() ? "more came than is written: raise serving.exposure_queue_kib" : error);
}

}  // namespace lodestone::serving
