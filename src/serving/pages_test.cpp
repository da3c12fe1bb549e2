// Health, the API document and its page, the demo page.
#include "serving/pages.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "serving/docs_page.hpp"
#include "tests/support/json_schema.hpp"
#include "tests/support/serving_site.hpp"

namespace lodestone::serving {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr std::string_view kScript = "console.log(1)";

class PagesTest : public ::testing::Test {
 protected:
  PagesTest() : document(json::parse(openapi_document(), "openapi.json")) {}
  void start() {
    DemoPage demo;
    demo.label = "Simulated visits";
    demo.catalogues = {{"AWS \"open\" data", "Apache-2.0", "https://example.org"}};
    demo.assets = {{"/", "text/html; charset=utf-8", "<!doctype html>"}, {"/app.js", "text/javascript; charset=utf-8", kScript}};
    site.options.demo = demo;
    id = site.pack_sample();
    site.publish(id);
    site.start();
  }
  const json::Value* operation(const std::string& path) {
    const json::Value* at = document.find("paths")->find(path);
    if (at == nullptr) return nullptr;
    return at->find("get") != nullptr ? at->find("get") : at->find("post");
  }
  /// Checks an answer against what the document says about its operation and status.
  void check(const std::string& path, const test::HttpAnswer& answer) {
    const json::Value* of = operation(path);
    ASSERT_NE(of, nullptr) << path;
    const json::Value* response = of->find("responses")->find(std::to_string(answer.status));
    ASSERT_NE(response, nullptr) << path << " does not document " << answer.status;
    if (const json::Value* reference = response->find("$ref")) response = test::find_reference(document, *reference->as_string());
    if (answer.body.empty()) return;
    const std::string type = answer.header("content-type");
    const json::Value* content = response->find("content")->find(type.substr(0, type.find(';')));
    ASSERT_NE(content, nullptr) << path << " " << answer.status << " does not document " << type;
    if (!type.starts_with("application/")) return;
    EXPECT_THAT(test::check_schema(json::parse(answer.body, path), *content->find("schema"), document), IsEmpty()) << path;
  }

