#pragma once
// The admin port: metrics, releases, reload and rollback, behind a bearer token. Its threads may wait for the disk; they answer no
// public request.

#include <chrono>
#include <functional>
#include <string>

#include "http/router.hpp"
#include "metrics/registry.hpp"
#include "serving/audit_log.hpp"
#include "serving/experiment_file.hpp"
#include "serving/recommendations.hpp"
#include "serving/release_loader.hpp"
#include "serving/shadow.hpp"
#include "serving/waiting_channels.hpp"

namespace lodestone::serving {

/// False without the bearer token, which is answered with 401.
bool check_token(const http::Request& request, const std::string& token, http::Response& response);

/// A handler that answers 401 to a request without the bearer token, and 422 to one with parameters. The token must outlive it.
http::Handler behind_token(const std::string& token, http::Handler handler);

/// What every admin port has: GET /metrics, and /livez without a token. The references must outlive the router.
void add_scrape(http::Router& router, const std::string& token, metrics::Registry& registry);

/// What lists are made from, for who explains them. The references must outlive the router.
struct ExplainSources {
  const ReleaseHolder& releases;
  const ExperimentFile& experiments;
  const LiveVisitors& visitors;
  WaitingChannels& channels;
  const Clock& clock;
  std::function<PageTuning()> tuning;       ///< asked for at each request
  std::chrono::nanoseconds channel_time{};  ///< how long channels are waited for
  std::size_t first_reader = 0;             ///< of LiveFeatures, for the port's first thread; one for each of the others follows
  std::size_t n_threads = 1;                ///< of the port
};

/// GET /explain: `user_id` and `dataset_id`, one of them at least, `visitor_id`, `target`, `limit`, `filter`, `exclude`; answers as
/// Explanation::append() says, of the list that the public port would give now: with what the visitor did and the features as of now, the variants that
/// the visitor is dealt, and the channels outside of the engine.
void add_explain(http::Router& router, const std::string& token, ExplainSources sources, metrics::Registry& registry);

/// GET /metrics, GET /models, POST /models/reload, POST /models/rollback, and /livez without a token. Calls that change something, and those that
/// would, are in the audit log. The references must outlive the router.
void add_admin(http::Router& router, const std::string& token, metrics::Registry& registry, const ReleaseHolder& releases,
               ReleaseLoader& loader, const Shadow& shadow, AuditLog& audit);

/// GET /experiments: what the file says and whether it runs.
void add_experiments(http::Router& router, const std::string& token, const ExperimentFile& experiments);

}  // namespace lodestone::serving
