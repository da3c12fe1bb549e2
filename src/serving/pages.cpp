#include "serving/pages.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

#include "base/hash.hpp"
#include "base/json.hpp"
#include "http/parameters.hpp"
#include "http/problem.hpp"
#include "serving/docs_page.hpp"
#include "serving/embedded_snippet.hpp"

namespace lodestone::serving {

namespace {

constexpr std::size_t kDemoUsers = 30;
constexpr std::size_t kDemoHistory = 5;
/// Nothing may come from elsewhere but cover images, which catalogues hold by http too; no inline script or style.
constexpr std::string_view kPageHeaders =
    "Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: https: http:; "
    "connect-src 'self'; "
    "base-uri 'none'; frame-ancestors 'none'\r\nReferrer-Policy: no-referrer\r\n";

/// A day: pages of the marketplace load it at each view, and after that the tag saves the bytes.
constexpr std::string_view kSnippetCache = "public, max-age=86400";
/// Pages of other sites may load it, also those that ask for this by Cross-Origin-Embedder-Policy.
constexpr std::string_view kSnippetHeaders = "Cross-Origin-Resource-Policy: cross-origin\r\n";

void take_no_parameters(const http::Request& request) { static_cast<void>(http::Parameters(request, {})); }

void answer_status(http::Response& response, int status, std::string_view text, std::string_view detail) {
  response.status = status;
  json::Writer writer(response.out());
  writer.begin_object().key("status").value(text);
  if (!detail.empty()) writer.key("detail").value(detail);
  writer.end_object();
}

void write_check(json::Writer& writer, std::string_view name, std::string_view status, std::string_view key,
                 std::string_view value) {
  writer.key(name).begin_object().key("status").value(status);
  if (!value.empty()) writer.key(key).value(value);
  writer.end_object();
}

void answer_health(const ReleaseHolder& releases, const ReleaseLoader& loader, const ExperimentFile& experiments,
                   const RulesFile& rules, const Access& access, const NeighbourHealth& neighbours, http::Response& response) {
  const ReleasePointer release = releases.get();
  const bool refused = loader.last_refusal().has_value();
  const bool bad_experiments = experiments.problem().has_value();
  const bool bad_rules = rules.problem().has_value();
  const bool bad_keys = access.problem().has_value();
  const bool bad_channels = neighbours.is_channels_file_bad && neighbours.is_channels_file_bad();
  const std::string_view cache_state = neighbours.cache_state ? neighbours.cache_state() : "none";
  const bool bad_cache = cache_state == "degraded";
  const bool is_degraded = refused || bad_experiments || bad_rules || bad_keys || bad_channels || bad_cache;
  response.status = release ? 200 : 503;
  json::Writer writer(response.out());
  writer.begin_object();
  writer.key("status").value(!release ? "unhealthy" : is_degraded ? "degraded" : "healthy");
  writer.key("cache").value(cache_state);
  writer.key("models_loaded").boolean(release != nullptr);
  writer.key("checks").begin_object();
  write_check(writer, "bundle", release ? "ok" : "missing", "id", release ? release->release().id : "");
  const bool has_fallback = release && !release->release().popular.row(0).items.empty();
  write_check(writer, "fallback", has_fallback ? "ok" : "missing", "", "");
  write_check(writer, "current", refused ? "refused" : "ok", "detail",
              refused ? "the bundle that CURRENT names was refused; the server's log says why" : "");
  write_check(writer, "experiments", bad_experiments ? "refused" : "ok", "detail",
              bad_experiments ? "the experiments' file has errors; the server's log says which" : "");
  write_check(writer, "rules", bad_rules ? "refused" : "ok", "detail",
              bad_rules ? "the rules' file has errors; the server's log says which" : "");
  write_check(writer, "keys", bad_keys ? "refused" : "ok", "detail",
              bad_keys ? "the keys' file has errors; the server's log says which" : "");
  write_check(writer, "channels", bad_channels ? "refused" : "ok", "detail",
              bad_channels ? "the channels' file has errors; the server's log says which" : "");
  write_check(writer, "cache", bad_cache ? "degraded" : "ok", "detail",
              bad_cache ? "a Redis does not answer; requests go on without it, and it is tried again" : "");
  writer.end_object().end_object();
}

void add_page(http::Router& router, const std::string& path, std::string_view content_type, std::string_view bytes) {
  const std::uint64_t etag = xxh3(bytes);
  const std::string type(content_type);
  router.add(http::Method::kGet, path, [bytes, etag, type](const http::Request& request, http::Response& response) {
    take_no_parameters(request);
    response.content_type = type;  // the router outlives every response
    response.cache_control = "no-cache";
    response.more_headers = kPageHeaders;
    response.etag = etag;
    response.out() += bytes;
  });
}

void add_snippet(http::Router& router) {
  const std::string_view script = embedded_snippet().front().text;
  router.add(http::Method::kGet, "/snippet.js",
             [script, etag = xxh3(script)](const http::Request& request, http::Response& response) {
               take_no_parameters(request);
               response.content_type = "text/javascript; charset=utf-8";
               response.cache_control = kSnippetCache;
               response.more_headers = kSnippetHeaders;
               response.etag = etag;
               response.out() += script;
             });
}

/// Users with a history, from the busiest to the idlest, at even steps.
std::vector<std::size_t> sample_users(const models::Users& users) {
  std::vector<std::size_t> active;
  for (std::size_t u = 0; u < users.size(); ++u) {
    if (!users.history(u).empty()) active.push_back(u);
  }
  std::ranges::stable_sort(active,
                           [&](std::size_t a, std::size_t b) { return users.history(a).size() > users.history(b).size(); });
  if (active.size() <= kDemoUsers) return active;
  std::vector<std::size_t> chosen;
  for (std::size_t i = 0; i < kDemoUsers; ++i) chosen.push_back(active[i * (active.size() - 1) / (kDemoUsers - 1)]);
  return chosen;
}

}  // namespace

std::string make_demo_answer(const DemoPage& demo, const models::Release& release) {
  std::string out;
  json::Writer writer(out);
  writer.begin_object();
  writer.key("label").value(demo.label);
  writer.key("catalogues").begin_array();
  for (const Catalogue& one : demo.catalogues) {
    writer.begin_object()
        .key("name")
        .value(one.name)
        .key("licence")
        .value(one.licence)
        .key("source")
        .value(one.source)
        .end_object();
  }
  writer.end_array();
  writer.key("users").begin_array();
  for (const std::size_t user : sample_users(release.users)) {
    writer.begin_object().key("user_id").value(raw(release.users.id(user)));
    writer.key("history").begin_array();
    const auto history = release.users.history(user);
    for (const ItemIndex item : history.first(std::min(history.size(), kDemoHistory))) {
      writer.begin_object().key("dataset_id").value(raw(release.catalog.id(item)));
      writer.key("title").value(release.catalog.title(item)).end_object();
    }
    writer.end_array().end_object();
  }
  writer.end_array();
  writer.key("n_items").value(static_cast<std::int64_t>(release.catalog.n_items()));
  writer.key("n_users").value(static_cast<std::int64_t>(release.users.size()));
  writer.key("bundle_id").value(release.id);
  writer.end_object();
  return out;
}

void add_pages(http::Router& router, const ReleaseHolder& releases, const ReleaseLoader& loader,
               const ExperimentFile& experiments, const RulesFile& rules, const Access& access,
               const Recommendations& recommendations, const DrainFlag& is_draining, NeighbourHealth neighbours) {
  for (const char* path : {"/livez", "/readyz", "/health"}) router.keep(path);
  router.add(http::Method::kGet, "/livez", [](const http::Request& request, http::Response& response) {
    take_no_parameters(request);
    answer_status(response, 200, "ok", "");
  });
  router.add(http::Method::kGet, "/readyz", [&](const http::Request& request, http::Response& response) {
    take_no_parameters(request);
    if (is_draining.load(std::memory_order_relaxed)) return answer_status(response, 503, "draining", "the server is stopping");
    if (!releases.get()) return answer_status(response, 503, "starting", "no bundle is loaded yet");
    if (!recommendations.are_warm())
      return answer_status(response, 503, "starting", "the bundle is loaded, not all threads are warm");
    answer_status(response, 200, "ready", "");
  });
  router.add(http::Method::kGet, "/health",
             [&, neighbours = std::move(neighbours)](const http::Request& request, http::Response& response) {
               take_no_parameters(request);
               answer_health(releases, loader, experiments, rules, access, neighbours, response);
             });
  static const std::string docs = make_docs_page(openapi_document());
  add_page(router, "/openapi.json", "application/json", openapi_document());
  add_page(router, "/docs", "text/html; charset=utf-8", docs);
  add_page(router, "/docs.css", "text/css; charset=utf-8", docs_style());
  add_snippet(router);
}

void add_demo_page(http::Router& router, const DemoPage& demo, const ReleaseHolder& releases) {
  for (const Asset& asset : demo.assets) add_page(router, asset.path, asset.content_type, asset.bytes);
  router.add(http::Method::kGet, "/demo", [&](const http::Request& request, http::Response& response) {
    take_no_parameters(request);
    const ReleasePointer release = releases.get();
    if (!release)
      return http::answer_problem(response, 503, "no_release: no bundle is loaded yet; /readyz says when there is one");
    response.out() += release->demo;
  });
}

}  // namespace lodestone::serving
