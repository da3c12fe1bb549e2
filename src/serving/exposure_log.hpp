#pragma once
// The exposure log: what was shown, one JSON object a list and a line each, in files that tomorrow's training reads. A request copies its
// record into a queue of its thread; one thread formats and writes. Whatever the disk does, requests go on: what cannot be kept is counted.

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.hpp"
#include "base/file.hpp"
#include "metrics/registry.hpp"
#include "serving/exposure.hpp"
#include "serving/exposure_files.hpp"
#include "serving/exposure_queue.hpp"

namespace lodestone::serving {

struct ExposureLogOptions {
  fs::path folder;                           ///< made when the first list is shown
  std::uint64_t file_bytes = 256ULL << 20U;  ///< a file that has grown to this is followed by a new one
  std::uint64_t total_bytes = 4ULL << 30U;   ///< of all files; the oldest ones go. Larger survives a longer pause of the pipeline
  std::size_t queue_bytes = 1U << 20U;  ///< of each thread, some two thousand lists; larger survives a longer stall of the disk
  std::vector<std::string> external_names;       ///< of channels outside of the engine
  std::chrono::milliseconds interval{10};        ///< between two looks at the queues
  std::chrono::milliseconds retry_after{1'000};  ///< from a failure to write to the next attempt; what comes meanwhile is dropped
};

/// add() belongs to the thread that it names; the rest to one thread.
class ExposureLog {
 public:
  /// The registry and the clock must outlive it.
  ExposureLog(ExposureLogOptions options, metrics::Registry& registry, const Clock& clock, int n_threads);
  ~ExposureLog();
  ExposureLog(const ExposureLog&) = delete;
  ExposureLog& operator=(const ExposureLog&) = delete;

  /// Never waits, never fails; allocates nothing once the thread has shown its longest list.
  void add(int thread, const Exposure& exposure, const models::Catalog& catalog, std::span<const engine::PageItem> items) {
    Producer& producer = *producers_[static_cast<std::size_t>(thread)];
    producer.queue.push(pack_exposure(exposure, catalog, items, producer.buffer));
  }

  void start();
  /// Writes what waits, makes it durable, and ends the writing thread. Nothing may be added meanwhile.
  void stop();

 private:
  struct Producer {
    explicit Producer(std::size_t queue_bytes) : queue(queue_bytes), buffer(kRecordBytes, '\0') {}
    static constexpr std::size_t kRecordBytes = 4096;  ///< room for a list of 100
    ExposureQueue queue;
    std::string buffer;           ///< in which a record is packed
    std::uint64_t n_refused = 0;  ///< that were counted; of the writing thread
  };
  void run();
  /// Takes what waits in all queues; returns how many bytes that were.
  std::size_t drain();
  void write_batch();
  void count_refused();
  void count_dropped(metrics::Counter counter, std::uint64_t n);
  void tell_drops();

  ExposureLogOptions options_;
  std::vector<std::unique_ptr<Producer>> producers_;
  metrics::ThreadSlots* slots_;
  metrics::Counter written_;
  metrics::Counter dropped_queue_;
  metrics::Counter dropped_disk_;
  metrics::Counter removed_files_;

  ExposureFiles files_;
  std::string batch_;  ///< lines that are not written yet
  std::uint64_t n_batch_ = 0;
  std::string record_;
  std::uint64_t n_untold_ = 0;  ///< dropped since the last line of the log about it
  std::string last_error_;
  std::chrono::steady_clock::time_point told_at_{};
  std::chrono::steady_clock::time_point retry_at_{};

  std::mutex mutex_;  ///< guards is_stopping_
  bool is_stopping_ = false;
  std::condition_variable wake_;
  std::thread thread_;
};

}  // namespace lodestone::serving
