#pragma once
// Gets small records away from threads that must not wait: each pushes into a queue of its own, and one thread formats and
// writes what is there, in batches. What does not fit or cannot be written is dropped, counted, and told of in the log.

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/byte_queue.hpp"

namespace lodestone {

/// Where records go. Everything is called on the writing thread.
class RecordSink {
 public:
  enum class Drop { kQueue, kSink };

  RecordSink() = default;
  virtual ~RecordSink() = default;
  RecordSink(const RecordSink&) = delete;
  RecordSink& operator=(const RecordSink&) = delete;

  /// Formats one record at the end of the batch.
  virtual void append(std::string& batch, std::string_view record) = 0;
  /// All of the batch or, when it throws, none of it.
  virtual void write(std::string_view batch) = 0;
  /// After the last batch. May throw.
  virtual void close() = 0;
  virtual void count_written(std::uint64_t n) = 0;
  virtual void count_dropped(Drop why, std::uint64_t n) = 0;
  /// The sentence for the log about `n` records that were dropped; `error` is the last one of write(), "" when the queues were
  /// full.
  [[nodiscard]] virtual std::string tell_dropped(std::uint64_t n, const std::string& error) const = 0;
};

/// push() belongs to the thread that it names; the rest to one thread.
class RecordWriter {
 public:
  struct Options {
    std::string topic;                       ///< of lines in the log
    std::size_t queue_bytes = 1U << 20U;     ///< of each thread; larger survives a longer stall
    std::size_t batch_bytes = 1U << 20U;     ///< a batch that has grown to this is written
    std::chrono::milliseconds interval{10};  ///< between two looks at the queues
    std::chrono::milliseconds retry_after{
        1'000};  ///< from a failure to write to the next attempt; what comes meanwhile is dropped
  };

  /// The sink must outlive it.
  RecordWriter(Options options, RecordSink& sink, int n_threads);
  ~RecordWriter();
  RecordWriter(const RecordWriter&) = delete;
  RecordWriter& operator=(const RecordWriter&) = delete;

  /// Never waits, never fails, allocates nothing.
  void push(int thread, std::string_view record) { producers_[static_cast<std::size_t>(thread)]->queue.push(record); }

  void start();
  /// Writes what waits and ends the writing thread. Nothing may be pushed meanwhile.
  void stop();

 private:
  struct Producer {
    explicit Producer(std::size_t queue_bytes) : queue(queue_bytes) {}
    ByteQueue queue;
    std::uint64_t n_refused = 0;  ///< that were counted; of the writing thread
  };
  void run();
  /// Takes what waits in all queues; returns how many bytes that were.
  std::size_t drain();
  void write_batch();
  void count_refused();
  void count_dropped(RecordSink::Drop why, std::uint64_t n);
  void tell_drops();

  Options options_;
  RecordSink* sink_;
  std::vector<std::unique_ptr<Producer>> producers_;

  std::string batch_;  ///< what is not written yet
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

}  // namespace lodestone
