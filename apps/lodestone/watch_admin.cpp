#include "watch_admin.hpp"

#include <algorithm>

#include "base/json.hpp"
#include "metrics/process.hpp"
#include "serving/admin.hpp"
#include "serving/token.hpp"

namespace lodestone::app {
namespace {

double seconds_between(TimePoint from, TimePoint to) { return std::chrono::duration<double>(to - from).count(); }
double since_epoch(TimePoint at) { return std::chrono::duration<double>(at.time_since_epoch()).count(); }

json::Value time_or_null(const std::optional<TimePoint>& at) { return at ? json::Value(format_rfc3339(*at)) : json::Value(); }
json::Value text_or_null(const std::string& text) { return text.empty() ? json::Value() : json::Value(text); }

/// Behind by how much; a source's clock may be ahead of ours.
double capture_lag(const CaptureState& capture, TimePoint now) {
  return std::max(0.0, seconds_between(capture.covered_until, now));
}

}  // namespace

WatchAdmin::WatchAdmin(const Options& options, const Clock& clock, std::vector<const sources::ConnectionPool*> pools,
                       States captures)
    : clock_(clock), pools_(std::move(pools)), captures_(std::move(captures)) {
  register_metrics();
  if (options.address.empty()) return;
  token_ = serving::load_admin_token(options.token_file);
  serving::add_scrape(router_, token_, registry_);
  router_.add(
      http::Method::kGet, "/status",
      serving::behind_token(token_, [this](const http::Request&, http::Response& response) { response.out() += status(); }));
  const http::HostPort where = http::parse_host_port(options.address, "pipeline.admin_address");
  http::ListenOptions listen;
  listen.host = where.host;
  listen.port = where.port;
  listen.way_out = "stop that process or choose another address with the key pipeline.admin_address";
  listen.limits.connections = 100;
  listener_ = std::make_unique<http::Listener>(router_, std::move(listen));
}

WatchAdmin::~WatchAdmin() {
  if (listener_) listener_->stop(std::chrono::milliseconds(0));
}

void WatchAdmin::start() {
  if (listener_) listener_->start();
}

void WatchAdmin::register_metrics() {
  constexpr std::string_view kRuns = "pipeline_runs_total";
  constexpr std::string_view kRunsHelp = "Runs of the pipeline by result: done, failed, or refused by a gate.";
  done_ = registry_.sampled_counter(kRuns, kRunsHelp, {{"result", "done"}});
  failed_ = registry_.sampled_counter(kRuns, kRunsHelp, {{"result", "failed"}});
  refused_ = registry_.sampled_counter(kRuns, kRunsHelp, {{"result", "refused"}});
  running_ = registry_.gauge("pipeline_running", "1 while a run is under way, else 0.");
  last_seconds_ = registry_.gauge("pipeline_last_run_duration_seconds", "How long the last run took.");
  last_code_ = registry_.gauge("pipeline_last_run_exit_code", "Exit code of the last run; -1 before the first.");
  last_end_ =
      registry_.gauge("pipeline_last_run_timestamp_seconds", "When the last run ended, seconds since 1970; 0 before the first.");
  next_begin_ = registry_.gauge("pipeline_next_run_timestamp_seconds",
                                "When the next run begins, seconds since 1970; while one runs, when it was to begin.");
  sources::register_pool_metrics(registry_, pools_);
  metrics::register_process_metrics(registry_);
  registry_.on_scrape([this] { update_metrics(); });
}

void WatchAdmin::update_metrics() {
  const TimePoint now = clock_.now();
  for (const CaptureState& capture : captures_()) {
    const metrics::Labels labels = {{"source", capture.source}};
    registry_.gauge("capture_lag_seconds", "How far the lake is behind a database's log.", labels).set(capture_lag(capture, now));
    registry_.gauge("capture_following", "1 while a database's log is followed, else 0.", labels)
        .set(capture.sentence.empty() ? 1 : 0);
  }
  const std::lock_guard guard(mutex_);
  done_.set(static_cast<double>(n_done_));
  failed_.set(static_cast<double>(n_failed_));
  refused_.set(static_cast<double>(n_refused_));
  running_.set(running_since_ ? 1 : 0);
  last_seconds_.set(runs_.empty() ? 0 : seconds_between(runs_.back().began_at, runs_.back().ended_at));
  last_code_.set(runs_.empty() ? -1 : runs_.back().exit_code);
  last_end_.set(runs_.empty() ? 0 : since_epoch(runs_.back().ended_at));
  next_begin_.set(planned_at_ ? since_epoch(*planned_at_) : 0);
  for (const TableFreshness& table : freshness_.tables) {
    const auto known = std::find_if(lags_.begin(), lags_.end(),
                                    [&](const KnownLag& lag) { return lag.source == table.source && lag.table == table.table; });
    if (known == lags_.end()) continue;
    const double unknown = table.lag_seconds ? 0 : seconds_between(known->measured_at, now);
    registry_
        .gauge("data_freshness_lag_seconds", "How much older the lake's newest change is than the source's.",
               {{"source", table.source}, {"table", table.table}})
        .set(known->seconds + unknown);
  }
}

void WatchAdmin::plan_run(TimePoint at) {
  const std::lock_guard guard(mutex_);
  planned_at_ = at;
}

void WatchAdmin::begin_run() {
  const std::lock_guard guard(mutex_);
  running_since_ = clock_.now();
}

void WatchAdmin::end_run(int exit_code, const std::string& sentence) {
  const std::lock_guard guard(mutex_);
  const TimePoint began_at = running_since_.value_or(clock_.now());
  runs_.push_back({planned_at_.value_or(began_at), began_at, clock_.now(), exit_code, sentence});
  if (runs_.size() > kRunsKept) runs_.pop_front();
  running_since_.reset();
  ++(exit_code == 0 ? n_done_ : exit_code == 3 ? n_refused_ : n_failed_);
}

void WatchAdmin::set_freshness(FreshnessReport report) {
  const TimePoint now = clock_.now();
  const std::lock_guard guard(mutex_);
  for (const TableFreshness& table : report.tables) {
    if (!table.lag_seconds) continue;
    const auto known = std::find_if(lags_.begin(), lags_.end(),
                                    [&](const KnownLag& lag) { return lag.source == table.source && lag.table == table.table; });
    KnownLag& lag = known == lags_.end() ? lags_.emplace_back() : *known;
    lag = {table.source, table.table, now, *table.lag_seconds};
  }
  freshness_ = std::move(report);
  measured_at_ = now;
}

json::Value WatchAdmin::runs_document() const {
  json::Array runs;
  for (const WatchRun& run : runs_) {
    json::Value out = json::Object{};
    out.set("planned_at", json::Value(format_rfc3339(run.planned_at)));
    out.set("began_at", json::Value(format_rfc3339(run.began_at)));
    out.set("ended_at", json::Value(format_rfc3339(run.ended_at)));
    out.set("seconds", json::Value(seconds_between(run.began_at, run.ended_at)));
    out.set("exit_code", json::Value(static_cast<std::int64_t>(run.exit_code)));
    out.set("sentence", text_or_null(run.sentence));
    runs.push_back(std::move(out));
  }
  return json::Value(std::move(runs));
}

json::Value WatchAdmin::captures_document() const {
  const TimePoint now = clock_.now();
  json::Array captures;
  for (const CaptureState& capture : captures_()) {
    json::Value out = json::Object{};
    out.set("source", json::Value(capture.source));
    out.set("following", json::Value(capture.sentence.empty()));
    out.set("covered_until", json::Value(format_rfc3339(capture.covered_until)));
    out.set("lag_seconds", json::Value(capture_lag(capture, now)));
    out.set("sentence", text_or_null(capture.sentence));
    captures.push_back(std::move(out));
  }
  return json::Value(std::move(captures));
}

std::string WatchAdmin::status() const {
  json::Value out = json::Object{};
  json::Value captures = captures_document();
  const std::lock_guard guard(mutex_);
  out.set("state", json::Value(running_since_ ? "running" : "waiting"));
  out.set("running_since", time_or_null(running_since_));
  out.set("next_run_at", running_since_ ? json::Value() : time_or_null(planned_at_));
  json::Value counts = json::Object{};
  counts.set("done", json::Value(n_done_));
  counts.set("failed", json::Value(n_failed_));
  counts.set("refused", json::Value(n_refused_));
  out.set("runs", std::move(counts));
  out.set("last_runs", runs_document());
  out.set("captures", std::move(captures));
  json::Array pools;
  for (const sources::ConnectionPool* pool : pools_) pools.emplace_back(sources::format_pool_status(*pool));
  out.set("pools", json::Value(std::move(pools)));
  json::Value freshness = json::Object{};
  freshness.set("measured_at", time_or_null(measured_at_));
  json::Array tables;
  for (const TableFreshness& table : freshness_.tables) tables.push_back(freshness_document(table));
  freshness.set("tables", json::Value(std::move(tables)));
  json::Array problems;
  for (const std::string& problem : freshness_.problems) problems.emplace_back(problem);
  freshness.set("problems", json::Value(std::move(problems)));
  out.set("freshness", std::move(freshness));
  return json::format(out, 1);
}

}  // namespace lodestone::app
