#include "follower.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "base/log.hpp"

namespace lodestone::app {
namespace {

using std::chrono::seconds;
using std::chrono::steady_clock;

table::Engine::Options options_of(const Config& config) {
  table::Engine::Options options = engine_options(config);
  options.memory_budget_bytes /= 4;  // beside the run's own
  options.n_threads = 1;
  options.temp_folder /= "capture";
  return options;
}

}  // namespace

Follower::Follower(const Config& config, std::string name, const lake::Contracts& contracts, const Kept& kept,
                   TimePoint covered_until)
    : config_(config),
      name_(std::move(name)),
      contracts_(contracts),
      kept_(kept),
      engine_(options_of(config)),
      covered_until_(covered_until),
      thread_([this] { run(); }) {}

Follower::~Follower() {
  {
    const std::lock_guard guard(mutex_);
    is_stopping_ = true;
    if (capture_) capture_->stop();
  }
  wake_.notify_all();
  thread_.join();
}

CaptureState Follower::state() const {
  const std::lock_guard guard(mutex_);
  const TimePoint now = capture_ ? capture_->covered_until() : covered_until_;
  return {name_, std::max(covered_until_, now), sentence_};
}

void Follower::run() {
  for (seconds pause(1);; pause = std::min(pause * 2, seconds(60))) {
    const auto start = steady_clock::now();
    std::string sentence = "the capture ended";
    try {
      {
        const std::lock_guard guard(mutex_);
        if (is_stopping_) return;
        capture_ = std::make_unique<LogCapture>(
            [this] { return open_database(config_, name_, kept_.pools); }, contracts_.of(name_), engine_,
            log_capture_options(config_, extract_options(config_, {})), clock_, kept_.lock, lake::ReportCallback{});
        sentence_.clear();
      }
      capture_->follow();
    } catch (const Error& error) {
      sentence = error.message();
      log_error("watch", "capture of {}: {}; tries again in {} s", name_, sentence, pause.count());
    }
    if (steady_clock::now() - start > std::chrono::minutes(5)) pause = seconds(1);
    std::unique_lock guard(mutex_);
    covered_until_ = std::max(covered_until_, capture_->covered_until());
    sentence_ = sentence;
    wake_.wait_for(guard, pause, [this] { return is_stopping_; });
    if (is_stopping_) return;
  }
}

}  // namespace lodestone::app
