#pragma once
// What pipeline watch tells about itself: /metrics, /status and /livez on a listener of its own, behind the token of the server's admin port.

#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/file.hpp"
#include "follower.hpp"
#include "freshness.hpp"
#include "http/listener.hpp"
#include "metrics/registry.hpp"
#include "sources/mysql/pool.hpp"

namespace lodestone::app {

/// One run of the pipeline.
struct WatchRun {
  TimePoint planned_at;  ///< when it was to begin
  TimePoint began_at;
  TimePoint ended_at;
  int exit_code = 0;
  std::string sentence;  ///< why it failed, "" when it did not
};

/// Keeps the state and serves it. All members are safe from any thread but start() and the destructor, which belong to the one that made it.
class WatchAdmin {
 public:
  struct Options {
    std::string address;  ///< HOST:PORT; "" serves nothing
    fs::path token_file;  ///< as serving.admin_token_file
  };
  using States = std::function<std::vector<CaptureState>()>;

  /// Reads the token and binds. `captures` is asked at each scrape. `pools` and the clock must outlive it. Throws what load_admin_token() and
  /// http::Listener throw.
  WatchAdmin(const Options& options, const Clock& clock, std::vector<const sources::ConnectionPool*> pools, States captures);
  ~WatchAdmin();
  WatchAdmin(const WatchAdmin&) = delete;
  WatchAdmin& operator=(const WatchAdmin&) = delete;

  void start();
  [[nodiscard]] bool is_serving() const { return listener_ != nullptr; }
  [[nodiscard]] std::uint16_t port() const { return listener_->port(); }

  void plan_run(TimePoint at);
  void begin_run();
  void end_run(int exit_code, const std::string& sentence);
  /// Replaces what was measured before. Where a source could not be asked, the lag of before grows by the time that passed.
  void set_freshness(FreshnessReport report);

  /// The JSON of /status.
  [[nodiscard]] std::string status() const;

 private:
  static constexpr std::size_t kRunsKept = 20;
  struct KnownLag {
    std::string source;
    std::string table;
    TimePoint measured_at;
    double seconds = 0;
  };

  void register_metrics();
  void update_metrics();
  [[nodiscard]] json::Value runs_document() const;
  [[nodiscard]] json::Value captures_document() const;

  const Clock& clock_;
  std::vector<const sources::ConnectionPool*> pools_;
  States captures_;
  std::string token_;
  metrics::Registry registry_;
  http::Router router_;
  std::unique_ptr<http::Listener> listener_;

  mutable std::mutex mutex_;
  std::optional<TimePoint> planned_at_;
  std::optional<TimePoint> running_since_;
  std::deque<WatchRun> runs_;  // the last ones, oldest first
  std::int64_t n_done_ = 0;
  std::int64_t n_failed_ = 0;
  std::int64_t n_refused_ = 0;
  FreshnessReport freshness_;
  std::optional<TimePoint> measured_at_;
  std::vector<KnownLag> lags_;

  metrics::Gauge done_, failed_, refused_, running_, last_seconds_, last_code_, last_end_, next_begin_;
};

}  // namespace lodestone::app