  json::Value document;
  test::ServingSite site;
  std::string id;
};

TEST_F(PagesTest, every_answer_fits_the_document) {
  start();
  const std::vector<std::pair<std::string, std::string>> calls = {
      {"/similar/{dataset_id}", "/similar/10"},
      {"/similar/{dataset_id}", "/similar/10?explain=true&limit=50"},
      {"/similar/{dataset_id}", "/similar/999"},
      {"/similar/{dataset_id}", "/similar/10?limit=0"},
      {"/recommend/detail/{dataset_id}", "/recommend/detail/10?user_id=100&explain=true"},
      {"/recommend/detail/{dataset_id}", "/recommend/detail/999"},
      {"/recommend/user/{user_id}", "/recommend/user/100"},
      {"/recommend/user/{user_id}", "/recommend/user/x"},
      {"/hot/trending", "/hot/trending"},
      {"/hot/trending", "/hot/trending?timeframe=7d"},
      {"/hot/trending", "/hot/trending?timeframe=x"},
      {"/search", "/search?q=weather"},
      {"/search", "/search?limit=51"},
      {"/health", "/health"},
      {"/livez", "/livez"},
      {"/livez", "/livez?x"},
      {"/readyz", "/readyz"},
      {"/openapi.json", "/openapi.json"},
      {"/docs", "/docs"},
      {"/snippet.js", "/snippet.js"},
      {"/snippet.js", "/snippet.js?v=1"},
      {"/demo", "/demo"}};
  for (const auto& [path, target] : calls) check(path, site.get(target));
  for (const char* body : {"[]", "[{}]", "{}", "{"}) check("/events", site.post("/events", body));
  check("/events", site.post("/events", "[]", "Content-Type: text/plain\r\n"));
  check("/events", site.post("/events", R"([{"event_id":"a","kind":"view","dataset_id":10,"at":"2026-11-24T09:30:00Z"}])"));
  check("/docs", site.get("/docs", "If-None-Match: *\r\n"));
  for (const char* body :
       {R"({"user_id":100,"slots":[{"name":"a","kind":"similar","dataset_id":10},{"name":"b","kind":"user"}]})",
        R"({"slots":[{"name":"a","kind":"similar","dataset_id":999}]})", R"({"slots":[]})", "{"}) {
    check("/recommend/page", test::HttpConnection(site.server->port()).request("POST", "/recommend/page", "", body));
  }
}

TEST_F(PagesTest, every_answer_without_a_bundle_fits_the_document) {
  site.start();
  for (const std::string path : {"/health", "/readyz", "/hot/trending", "/search", "/demo"}) check(path, site.get(path));
}

TEST_F(PagesTest, every_route_and_nothing_else_is_described) {
  http::Router router;
  metrics::Registry registry;
  ReleaseHolder releases;
  ServingMetrics counted(registry);
  ReleaseLoader loader(bundle::BundleStore(site.folder.path()), releases, counted, site.clock, nullptr);
  const ExperimentFile experiments("", counted);
  const RulesFile rules("", releases, counted);
  const Access access({}, counted, registry, site.clock, 1);
  Shadow shadow(releases, registry);
  Recommendations recommendations(releases, experiments, shadow, counted, registry, site.clock, 1);
  const DrainFlag draining{false};
  const DemoPage demo;
  recommendations.add_routes(router);
  Events(nullptr, {}, registry, site.clock, 1).add_routes(router);
  add_pages(router, releases, loader, experiments, rules, access, recommendations, draining);
  add_demo_page(router, demo, releases);
  std::set<std::string> described;
  for (const json::Member& path : *document.find("paths")->as_object()) described.insert(path.key);
  std::set<std::string> routed;
  for (const auto& entry : router.entries()) {
    if (!entry.pattern.ends_with(".css")) routed.insert(entry.pattern);
  }
  EXPECT_EQ(described, routed);
  for (const std::string& path : routed) EXPECT_EQ(operation(path)->find("security") == nullptr, Access::is_open(path)) << path;
}

TEST_F(PagesTest, every_parameter_is_described_and_taken) {
  start();
  const std::map<std::string, std::string> paths = {{"/similar/{dataset_id}", "/similar/10"},
                                                    {"/recommend/detail/{dataset_id}", "/recommend/detail/10"},
                                                    {"/recommend/user/{user_id}", "/recommend/user/100"},
                                                    {"/hot/trending", "/hot/trending"},
                                                    {"/search", "/search"}};
  const std::map<std::string, std::string> values = {{"limit", "3"},      {"filter", "price%3E0"}, {"exclude", "1,2"},
                                                     {"explain", "true"}, {"user_id", "1"},        {"visitor_id", "a"},
                                                     {"timeframe", "7d"}, {"q", "data"},           {"source", "home"}};
  for (const auto& [path, target] : paths) {
    std::set<std::string> described;
    for (const json::Value& given : *operation(path)->find("parameters")->as_array()) {
      const json::Value* parameter =
          given.find("$ref") == nullptr ? &given : test::find_reference(document, *given.find("$ref")->as_string());
      ASSERT_NE(parameter, nullptr);
      if (*parameter->find("in")->as_string() == "query") described.insert(*parameter->find("name")->as_string());
    }
    for (const auto& [name, value] : values) {
      const int status = site.get(target + "?" + name + "=" + value).status;
      EXPECT_EQ(status, described.contains(name) ? 200 : 422) << target << " " << name;
    }
  }
}

TEST_F(PagesTest, health_says_what_is_loaded) {
  start();
  EXPECT_EQ(
      site.get("/health").body,
      "{\"status\":\"healthy\",\"cache\":\"none\",\"models_loaded\":true,\"checks\":{\"bundle\":{\"status\":\"ok\",\"id\":\"" +
          id +
          "\"},\"fallback\":{\"status\":\"ok\"},\"current\":{\"status\":\"ok\"},\"experiments\":{\"status\":\"ok\"},\"rules\":{"
          "\"status\":\"ok\"},\"keys\":{\"status\":\"ok\"},\"channels\":{\"status\":\"ok\"},\"cache\":{\"status\":\"ok\"}}}");
  EXPECT_EQ(site.get("/livez").body, "{\"status\":\"ok\"}");
}

TEST_F(PagesTest, the_docs_page_lists_every_operation_and_needs_nothing_else) {
  start();
  const auto page = site.get("/docs");
  for (const json::Member& path : *document.find("paths")->as_object()) {
    EXPECT_THAT(page.body, HasSubstr((path.value.find("get") != nullptr ? "GET " : "POST ") + path.key));
  }
  EXPECT_THAT(page.body, HasSubstr("integer, 1 to 50, default 10"));
  EXPECT_THAT(page.body, ::testing::Not(HasSubstr("://")));
  EXPECT_THAT(page.body, ::testing::Not(HasSubstr("<script")));
  EXPECT_EQ(page.header("content-security-policy"),
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: https: http:; connect-src 'self'; "
            "base-uri 'none'; "
            "frame-ancestors 'none'");
  EXPECT_EQ(site.get("/docs.css").header("content-type"), "text/css; charset=utf-8");
  EXPECT_EQ(site.get("/openapi.json").body, openapi_document());
}

TEST_F(PagesTest, the_demo_page_is_served_when_it_is_on) {
  start();
  EXPECT_EQ(site.get("/").body, "<!doctype html>");
  const auto script = site.get("/app.js");
  EXPECT_EQ(script.body, kScript);
  EXPECT_EQ(script.header("content-type"), "text/javascript; charset=utf-8");
  EXPECT_THAT(script.header("content-security-policy"), HasSubstr("default-src 'none'"));
  EXPECT_EQ(script.header("x-content-type-options"), "nosniff");
  const json::Value demo = site.get_json("/demo");
  EXPECT_EQ(*demo.find("label")->as_string(), "Simulated visits");
  EXPECT_EQ(*demo.find("bundle_id")->as_string(), id);
  EXPECT_EQ(*demo.find("n_items")->as_int(), 60);
  EXPECT_EQ(*demo.find("n_users")->as_int(), 20);
  EXPECT_EQ(*(*demo.find("catalogues")->as_array())[0].find("name")->as_string(), "AWS \"open\" data");
  const json::Array& users = *demo.find("users")->as_array();
  ASSERT_GT(users.size(), 5U);
  for (const json::Value& user : users) {
    const json::Array& history = *user.find("history")->as_array();
    EXPECT_GE(history.size(), 1U);
    EXPECT_LE(history.size(), 5U);
  }
}

TEST_F(PagesTest, the_snippet_is_served_without_a_bundle_and_kept_by_caches) {
  site.start();
  const auto script = site.get("/snippet.js");
  EXPECT_EQ(script.status, 200);
  EXPECT_EQ(script.header("content-type"), "text/javascript; charset=utf-8");
  EXPECT_EQ(script.header("cache-control"), "public, max-age=86400");
  EXPECT_EQ(script.header("cross-origin-resource-policy"), "cross-origin");
  EXPECT_THAT(script.body, HasSubstr("lodestone"));
  EXPECT_LT(script.body.size(), 3000U);
  const auto again = site.get("/snippet.js", "If-None-Match: " + script.header("etag") + "\r\n");
  EXPECT_EQ(again.status, 304);
  EXPECT_EQ(again.header("cache-control"), "public, max-age=86400");
  EXPECT_EQ(again.body, "");
}

TEST_F(PagesTest, there_is_no_demo_page_when_it_is_off) {
  site.publish(site.pack_sample());
  site.start();
  for (const char* path : {"/", "/app.js", "/demo", "/metrics", "/models", "/../etc/passwd", "/%2e%2e/"})
    EXPECT_EQ(site.get(path).status, 404) << path;
}

TEST_F(PagesTest, other_methods_are_405_with_allow) {
  start();
  for (const char* path : {"/similar/10", "/demo", "/health"}) {
    test::HttpConnection connection(site.server->port());
    const auto answer = connection.request("DELETE", path);
    EXPECT_EQ(answer.status, 405);
    EXPECT_EQ(answer.header("allow"), "GET, HEAD");
  }
}

TEST(DocsPage, escapes_what_it_shows) {
  EXPECT_THAT(make_docs_page(R"({"info":{"title":"<b>&\"","description":"d"},"paths":{}})"),
              HasSubstr("<h1>&lt;b&gt;&amp;&quot;</h1>"));
}

}  // namespace
}  // namespace lodestone::serving
