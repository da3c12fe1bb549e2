#include "base/record_writer.hpp"

#include "base/log.hpp"

namespace lodestone {
namespace {

constexpr std::chrono::seconds kTellEvery{60};

}  // namespace

RecordWriter::RecordWriter(Options options, RecordSink& sink, int n_threads) : options_(std::move(options)), sink_(&sink) {
  for (int t = 0; t < n_threads; ++t) producers_.push_back(std::make_unique<Producer>(options_.queue_bytes));
}

RecordWriter::~RecordWriter() { stop(); }

void RecordWriter::start() {
  thread_ = std::thread([this] { run(); });
}

void RecordWriter::stop() {
  {
    const std::lock_guard lock(mutex_);
    is_stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void RecordWriter::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    const bool last = is_stopping_;
    lock.unlock();
    const std::size_t n_bytes = drain();
    count_refused();
    tell_drops();
    lock.lock();
    if (last) break;
    // Who is behind does not rest: a queue lasts for many intervals, so a quarter of it is far more than usual.
    if (n_bytes < options_.queue_bytes / 4) wake_.wait_for(lock, options_.interval, [this] { return is_stopping_; });
  }
  try {
    sink_->close();
  } catch (const std::exception& error) {
    log_error(options_.topic, "{}", error.what());
  }
}

std::size_t RecordWriter::drain() {
  std::size_t n_bytes = 0;
  for (const auto& producer : producers_) {
    // One queue that is filled as fast as it is emptied must not keep the others waiting.
    for (std::size_t taken = 0; taken < options_.queue_bytes && producer->queue.pop(record_); taken += record_.size()) {
      n_bytes += record_.size();
      sink_->append(batch_, record_);
      ++n_batch_;
      if (batch_.size() >= options_.batch_bytes) write_batch();
    }
  }
  write_batch();
  return n_bytes;
}

void RecordWriter::write_batch() {
  if (n_batch_ == 0) return;
  if (std::chrono::steady_clock::now() < retry_at_) {
    count_dropped(RecordSink::Drop::kSink, n_batch_);
  } else {
    try {
      sink_->write(batch_);
      sink_->count_written(n_batch_);
    } catch (const std::exception& error) {  // whatever it is, serving goes on
      last_error_ = error.what();
      retry_at_ = std::chrono::steady_clock::now() + options_.retry_after;
      count_dropped(RecordSink::Drop::kSink, n_batch_);
    }
  }
  batch_.clear();
  n_batch_ = 0;
}

void RecordWriter::count_refused() {
  for (const auto& producer : producers_) {
    const std::uint64_t n = producer->queue.n_refused();
    if (n > producer->n_refused) count_dropped(RecordSink::Drop::kQueue, n - producer->n_refused);
    producer->n_refused = n;
  }
}

void RecordWriter::count_dropped(RecordSink::Drop why, std::uint64_t n) {
  sink_->count_dropped(why, n);
  n_untold_ += n;
}

/// At once, then once a minute.
void RecordWriter::tell_drops() {
  const auto now = std::chrono::steady_clock::now();
  if (n_untold_ == 0 || (told_at_ != std::chrono::steady_clock::time_point{} && now < told_at_ + kTellEvery)) return;
  log_error(options_.topic, "{}", sink_->tell_dropped(n_untold_, last_error_));
  told_at_ = now;
  n_untold_ = 0;
  last_error_.clear();
}

}  // namespace lodestone
