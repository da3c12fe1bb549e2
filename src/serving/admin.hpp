#pragma once
// The admin port: metrics, releases, reload and rollback, behind a bearer token. Its threads may wait for the disk; they answer no
// public request.

#include <functional>
#include <string>

#include "http/router.hpp"
#include "metrics/registry.hpp"
#include "serving/audit_log.hpp"
#include "serving/experiment_file.hpp"
#include "serving/recommendations.hpp"
#include "serving/release_loader.hpp"
#include "serving/shadow.hpp"

namespace lodestone::serving {

/// False without the bearer token, which is answered with 401.
bool check_token(const http::Request& request, const std::string& token, http::Response& response);

/// A handler that answers 401 to a request without the bearer token, and 422 to one with parameters. The token must outlive it.
http::Handler behind_token(const std::string& token, http::Handler handler);

/// What every admin port has: GET /metrics, and /livez without a token. The references must outlive the router.
void add_scrape(http::Router& router, const std::string& token, metrics::Registry& registry);

/// GET /explain: `user_id` and `dataset_id`, one of them at least, `target`, `limit`, `filter`, `exclude`; answers as append_explanation() says.
/// `tuning` is asked for at each request. The references must outlive the router.
void add_explain(http::Router& router, const std::string& token, const ReleaseHolder& releases, const Clock& clock,
                 std::function<PageTuning()> tuning);

/// GET /metrics, GET /models, POST /models/reload, POST /models/rollback, and /livez without a token. Calls that change something, and those that
/// would, are in the audit log. The references must outlive the router.
void add_admin(http::Router& router, const std::string& token, metrics::Registry& registry, const ReleaseHolder& releases,
               ReleaseLoader& loader, const Shadow& shadow, AuditLog& audit);

/// GET /experiments: what the file says and whether it runs.
void add_experiments(http::Router& router, const std::string& token, const ExperimentFile& experiments);

}  // namespace lodestone::serving
