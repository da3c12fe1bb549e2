#pragma once
// Everything on the public port that is no list: health, the API document and its page, the tracking snippet, and the demo page.

#include <atomic>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "http/router.hpp"
#include "serving/experiment_file.hpp"
#include "serving/recommendations.hpp"
#include "serving/release_loader.hpp"
#include "serving/rules_file.hpp"

namespace lodestone::serving {

/// A file that is built into the program.
struct Asset {
  std::string path;  ///< "/", "/app.js"
  std::string content_type;
  std::string_view bytes;  ///< must outlive the server
};

/// A catalogue that the demo page credits.
struct Catalogue {
  std::string name;
  std::string licence;
  std::string source;
};

struct DemoPage {
  std::string label;  ///< says that visits are simulated
  std::vector<Catalogue> catalogues;
  std::vector<Asset> assets;
};

/// The OpenAPI 3.1 document of the public port, as JSON.
std::string_view openapi_document();

/// The answer of /demo: label, catalogues, up to 30 users spread over activity with up to 5 items of their history, sizes, bundle id.
std::string make_demo_answer(const DemoPage& demo, const models::Release& release);

/// Whether new work should be sent here; switched off when the server drains.
using DrainFlag = std::atomic<bool>;

/// What /health asks of other servers; either may be empty.
struct NeighbourHealth {
  std::function<std::string_view()> cache_state = {};  ///< "none", "local", "redis" or "degraded"; empty = none
  std::function<bool()> is_channels_file_bad = {};
};

/// /health, /livez, /readyz, /openapi.json, /docs, /snippet.js. The references must outlive the router.
void add_pages(http::Router& router, const ReleaseHolder& releases, const ReleaseLoader& loader,
               const ExperimentFile& experiments, const RulesFile& rules, const Access& access,
               const Recommendations& recommendations, const DrainFlag& is_draining, NeighbourHealth neighbours = {});

/// /demo and the assets.
void add_demo_page(http::Router& router, const DemoPage& demo, const ReleaseHolder& releases);

}  // namespace lodestone::serving
