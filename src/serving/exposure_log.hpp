#pragma once
// The exposure log: what was shown, one JSON object a list and a line each, in files that tomorrow's training reads. A request copies its
// record into a queue of its thread; one thread formats and writes. Whatever the disk does, requests go on: what cannot be kept is counted.

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/file.hpp"
#include "base/record_writer.hpp"
#include "metrics/registry.hpp"
#include "serving/exposure.hpp"
#include "serving/exposure_files.hpp"

namespace lodestone::serving {

struct ExposureLogOptions {
  fs::path folder;                           ///< made when the first list is shown
  std::uint64_t file_bytes = 256ULL << 20U;  ///< a file that has grown to this is followed by a new one
  std::uint64_t total_bytes = 4ULL << 30U;   ///< of all files; the oldest ones go. Larger survives a longer pause of the pipeline
  std::size_t queue_bytes =
      4U << 20U;  ///< of each thread, four thousand lists or more; larger survives a longer stall of the disk
  std::chrono::milliseconds interval{10};        ///< between two looks at the queues
  std::chrono::milliseconds retry_after{1'000};  ///< from a failure to write to the next attempt; what comes meanwhile is dropped
};

/// add() belongs to the thread that it names; the rest to one thread.
class ExposureLog final : private RecordSink {
 public:
  /// The registry and the clock must outlive it.
  ExposureLog(const ExposureLogOptions& options, metrics::Registry& registry, const Clock& clock, int n_threads);

  /// Never waits, never fails; allocates nothing once the thread has shown its longest list.
  void add(int thread, const Exposure& exposure, const ExposedItems& items) {
    writer_.push(thread, pack_exposure(exposure, items, buffers_[static_cast<std::size_t>(thread)]->bytes));
  }

  void start() { writer_.start(); }
  /// Writes what waits, makes it durable, and ends the writing thread. Nothing may be added meanwhile.
  void stop() { writer_.stop(); }

 private:
  /// In which a thread packs its records.
  struct alignas(64) Buffer {
    static constexpr std::size_t kRecordBytes = 4096;  ///< room for a list of 100
    std::string bytes = std::string(kRecordBytes, '\0');
  };
  void append(std::string& batch, std::string_view record) override { append_exposure(batch, record); }
  void write(std::string_view batch) override;
  void close() override { files_.close(); }
  void count_written(std::uint64_t n) override { slots_->add(written_, n); }
  void count_dropped(Drop why, std::uint64_t n) override { slots_->add(why == Drop::kQueue ? dropped_queue_ : dropped_disk_, n); }
  [[nodiscard]] std::string tell_dropped(std::uint64_t n, const std::string& error) const override;

  std::vector<std::unique_ptr<Buffer>> buffers_;
  metrics::ThreadSlots* slots_;
  metrics::Counter written_;
  metrics::Counter dropped_queue_;
  metrics::Counter dropped_disk_;
  metrics::Counter removed_files_;
  ExposureFiles files_;
  RecordWriter writer_;  ///< last, because its thread uses the others
};

}  // namespace lodestone::serving
