#include "serving/server.hpp"

#include "base/error.hpp"
#include "base/log.hpp"
#include "base/thread_pool.hpp"
#include "metrics/process.hpp"
#include "serving/admin.hpp"
#include "serving/other_servers.hpp"
#include "serving/token.hpp"

namespace lodestone::serving {

namespace {

/// One may wait for the disk while the other answers a scrape.
constexpr std::size_t kAdminThreads = 2;
/// Of what fell out of the longest window, 30 days.
constexpr std::chrono::hours kForgetEvery{6};

std::unique_ptr<EventJournal> make_journal(const ServerOptions& options, EventShare* share, std::vector<EventSink*> sinks,
                                           metrics::Registry& registry, const Clock& clock) {
  if (options.events.segments.folder.empty()) return nullptr;
  EventJournal::Options journal = options.events;
  if (share != nullptr) journal.on_stored = [share](std::string_view lines) { share->publish(lines); };
  return std::make_unique<EventJournal>(std::move(journal), std::move(sinks), registry, clock);
}

ServerOptions with_defaults(ServerOptions options) {
  if (options.n_threads == 0) options.n_threads = usable_cores();
  return options;
}

http::ListenOptions listen_options(std::string_view address, std::string_view flag, std::string_view key) {
  const http::HostPort where = http::parse_host_port(address, flag);
  http::ListenOptions result;
  result.host = where.host;
  result.port = where.port;
  result.way_out = fmt::format("stop that process or choose another address with {} HOST:PORT or the key {}", flag, key);
  return result;
}

}  // namespace

std::shared_ptr<const TlsContext> load_tls(const fs::path& certificate, const fs::path& key) {
  if (certificate.empty() && key.empty()) return nullptr;
  if (certificate.empty() || key.empty()) {
    fail(ErrorCode::kInvalidArgument,
         "serving.tls_certificate and serving.tls_key go together: give both, or neither for plain HTTP");
  }
  return std::make_shared<const TlsContext>(certificate, key);
}

Server::Server(ServerOptions options, metrics::Registry& registry, const Clock& clock)
    : options_(with_defaults(std::move(options))),
      token_(load_admin_token(options_.admin_token_file)),
      metrics_(registry),
      audit_(options_.audit, registry, clock),
      live_features_(options_.events.segments.folder, static_cast<std::size_t>(options_.n_threads) + kAdminThreads),
      loader_(bundle::BundleStore(options_.bundle_folder, options_.onnx_library), releases_, metrics_, clock,
              options_.demo ? std::function<std::string(const models::Release&)>(
                                  [this](const models::Release& release) { return make_demo_answer(*options_.demo, release); })
                            : nullptr,
              &live_features_, options_.n_threads),
      experiments_(options_.experiments_file, metrics_),
      rules_(options_.rules_file, releases_, metrics_),
      access_(options_.access, metrics_, registry, clock, options_.n_threads),
      shadow_(releases_, registry),
      drift_(registry, clock, options_.drift_pages),
      others_(std::make_unique<OtherServers>(options_.channels_file, options_.cache, !options_.events.segments.folder.empty(),
                                             metrics_, registry, clock)),
      exposure_log_(options_.exposures ? std::make_unique<ExposureLog>(*options_.exposures, registry, clock, options_.n_threads)
                                       : nullptr),
      recommendations_(releases_, experiments_, shadow_, metrics_, registry, clock, options_.n_threads),
      live_visitors_(options_.live_visitors),
      live_trending_(options_.trending_pairs, clock),
      guardrails_(experiments_, releases_, loader_, audit_, registry, clock),
      journal_(make_journal(options_, others_->event_share(), {&live_visitors_, &live_trending_, &live_features_, &guardrails_},
                            registry, clock)),
      events_(journal_.get(), options_.event_times, registry, clock, options_.n_threads) {
  metrics_.set_slo_latency(options_.slo_latency);
  recommendations_.set_tuning(options_.tuning);
  recommendations_.set_exposure_log(exposure_log_.get());
  recommendations_.set_live(live_visitors_, live_trending_);
  recommendations_.set_channels(others_->channels());
  recommendations_.set_access(access_);
  recommendations_.set_request_timeout(options_.cache.request_timeout);
  recommendations_.set_ranking_timeout(options_.ranking_timeout);
  loader_.set_ranking_breaker(options_.ranking_breaker);
  router_.set_gate(access_.gate());
  recommendations_.add_routes(router_);
  events_.add_routes(router_);
  add_pages(router_, releases_, loader_, experiments_, rules_, access_, recommendations_, is_draining_,
            {.cache_state = [this] { return others_->cache_state(); },
             .is_channels_file_bad = [this] { return others_->channels_problem().has_value(); }});
  if (options_.demo) add_demo_page(router_, *options_.demo, releases_);
  add_admin(admin_router_, token_, registry, releases_, loader_, shadow_, audit_);
  add_experiments(admin_router_, token_, experiments_);
  add_explain(admin_router_, token_,
              {.releases = releases_,
               .experiments = experiments_,
               .visitors = live_visitors_,
               .channels = others_->channels(),
               .clock = clock,
               .tuning = [this] { return recommendations_.tuning(); },
               .channel_time = options_.cache.request_timeout,
               .first_reader = static_cast<std::size_t>(options_.n_threads),
               .n_threads = kAdminThreads},
              registry);
  metrics::register_process_metrics(registry);

  http::ListenOptions open = listen_options(options_.listen, "--listen", "serving.listen");
  open.n_threads = options_.n_threads;
  open.limits = options_.limits;
  open.tls = load_tls(options_.tls_certificate, options_.tls_key);
  open.on_start = [this](int thread) { recommendations_.tick(thread); };
  open.on_tick = [this](int thread) { recommendations_.tick(thread); };
  if (options_.observer.is_on()) {
    observer_ = std::make_unique<http::RequestObserver>(options_.observer, registry, clock, options_.n_threads);
    open.on_answer = [this](const http::Request& request, int status, std::size_t bytes) {
      observer_->see(request, status, bytes);
    };
  }
  open.on_shed = [this](const http::Request& request) { recommendations_.count_shed(request); };
  listener_ = std::make_unique<http::Listener>(router_, std::move(open));
  http::ListenOptions closed = listen_options(options_.admin_listen, "--admin", "serving.admin");
  closed.n_threads = static_cast<int>(kAdminThreads);
  closed.limits.connections = 100;
  admin_listener_ = std::make_unique<http::Listener>(admin_router_, std::move(closed));

  releases_.set_rollout_limits(options_.rollout_limits);
  rules_.look();  // before there is a release, so that what they hide is never seen
  experiments_.look();
  loader_.look();
  rules_.set_audit(audit_);  // what is there at a start is no change
  experiments_.set_audit(audit_);
  access_.set_audit(audit_);
  others_->set_audit(audit_);
  loader_.set_audit(audit_);
  housekeeper_.watch(options_.bundle_folder);
  for (const fs::path& file :
       {options_.rules_file, options_.experiments_file, options_.access.keys_file, options_.channels_file}) {
    if (!file.empty()) housekeeper_.watch(file.parent_path().empty() ? fs::path(".") : file.parent_path());
  }
  housekeeper_.add([this] { rules_.look(); });
  housekeeper_.add([this] { access_.look(); });
  housekeeper_.add([this] { experiments_.look(); });
  housekeeper_.add([this] { others_->look_at_channels(); });
  housekeeper_.add([this] { loader_.look(); });
  housekeeper_.add([this] { guardrails_.check(); });
  housekeeper_.add([this, &clock] { live_features_.forget(clock.now()); }, kForgetEvery);
  housekeeper_.add([this] {
    releases_.collect();
    experiments_.collect();
    access_.collect();
  });
  housekeeper_.add(
      [this] {
        metrics_.sample_fallback_ratio();
        const ReleasePointer release = releases_.get();
        drift_.update(release == nullptr ? nullptr : release->drift);
        watch_ranking_breakers();
        others_->look(release.get());
      },
      std::chrono::seconds(1));
}

Server::~Server() { stop(std::chrono::milliseconds(0)); }

void Server::start() {
  const bool has_release = releases_.get() != nullptr;
  if (exposure_log_) exposure_log_->start();
  others_->start();
  if (observer_) observer_->start();
  housekeeper_.start(options_.follow_interval);
  shadow_.start();
  admin_listener_->start();
  if (journal_) {
    // Lists would show what was bought before the restart until the journal is read.
    journal_->start();
    journal_->wait_until_read();
    others_->follow_events(*journal_);
  }
  listener_->start();
  if (has_release) recommendations_.wait_until_warm();
}

void Server::stop(std::chrono::milliseconds drain) {
  is_draining_.store(true, std::memory_order_relaxed);
  listener_->stop(drain);
  admin_listener_->stop(drain);
  if (journal_) journal_->stop();  // after the listener, whose requests wait for it, as for the others
  others_->stop();
  housekeeper_.stop();
  shadow_.stop();
  if (exposure_log_) exposure_log_->stop();  // nobody answers any more
  if (observer_) observer_->stop();
}

void Server::watch_ranking_breakers() {
  const auto lineup = releases_.lineup();
  watch_ranking_breaker(Variant::kPrimary, lineup ? lineup->current : nullptr);
  watch_ranking_breaker(Variant::kRollout, lineup ? lineup->trial : nullptr);
}

void Server::watch_ranking_breaker(Variant variant, const ReleasePointer& release) {
  const Breaker* breaker = release ? release->ranking_breaker.get() : nullptr;
  metrics_.set_ranking_breaker(variant, breaker);
  bool& was_open = was_ranking_open_[static_cast<std::size_t>(variant)];
  const bool is_open = breaker != nullptr && breaker->state() != Breaker::State::kClosed;
  if (is_open == was_open) return;
  was_open = is_open;
  if (is_open) {
    log_error("serving",
              "bundle {}: its rankers failed or were late {} times in a row; lists stay in the order of recall, and every {} s "
              "one is tried again",
              release->release().id, options_.ranking_breaker.failures,
              std::chrono::duration_cast<std::chrono::seconds>(options_.ranking_breaker.rest).count());
  } else if (release != nullptr) {
    log_info("serving", "bundle {}: its lists are ranked again", release->release().id);
  }
}

void Server::reload_tls() {
  if (std::shared_ptr<const TlsContext> tls = load_tls(options_.tls_certificate, options_.tls_key))
    listener_->set_tls(std::move(tls));
}

std::uint16_t Server::port() const { return listener_->port(); }
std::uint16_t Server::admin_port() const { return admin_listener_->port(); }
bool Server::is_ready() const { return !is_draining_.load(std::memory_order_relaxed) && recommendations_.are_warm(); }

}  // namespace lodestone::serving
