// lodestone pipeline watch: the pipeline on a schedule, until SIGINT or SIGTERM. One run at a time; with capture binlog the raw tables follow
// their databases all the while, and a run begins at the build.

#include <pthread.h>

#include <chrono>
#include <condition_variable>
#include <csignal>
#include <cstdlib>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "base/error.hpp"
#include "base/log.hpp"
#include "base/rng.hpp"
#include "follower.hpp"
#include "freshness.hpp"
#include "lake_access.hpp"
#include "stages.hpp"
#include "verbs.hpp"
#include "watch_admin.hpp"

namespace lodestone::app {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;

/// Measures how fresh the lake is, on a thread of its own because a database may be slow to answer: now and then, and when it is told to.
class FreshnessWatch {
 public:
  FreshnessWatch(const Config& config, const lake::Contracts& contracts, SourcePools& pools, WatchAdmin& admin)
      : config_(config), contracts_(contracts), pools_(pools), admin_(admin), engine_(options_of(config)), thread_([this] {
          run();
        }) {}
  ~FreshnessWatch() {
    {
      const std::lock_guard guard(mutex_);
      is_stopping_ = true;
    }
    wake_.notify_all();
    thread_.join();
  }
  FreshnessWatch(const FreshnessWatch&) = delete;
  FreshnessWatch& operator=(const FreshnessWatch&) = delete;

  void measure_soon() {
    {
      const std::lock_guard guard(mutex_);
      is_due_ = true;
    }
    wake_.notify_all();
  }

 private:
  static table::Engine::Options options_of(const Config& config) {
    table::Engine::Options options = engine_options(config);
    options.memory_budget_bytes /= 8;  // beside the run's own
    options.n_threads = 1;
    options.temp_folder /= "freshness";
    return options;
  }

  void run() {
    const seconds every(config_.integer("pipeline.freshness_seconds"));
    for (bool is_first = true;; is_first = false) {
      {
        std::unique_lock guard(mutex_);
        const auto told = [this] { return is_stopping_ || is_due_; };
        // Before the first run there may be no lake.
        if (is_first) {
          wake_.wait(guard, told);
        } else {
          wake_.wait_for(guard, every, told);
        }
        if (is_stopping_) return;
        is_due_ = false;
      }
      FreshnessReport report;
      try {
        report = measure_freshness(config_, contracts_, engine_, pools_);
      } catch (const Error& error) {
        report.problems.push_back(error.message());
      }
      for (const std::string& problem : report.problems) log_warn("watch", "freshness: {}", problem);
      admin_.set_freshness(std::move(report));
    }
  }

  const Config& config_;
  const lake::Contracts& contracts_;
  SourcePools& pools_;
  WatchAdmin& admin_;
  table::Engine engine_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool is_stopping_ = false;
  bool is_due_ = false;
  std::thread thread_;
};

/// The followers, made by the main thread and asked by that of the listener.
class Followers {
 public:
  void add(std::unique_ptr<Follower> follower) {
    const std::lock_guard guard(mutex_);
    followers_.push_back(std::move(follower));
  }
  [[nodiscard]] std::vector<CaptureState> states() const {
    const std::lock_guard guard(mutex_);
    std::vector<CaptureState> out;
    for (const auto& follower : followers_) out.push_back(follower->state());
    return out;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<std::unique_ptr<Follower>> followers_;
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
bool run_once(const Config& config, const PipelineArguments& arguments, const Kept& kept, std::atomic<bool>& stop,
              const sigset_t& signals, WatchAdmin& admin) {
  admin.begin_run();
  auto done = std::async(std::launch::async, [&] {
    try {
      const int code = run_stages(config, arguments, &kept);
      if (code != 0) log_error("watch", "the run ended with {}: nothing was published, what is served stays", code);
      admin.end_run(code, code == 0 ? "" : "a gate refused; the log says why");
    } catch (const Error& error) {
      log_error("watch", "{}; the next run tries again", error.message());
      admin.end_run(exit_code(error.code()), error.message());
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
  done.get();
  return !stop;
}

/// Times of runs: at the interval from the first, each later by up to the jitter. A run that took longer than the interval is followed by
/// one, not by all that were missed.
class Schedule {
 public:
  explicit Schedule(const Config& config)
      : interval_(std::chrono::duration_cast<milliseconds>(
            std::chrono::duration<double, std::ratio<60>>(config.number("pipeline.interval_minutes")))),
        jitter_(static_cast<std::uint64_t>(config.integer("pipeline.jitter_seconds"))),
        rng_(static_cast<std::uint64_t>(std::chrono::system_clock::now().time_since_epoch().count())),
        due_(steady_clock::now()) {}

  /// When the next run begins.
  steady_clock::time_point next() {
    due_ = std::max(due_ + interval_, steady_clock::now());
    return due_ + seconds(jitter_ == 0 ? 0 : rng_.below(jitter_ + 1));
  }

 private:
  milliseconds interval_;
  std::uint64_t jitter_;
  Rng rng_;
  steady_clock::time_point due_;
};

}  // namespace

int run_watch(const Globals& globals, const PipelineArguments& arguments) {
  const Config config = load_config(globals);
  const sigset_t signals = block_signals();
  const SystemClock clock;
  const lake::Contracts contracts = lake::Contracts::load(config.file_path("lake.contracts_folder"));
  const lake::LakeLock lock(config.file_path("lake.folder"), lake::LakeLayer::kRaw);
  SourcePools pools;
  make_pools(config, pools);
  std::vector<const sources::ConnectionPool*> all_pools;
  for (const auto& [name, pool] : pools) all_pools.push_back(&pool);
  std::atomic<bool> stop{false};
  const Kept kept{lock, pools, stop};
  Followers followers;
  WatchAdmin admin({config.text("pipeline.admin_address"), config.file_path("serving.admin_token_file")}, clock,
                   std::move(all_pools), [&] { return followers.states(); });
  admin.start();
  std::optional<FreshnessWatch> freshness;
  if (admin.is_serving()) {
    freshness.emplace(config, contracts, pools, admin);
    log_info("watch", "status and metrics on port {}", admin.port());
  }
  PipelineArguments next = arguments;  // the first run alone is full, or compares
  Schedule schedule(config);
  admin.plan_run(clock.now());
  while (true) {
    const auto start = steady_clock::now();
    const TimePoint began_at = clock.now();
    if (!run_once(config, next, kept, stop, signals, admin)) return 0;
    if (freshness) freshness->measure_soon();
    next.full = false;
    next.compare = false;
    // The first run reads everything, then those that can follow do.
    if (next.followed.empty() && config.text("source.capture") == "binlog") {
      for (const std::string& name : source_names(config)) {
        if (!is_database(config, name)) continue;
        followers.add(std::make_unique<Follower>(config, name, contracts, kept, began_at));
        next.followed.push_back(name);
      }
    }
    const auto begins = schedule.next();
    const auto wait = std::max(milliseconds(0), std::chrono::duration_cast<milliseconds>(begins - steady_clock::now()));
    admin.plan_run(clock.now() + wait);
    log_info("watch", "run took {:.1f} s; the next begins in {:.0f} s",
             std::chrono::duration<double>(steady_clock::now() - start).count(), std::chrono::duration<double>(wait).count());
    while (steady_clock::now() < begins) {
      const auto left = std::chrono::duration_cast<milliseconds>(begins - steady_clock::now()) + milliseconds(1);
      if (!wait_for_signal(signals, std::min(left, milliseconds(60'000)))) continue;
      log_info("watch", "stopped between two runs");
      return 0;
    }
  }
}

}  // namespace lodestone::app
