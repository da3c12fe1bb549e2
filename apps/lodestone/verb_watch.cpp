// lodestone pipeline watch: the pipeline on a schedule, until SIGINT or SIGTERM. One run at a time; with capture binlog the raw tables follow
// their databases all the while, and a run begins at the build.

#include <pthread.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <future>
#include <memory>
#include <thread>
#include <vector>

#include "base/error.hpp"
#include "base/log.hpp"
#include "base/rng.hpp"
#include "lake_access.hpp"
#include "log_capture.hpp"
#include "stages.hpp"
#include "verbs.hpp"

namespace lodestone::app {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;

/// Follows one database on a thread of its own, and takes it up again when the database went away.
class Follower {
 public:
  Follower(const Config& config, std::string name, const lake::Contracts& contracts, const lake::LakeLock& lock)
      : config_(config), name_(std::move(name)), contracts_(contracts), lock_(lock), engine_(options_of(config)), thread_([this] {
          run();
        }) {}
  ~Follower() {
    {
      const std::lock_guard guard(mutex_);
      is_stopping_ = true;
      if (capture_) capture_->stop();
    }
    wake_.notify_all();
    thread_.join();
  }
  Follower(const Follower&) = delete;
  Follower& operator=(const Follower&) = delete;

 private:
  static table::Engine::Options options_of(const Config& config) {
    table::Engine::Options options = engine_options(config);
    options.memory_budget_bytes /= 4;  // beside the run's own
    options.n_threads = 1;
    options.temp_folder /= "capture";
    return options;
  }

  void run() {
    for (seconds pause(1);; pause = std::min(pause * 2, seconds(60))) {
      const auto start = steady_clock::now();
      try {
        {
          const std::lock_guard guard(mutex_);
          if (is_stopping_) return;
          capture_ = std::make_unique<LogCapture>([this] { return open_database(config_, name_, pools_); }, contracts_.of(name_),
                                                  engine_, log_capture_options(config_, extract_options(config_, {})), clock_,
                                                  lock_, lake::ReportCallback{});
        }
        capture_->follow();
      } catch (const Error& error) {
        log_error("watch", "capture of {}: {}; tries again in {} s", name_, error.message(), pause.count());
      }
      if (steady_clock::now() - start > std::chrono::minutes(5)) pause = seconds(1);
      std::unique_lock guard(mutex_);
      wake_.wait_for(guard, pause, [this] { return is_stopping_; });
      if (is_stopping_) return;
    }
  }

  const Config& config_;
  std::string name_;
  const lake::Contracts& contracts_;
  const lake::LakeLock& lock_;
  SystemClock clock_;
  SourcePools pools_;
  table::Engine engine_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool is_stopping_ = false;
  std::unique_ptr<LogCapture> capture_;
  std::thread thread_;
};

sigset_t block_signals() {
  // Before any thread starts, so that every thread inherits it.
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  return signals;
}

/// True when a signal came within the time.
bool wait_for_signal(const sigset_t& signals, milliseconds wait) {
  const timespec patience{static_cast<time_t>(wait.count() / 1000), static_cast<long>(wait.count() % 1000 * 1'000'000)};
  return sigtimedwait(&signals, nullptr, &patience) > 0;
}

/// Runs the stages on a thread of their own, so that signals are heard meanwhile; false when one came.
bool run_once(const Config& config, const PipelineArguments& arguments, const lake::LakeLock& lock, const sigset_t& signals) {
  std::atomic<bool> stop{false};
  auto done = std::async(std::launch::async, [&] {
    try {
      const int code = run_stages(config, arguments, &lock, &stop);
      if (code != 0) log_error("watch", "the run ended with {}: nothing was published, what is served stays", code);
    } catch (const Error& error) {
      log_error("watch", "{}; the next run tries again", error.message());
    }
  });
  while (done.wait_for(milliseconds(0)) != std::future_status::ready) {
    if (!wait_for_signal(signals, milliseconds(200))) continue;
    if (stop) {
      log_warn("watch", "a second signal: ends at once; every write is whole or not there");
      std::_Exit(1);
    }
    stop = true;
    log_info("watch", "stops after the stage under way; a second signal ends it at once");
  }
  return !stop;
}

}  // namespace

int run_watch(const Globals& globals, const PipelineArguments& given) {
  const Config config = load_config(globals);
  const sigset_t signals = block_signals();
  const lake::Contracts contracts = lake::Contracts::load(config.file_path("lake.contracts_folder"));
  const lake::LakeLock lock(config.file_path("lake.folder"), lake::LakeLayer::kRaw);
  const std::chrono::minutes interval(config.integer("pipeline.interval_minutes"));
  const auto jitter = static_cast<std::uint64_t>(config.integer("pipeline.jitter_seconds"));
  Rng rng(static_cast<std::uint64_t>(std::chrono::system_clock::now().time_since_epoch().count()));
  PipelineArguments arguments = given;
  std::vector<std::unique_ptr<Follower>> followers;
  // The first run reads everything, then those that can follow do.
  auto due = steady_clock::now();
  while (true) {
    const auto start = steady_clock::now();
    if (!run_once(config, arguments, lock, signals)) return 0;
    arguments.full = false;
    arguments.compare = false;
    if (followers.empty() && config.text("source.capture") == "binlog") {
      for (const std::string& name : source_names(config)) {
        if (!is_database(config, name)) continue;
        followers.push_back(std::make_unique<Follower>(config, name, contracts, lock));
        arguments.followed.push_back(name);
      }
    }
    // A run that took longer than the interval is followed by one, not by all that were missed.
    due = std::max(due + interval, steady_clock::now());
    const auto begins = due + seconds(jitter == 0 ? 0 : rng.below(jitter + 1));
    log_info("watch", "run took {:.1f} s; the next begins in {} s",
             std::chrono::duration<double>(steady_clock::now() - start).count(),
             std::chrono::duration_cast<seconds>(begins - steady_clock::now()).count());
    while (steady_clock::now() < begins) {
      const auto left = std::chrono::duration_cast<milliseconds>(begins - steady_clock::now()) + milliseconds(1);
      if (!wait_for_signal(signals, std::min(left, milliseconds(60'000)))) continue;
      log_info("watch", "stopped between two runs");
      return 0;
    }
  }
}

}  // namespace lodestone::app
