#pragma once
// The server: public port, admin port, and the thread that follows CURRENT. What `lodestone serve` runs.

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/breaker.hpp"
#include "base/clock.hpp"
#include "base/file.hpp"
#include "base/tls.hpp"
#include "http/listener.hpp"
#include "http/request_observer.hpp"
#include "metrics/registry.hpp"
#include "serving/access.hpp"
#include "serving/cache_options.hpp"
#include "serving/drift.hpp"
#include "serving/events.hpp"
#include "serving/experiment_file.hpp"
#include "serving/guardrails.hpp"
#include "serving/housekeeper.hpp"
#include "serving/pages.hpp"
#include "serving/recommendations.hpp"
#include "serving/rules_file.hpp"

namespace lodestone::serving {

class OtherServers;

struct ServerOptions {
  std::string listen = "127.0.0.1:8000";  ///< port 0 = any free one
  std::string admin_listen = "127.0.0.1:8001";
  int n_threads = 0;  ///< of the public port; 0 = one a core
  http::Limits limits;
  fs::path tls_certificate;  ///< PEM; "" = the public port speaks plain HTTP
  fs::path tls_key;
  fs::path admin_token_file;
  fs::path bundle_folder;
  fs::path onnx_library;                             ///< that of bundle::OpenOptions
  fs::path experiments_file;                         ///< "" = no experiments
  std::chrono::milliseconds follow_interval{1'000};  ///< between looks at CURRENT, TRIAL and the experiments
  EventJournal::Options events;                      ///< of POST /events; no folder = none are taken
  EventTimes event_times;
  std::size_t live_visitors = 50'000;         ///< of LiveVisitors
  std::size_t trending_pairs = 1'000'000;     ///< of LiveTrending
  std::chrono::milliseconds slo_latency{50};  ///< what is answered later is not good
  fs::path rules_file;                        ///< "" = no rules
  AccessOptions access;
  AuditLog::Options audit;
  RolloutLimits rollout_limits;
  fs::path channels_file;  ///< "" or not there = no channel that waits; followed
  CacheOptions cache;
  PageTuning tuning = {};
  std::chrono::milliseconds ranking_timeout{30};         ///< of a request's time, what the rankers may take
  Breaker::Options ranking_breaker;                      ///< around the rankers of a release
  http::ObserverOptions observer;                        ///< of the public port
  std::optional<DemoPage> demo;                          ///< none = no page at /
  std::optional<ExposureLogOptions> exposures;           ///< none = what is shown is not logged
  std::uint64_t drift_pages = DriftGauges::kLeastPages;  ///< sampled pages without which no drift of features is told
};

/// What the public port speaks TLS with; nullptr for two empty names, plain HTTP. Throws invalid_argument for one alone, and as TlsContext does.
std::shared_ptr<const TlsContext> load_tls(const fs::path& certificate, const fs::path& key);

/// start and stop belong to one thread.
class Server {
 public:
  /// Reads the token, binds both ports, loads what CURRENT names (without one it starts not ready). Throws with a sentence
  /// when the token or an address cannot be had. The registry and the clock must outlive it.
  Server(ServerOptions options, metrics::Registry& registry, const Clock& clock);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  /// Each thread makes its memory warm before it answers. With a release this returns when all are, so the server is ready then.
  void start();
  /// /readyz says 503, nothing new is accepted, requests in flight are answered; what lasts longer than `drain` is cut.
  void stop(std::chrono::milliseconds drain);

  /// What can change while it runs. Any thread.
  void set_tuning(const PageTuning& tuning) { recommendations_.set_tuning(tuning); }
  /// Reads certificate and key again, for connections to come. Throws as the constructor does, and then nothing changes. Of the
  /// thread that stops it.
  void reload_tls();

  [[nodiscard]] std::uint16_t port() const;
  [[nodiscard]] std::uint16_t admin_port() const;
  [[nodiscard]] bool is_ready() const;

 private:
  /// Each second, of the thread that keeps house: sets the gauges, and says when rankers are left out and when no more.
  void watch_ranking_breakers();
  void watch_ranking_breaker(Variant variant, const ReleasePointer& release);

  ServerOptions options_;
  std::string token_;
  DrainFlag is_draining_{false};
  ReleaseHolder releases_;
  ServingMetrics metrics_;
  AuditLog audit_;
  LiveFeatureSet live_features_;
  ReleaseLoader loader_;
  ExperimentFile experiments_;
  RulesFile rules_;
  Access access_;
  Shadow shadow_;
  DriftGauges drift_;
  std::array<bool, kVariants> was_ranking_open_{};  ///< by Variant
  std::unique_ptr<OtherServers> others_;
  std::unique_ptr<ExposureLog> exposure_log_;
  Recommendations recommendations_;
  LiveVisitors live_visitors_;
  LiveTrending live_trending_;
  Guardrails guardrails_;
  std::unique_ptr<EventJournal> journal_;  ///< may be null
  Events events_;
  std::unique_ptr<http::RequestObserver> observer_;  ///< may be null
  http::Router router_;
  http::Router admin_router_;
  std::unique_ptr<http::Listener> listener_;
  std::unique_ptr<http::Listener> admin_listener_;
  Housekeeper housekeeper_;
};

}  // namespace lodestone::serving
