#pragma once
// The admin port: metrics, releases, reload and rollback, behind a bearer token. Its threads may wait for the disk; they answer no
// public request.

#include <string>

#include "http/router.hpp"
#include "metrics/registry.hpp"
#include "serving/experiment_file.hpp"
#include "serving/release_loader.hpp"
#include "serving/shadow.hpp"

namespace lodestone::serving {

/// A handler that answers 401 to a request without the bearer token, and 422 to one with parameters. The token must outlive it.
http::Handler behind_token(const std::string& token, http::Handler handler);

/// What every admin port has: GET /metrics, and /livez without a token. The references must outlive the router.
void add_scrape(http::Router& router, const std::string& token, metrics::Registry& registry);

/// GET /metrics, GET /models, POST /models/reload, POST /models/rollback, and /livez without a token. The references must outlive the
/// router.
void add_admin(http::Router& router, const std::string& token, metrics::Registry& registry, const ReleaseHolder& releases,
               ReleaseLoader& loader, const Shadow& shadow);

/// GET /experiments: what the file says and whether it runs.
void add_experiments(http::Router& router, const std::string& token, const ExperimentFile& experiments);

}  // namespace lodestone::serving
