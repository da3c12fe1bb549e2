#include "base/record_writer.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <stdexcept>

namespace lodestone {
namespace {

/// Keeps what it gets; fails while it is told to.
class Sink final : public RecordSink {
 public:
  void append(std::string& batch, std::string_view record) override { batch.append(record) += '\n'; }
  void write(std::string_view batch) override {
    const bool is_failing = fails;
    ++n_attempts;  // after that: a test may mend it once it has seen the attempt
    if (is_failing) throw std::runtime_error("full");
    text += batch;
  }
  void close() override { closed = true; }
  void count_written(std::uint64_t n) override { n_written += n; }
  void count_dropped(Drop why, std::uint64_t n) override { (why == Drop::kQueue ? n_dropped_queue : n_dropped_sink) += n; }
  std::string tell_dropped(std::uint64_t n, const std::string& error) const override {
    return std::to_string(n) + " records of a test are dropped: " + error;
  }

  std::atomic<bool> fails{false};
  std::atomic<int> n_attempts{0};
  std::string text;
  bool closed = false;
  std::uint64_t n_written = 0;
  std::uint64_t n_dropped_queue = 0;
  std::uint64_t n_dropped_sink = 0;
};

TEST(RecordWriter, brings_the_records_of_all_threads) {
  Sink sink;
  RecordWriter writer({.topic = "test"}, sink, 2);
  writer.start();
  std::thread other([&] {
    for (int i = 0; i < 1'000; ++i) writer.push(1, "b");
  });
  for (int i = 0; i < 1'000; ++i) writer.push(0, "a");
  other.join();
  writer.stop();
  EXPECT_EQ(std::count(sink.text.begin(), sink.text.end(), 'a'), 1'000);
  EXPECT_EQ(std::count(sink.text.begin(), sink.text.end(), 'b'), 1'000);
  EXPECT_EQ(sink.n_written, 2'000U);
  EXPECT_TRUE(sink.closed);
}

TEST(RecordWriter, drops_and_counts_what_does_not_fit) {
  Sink sink;
  RecordWriter writer({.topic = "test", .queue_bytes = 64}, sink, 1);
  for (int i = 0; i < 10; ++i) writer.push(0, "0123456789");  // 14 bytes each with their length
  writer.start();
  writer.stop();
  EXPECT_EQ(sink.n_written, 4U);
  EXPECT_EQ(sink.n_dropped_queue, 6U);
}

TEST(RecordWriter, after_a_failure_it_drops_until_it_is_time_to_try_again) {
  Sink sink;
  sink.fails = true;
  RecordWriter writer({.topic = "test", .batch_bytes = 1, .retry_after = std::chrono::hours(1)}, sink, 1);
  for (int i = 0; i < 3; ++i) writer.push(0, "x");
  writer.start();
  writer.stop();
  EXPECT_EQ(sink.n_attempts, 1);
  EXPECT_EQ(sink.n_dropped_sink, 3U);

  Sink mended;
  mended.fails = true;
  RecordWriter patient({.topic = "test", .batch_bytes = 1, .retry_after = std::chrono::milliseconds(0)}, mended, 1);
  patient.push(0, "x");
  patient.start();
  while (mended.n_attempts == 0) std::this_thread::yield();
  mended.fails = false;
  patient.push(0, "y");
  patient.stop();
  EXPECT_EQ(mended.text, "y\n");
  EXPECT_EQ(mended.n_dropped_sink, 1U);
}

}  // namespace
}  // namespace lodestone
