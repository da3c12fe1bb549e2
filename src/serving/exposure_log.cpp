#include "serving/exposure_log.hpp"

#include "base/error.hpp"
#include "base/log.hpp"

namespace lodestone::serving {
namespace {

constexpr std::size_t kBatchBytes = 1U << 20U;
constexpr std::chrono::seconds kTellEvery{60};

}  // namespace

ExposureLog::ExposureLog(ExposureLogOptions options, metrics::Registry& registry, const Clock& clock, int n_threads)
    : options_(std::move(options)),
      slots_(&registry.register_thread()),
      files_(options_.folder, options_.file_bytes, options_.total_bytes, clock) {
  written_ = registry.counter("exposure_log_written_total", "Lists that are in the exposure log.");
  const auto dropped = [&](const char* reason) {
    return registry.counter("exposure_log_dropped_total", "Lists that were shown and are not in the exposure log, by why.",
                            {{"reason", reason}});
  };
  dropped_queue_ = dropped("queue");
  dropped_disk_ = dropped("disk");
  removed_files_ = registry.counter("exposure_log_removed_files_total", "Files of the exposure log that went to keep its size.");
  for (int t = 0; t < n_threads; ++t) producers_.push_back(std::make_unique<Producer>(options_.queue_bytes));
}

ExposureLog::~ExposureLog() { stop(); }

void ExposureLog::start() {
  thread_ = std::thread([this] { run(); });
}

void ExposureLog::stop() {
  {
    const std::lock_guard lock(mutex_);
    is_stopping_ = true;
  }
  wake_.notify_all();
  if (!thread_.joinable()) return;
  thread_.join();
}

void ExposureLog::run() {
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
    files_.close();
  } catch (const Error& error) {
    log_error("serving", "exposure log: {}", error.message());
  }
}

std::size_t ExposureLog::drain() {
  std::size_t n_bytes = 0;
  for (const auto& producer : producers_) {
    // One queue that is filled as fast as it is emptied must not keep the others waiting.
    for (std::size_t taken = 0; taken < options_.queue_bytes && producer->queue.pop(record_); taken += record_.size()) {
      n_bytes += record_.size();
      append_exposure(batch_, record_, options_.external_names);
      ++n_batch_;
      if (batch_.size() >= kBatchBytes) write_batch();
    }
  }
  write_batch();
  return n_bytes;
}

void ExposureLog::write_batch() {
  if (n_batch_ == 0) return;
  const auto now = std::chrono::steady_clock::now();
  if (now < retry_at_) {
    count_dropped(dropped_disk_, n_batch_);
  } else {
    try {
      slots_->add(removed_files_, files_.write(batch_));
      slots_->add(written_, n_batch_);
    } catch (const std::exception& error) {  // whatever it is, serving goes on
      last_error_ = error.what();
      retry_at_ = now + options_.retry_after;
      count_dropped(dropped_disk_, n_batch_);
    }
  }
  batch_.clear();
  n_batch_ = 0;
}

void ExposureLog::count_refused() {
  for (const auto& producer : producers_) {
    const std::uint64_t n = producer->queue.n_refused();
    if (n > producer->n_refused) count_dropped(dropped_queue_, n - producer->n_refused);
    producer->n_refused = n;
  }
}

void ExposureLog::count_dropped(metrics::Counter counter, std::uint64_t n) {
  slots_->add(counter, n);
  n_untold_ += n;
}

/// At once, then once a minute.
void ExposureLog::tell_drops() {
  const auto now = std::chrono::steady_clock::now();
  if (n_untold_ == 0 || (told_at_ != std::chrono::steady_clock::time_point{} && now < told_at_ + kTellEvery)) return;
  log_error("serving", "exposure log: {} lists that were shown are not in it; {}", n_untold_,
            last_error_.empty() ? "more came than is written: raise serving.exposure_queue_kib" : last_error_);
  told_at_ = now;
  n_untold_ = 0;
  last_error_.clear();
}

}  // namespace lodestone::serving
