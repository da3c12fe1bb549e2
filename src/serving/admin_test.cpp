// The admin port, following CURRENT, tokens and metrics.
#include "serving/admin.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <sstream>

#include "bundle/store.hpp"
#include "serving/fallback_ratio.hpp"
#include "serving/token.hpp"
#include "tests/support/metrics_lint.hpp"
#include "tests/support/sample_release.hpp"
#include "tests/support/serving_site.hpp"

namespace lodestone::serving {
namespace {

using test::problem_text;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

/// Names that dashboards know and that break the rules of naming.
const std::vector<std::string> kOldNames = {"recommendation_count", "recall_candidates_count", "recommendation_diversity_score",
                                            "bundle_loaded_timestamp"};

class AdminTest : public ::testing::Test {
 protected:
  void SetUp() override {
    first = site.pack_sample(1);
    second = site.pack_sample(2);
    site.publish(first);
    site.start();
  }
  std::string reload(const std::string& body) { return problem_text(site.admin("POST", "/models/reload", body)); }
  std::string serving_id() { return *site.get_json("/similar/10").find("algorithm_version")->as_string(); }
  void damage(const std::string& id) {
    const fs::path path = site.options.bundle_folder / id / "items.safetensors";
    std::string bytes = read_file(path);
    bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
    write_file_atomic(path, bytes);
  }

  test::ServingSite site;
  std::string first;
  std::string second;
};

TEST_F(AdminTest, wants_the_token) {
  const std::uint16_t port = site.server->admin_port();
  for (const std::string_view header : {"", "Authorization: Bearer wrong\r\n", "Authorization: Basic 0123456789abcdef-test\r\n",
                                        "Authorization: Bearer 0123456789abcdef-tesT\r\n", "Authorization: Bearer \r\n"}) {
    for (const char* target : {"/metrics", "/models"}) {
      const auto answer = test::http_get(port, target, header);
      EXPECT_EQ(problem_text(answer), "401: Unauthorized: this port wants the header Authorization: Bearer TOKEN");
      EXPECT_EQ(answer.header("www-authenticate"), "Bearer");
    }
    EXPECT_EQ(test::HttpConnection(port).request("POST", "/models/reload", header).status, 401);
    EXPECT_EQ(test::HttpConnection(port).request("POST", "/models/rollback", header).status, 401);
  }
  EXPECT_EQ(test::http_get(port, "/livez").status, 200);
  EXPECT_EQ(site.admin("GET", "/similar/10").status, 404);
}

TEST_F(AdminTest, lists_models) {
  const json::Value body = json::parse(site.admin("GET", "/models").body, "models");
  EXPECT_EQ(*body.find("serving")->find("id")->as_string(), first);
  EXPECT_EQ(*body.find("serving")->find("loaded_at")->as_string(), "2026-11-24T09:30:00Z");
  EXPECT_TRUE(body.find("refusal")->is_null());
  const json::Array& models = *body.find("models")->as_array();
  ASSERT_EQ(models.size(), 2U);
  EXPECT_EQ(*models[0].find("id")->as_string(), second);
  EXPECT_FALSE(*models[0].find("is_current")->as_bool());
  EXPECT_TRUE(*models[1].find("is_current")->as_bool());
  EXPECT_TRUE(*models[1].find("is_serving")->as_bool());
}

TEST_F(AdminTest, reloads_a_bundle_and_makes_it_current) {
  const auto answer =
      site.admin("POST", "/models/reload", R"({"mode":"primary","source":")" + second + R"(","rollout":1.0,"run_id":"r7"})");
  EXPECT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(answer.body, "{\"status\":\"loaded\",\"id\":\"" + second + "\"}");
  EXPECT_EQ(serving_id(), second);
  EXPECT_EQ(bundle::BundleStore(site.options.bundle_folder).current(), second);
  EXPECT_EQ(site.admin("POST", "/models/reload").body, "{\"status\":\"loaded\",\"id\":\"" + second + "\"}");
}

TEST_F(AdminTest, rolls_back) {
  EXPECT_EQ(site.admin("POST", "/models/reload", R"({"source":")" + second + R"("})").status, 200);
  EXPECT_EQ(site.admin("POST", "/models/rollback").body, "{\"status\":\"loaded\",\"id\":\"" + first + "\"}");
  EXPECT_EQ(serving_id(), first);
  EXPECT_THAT(problem_text(site.admin("POST", "/models/rollback")),
              ::testing::AllOf(HasSubstr("404: Not Found: "), HasSubstr("there is no "), HasSubstr(first)));
  EXPECT_EQ(problem_text(site.admin("POST", "/models/rollback", "{\"id\":1}")),
            "422: Unprocessable Content: rollback takes no body");
  EXPECT_EQ(serving_id(), first);
}

TEST_F(AdminTest, refuses_bad_orders_with_a_sentence) {
  EXPECT_EQ(reload(R"({"sauce":"x"})"), "422: Unprocessable Content: unknown key \"sauce\"; did you mean \"source\"? (sauce)");
  EXPECT_EQ(reload(R"({"source":"../../etc"})"),
            "422: Unprocessable Content: source is \"../../etc\", expected a bundle id like b-20261124T093000Z-1a2b3c4d from GET "
            "/models (source)");
  EXPECT_EQ(reload(R"({"source":5})"), "422: Unprocessable Content: source is 5, expected a text (source)");
  EXPECT_THAT(reload(R"({"source":"b-20250101T000000Z-00000000"})"),
              HasSubstr("404: Not Found: bundle b-20250101T000000Z-00000000 is not in "));
  EXPECT_EQ(reload(R"({"mode":"x"})"), "422: Unprocessable Content: mode is \"x\", expected primary or shadow (mode)");
  EXPECT_EQ(reload(R"({"rollout":2})"), "422: Unprocessable Content: rollout is 2, expected a number from 0 to 1 (rollout)");
  EXPECT_EQ(reload("[]"),
            "422: Unprocessable Content: the body is no JSON object; expected {\"mode\", \"source\", \"rollout\", \"run_id\"}");
  EXPECT_THAT(reload("{"), HasSubstr("400: Bad Request: body"));
  EXPECT_THAT(reload(std::string(100, '[')), HasSubstr("400: Bad Request: body"));
  test::HttpConnection connection(site.server->admin_port());
  EXPECT_EQ(
      connection
          .request("POST", "/models/reload", "Authorization: Bearer 0123456789abcdef-test\r\nContent-Type: text/plain\r\n", "x")
          .status,
      415);
  EXPECT_EQ(serving_id(), first);
}

TEST_F(AdminTest, a_damaged_bundle_is_409_and_the_old_one_goes_on) {
  damage(second);
  EXPECT_THAT(reload(R"({"source":")" + second + R"("})"), HasSubstr("409: Conflict: "));
  EXPECT_EQ(serving_id(), first);
  EXPECT_EQ(bundle::BundleStore(site.options.bundle_folder).current(), first);
  EXPECT_THAT(site.admin("GET", "/metrics").body, HasSubstr("bundle_reloads_total{result=\"refused\"} 1\n"));
}

TEST_F(AdminTest, follows_current) {
  site.publish(second);
  site.wait_for(second);
  EXPECT_THAT(site.admin("GET", "/metrics").body, HasSubstr("bundle_info{id=\"" + second + "\"} 1\n"));
}

TEST_F(AdminTest, a_bad_current_is_refused_said_and_left) {
  damage(second);
  write_file_atomic(site.options.bundle_folder / "CURRENT", second + "\n");
  while (site.get("/health").body.find("degraded") == std::string::npos)
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  EXPECT_EQ(site.get("/health").status, 200);
  EXPECT_EQ(site.get("/readyz").status, 200);
  EXPECT_EQ(serving_id(), first);
  EXPECT_THAT(site.admin("GET", "/models").body, HasSubstr("\"refusal\":\""));
  site.publish(first);
  while (site.get("/health").body.find("degraded") != std::string::npos)
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  EXPECT_EQ(serving_id(), first);
}

TEST_F(AdminTest, the_live_scrape_is_clean_and_fed) {
  site.get("/similar/10?limit=5");
  site.get("/similar/999");
  site.get("/similar/10?limit=0");
  site.get("/hot/trending");
  site.get("/recommend/user/100");
  const auto answer = site.admin("GET", "/metrics");
  EXPECT_EQ(answer.header("content-type"), "text/plain; version=0.0.4; charset=utf-8");
  EXPECT_THAT(test::lint_metrics(answer.body, kOldNames), IsEmpty());
  auto series = test::parse_metrics(answer.body);
  EXPECT_EQ(series["recommendation_requests_total{endpoint=\"similar\",status=\"200\"}"], 1);
  EXPECT_EQ(series["recommendation_requests_total{endpoint=\"similar\",status=\"404\"}"], 1);
  EXPECT_EQ(series["recommendation_requests_total{endpoint=\"similar\",status=\"422\"}"], 1);
  EXPECT_EQ(series["recommendation_latency_seconds_count{endpoint=\"similar\"}"], 3);
  EXPECT_EQ(series["recommendation_items_total{endpoint=\"similar\"}"], 5);
  EXPECT_EQ(series["recommendation_count_sum{endpoint=\"similar\"}"], 5);
  EXPECT_EQ(series["recommendation_exposures_total{endpoint=\"similar\",variant=\"primary\",experiment_variant=\"control\","
                   "degrade_reason=\"none\"}"],
            1);
  EXPECT_EQ(series["recommendation_exposures_total{endpoint=\"hot_trending\",variant=\"primary\",experiment_variant=\"control\","
                   "degrade_reason=\"none\"}"],
            1);
  EXPECT_GE(series["recall_candidates_count_count{channel=\"popular\"}"], 1);
  EXPECT_EQ(series["bundle_info{id=\"" + first + "\"}"], 1);
  EXPECT_EQ(series["bundle_loaded_timestamp"], 1795512600);
  EXPECT_EQ(series["bundle_reloads_total{result=\"loaded\"}"], 1);
  EXPECT_GT(series["process_resident_memory_bytes"], 0);
}

TEST_F(AdminTest, the_operators_page_has_a_row_for_every_metric_and_no_other) {
  // With all there may be: a channel of one's own and a Redis, which nobody has to answer for.
  site.stop();
  site.options.channels_file = site.folder.path() / "channels.yaml";
  write_file_atomic(site.options.channels_file, "channels: {graph: {url: \"http://127.0.0.1:1/{dataset_id}\"}}");
  site.options.cache.feature = cache::RedisUrl::parse("redis://127.0.0.1:1", "url");
  site.options.observer.access_log.emplace().file = site.folder.path() / "access.jsonl";
  site.options.observer.traces.emplace().endpoint = "http://127.0.0.1:1/v1/traces";
  site.start();
  std::istringstream text(site.admin("GET", "/metrics").body);
  std::set<std::string> exported;
  for (std::string line; std::getline(text, line);) {
    if (line.starts_with("# TYPE ")) exported.insert(line.substr(7, line.rfind(' ') - 7));
  }
  EXPECT_TRUE(exported.contains("bundle_info"));
  EXPECT_EQ(test::documented_metrics(read_file(fs::path(LODESTONE_SOURCE_DIR) / "docs/operations.md"), "metric"), exported);
}

TEST_F(AdminTest, samples_the_first_page_of_a_thread_and_then_one_in_sixty_four) {
  site.stop();
  site.options.n_threads = 1;
  site.start();
  const auto count = [&](const std::string& series) { return test::parse_metrics(site.admin("GET", "/metrics").body)[series]; };
  const std::string duration = "recall_duration_seconds_count{channel=\"behavior\"}";
  const std::string diversity = "recommendation_diversity_score_count{endpoint=\"similar\"}";
  site.get("/similar/10?limit=10");
  EXPECT_EQ(count(duration), 1);
  EXPECT_EQ(count(diversity), 1);
  EXPECT_GT(count("recall_duration_seconds_sum{channel=\"behavior\"}"), 0);
  EXPECT_LE(count("recommendation_diversity_score_sum{endpoint=\"similar\"}"), 1);
  for (int i = 0; i < 63; ++i) site.get("/similar/10");
  EXPECT_EQ(count(duration), 1);
  site.get("/similar/10?exclude=11");
  EXPECT_EQ(count(duration), 2);
  EXPECT_EQ(count(diversity), 2);
  for (int i = 0; i < 64; ++i) site.get("/similar/10");
  EXPECT_EQ(count(duration), 2) << "a list that was there already";
  EXPECT_EQ(count(diversity), 3);
}

TEST(DiversityScore, is_the_share_of_different_categories) {
  models::ReleaseData data = test::sample_release();
  for (std::size_t i = 0; i < data.items.size(); ++i) data.items[i].category = i < 3 ? "same" : "";
  data.items[3].category = "other";
  data.popular_by_category = {};
  data.popular_by_category.offsets.assign(4, 0);
  const test::SampleBundle sample(data);
  const auto score = [&](std::initializer_list<ItemIndex> list) {
    std::vector<engine::PageItem> items(list.size());
    std::transform(list.begin(), list.end(), items.begin(), [](ItemIndex item) { return engine::PageItem{item, 0, 0, {}}; });
    return diversity_score(items, sample.release().catalog);
  };
  EXPECT_EQ(score({0}), 1);
  EXPECT_EQ(score({0, 1, 2}), 1.0 / 3);
  EXPECT_EQ(score({0, 3, 4, 5}), 0.75);  // without a category is one too
}

TEST_F(AdminTest, counts_new_items) {
  site.stop();
  site.clock.advance(parse_time("2023-11-20T00:00:00Z")->time_since_epoch() -
                     site.clock.now().time_since_epoch());  // most items are younger
  site.start();
  site.get("/similar/10?limit=50");
  auto series = test::parse_metrics(site.admin("GET", "/metrics").body);
  EXPECT_GT(series["new_item_exposure_total{endpoint=\"similar\"}"], 10);
}

TEST(FallbackRatioGauge, rises_with_degraded_answers) {
  test::ServingSite site;
  site.publish(site.pack(test::without_trending()));
  site.start();
  const std::string of_trending = "recommendation_fallback_ratio{endpoint=\"hot_trending\"}";
  while (test::parse_metrics(site.admin("GET", "/metrics").body)[of_trending] < 1) {
    site.get("/hot/trending");
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  EXPECT_EQ(test::parse_metrics(site.admin("GET", "/metrics").body)["recommendation_fallback_ratio{endpoint=\"similar\"}"], 0);
}

TEST(FallbackRatio, is_of_the_window) {
  FallbackRatio ratio;
  EXPECT_EQ(ratio.ratio(), 0);
  ratio.sample(0, 0);
  EXPECT_EQ(ratio.ratio(), 0);
  ratio.sample(10, 5);
  EXPECT_EQ(ratio.ratio(), 0.5);
  for (std::size_t s = 1; s < FallbackRatio::kSeconds; ++s) ratio.sample(10, 5);
  EXPECT_EQ(ratio.ratio(), 0.5);  // the first reading is just within the window
  ratio.sample(10, 5);
  EXPECT_EQ(ratio.ratio(), 0);
  ratio.sample(20, 5);
  EXPECT_EQ(ratio.ratio(), 0);
  ratio.sample(30, 20);
  EXPECT_EQ(ratio.ratio(), 0.75);
}

class TokenTest : public ::testing::Test {
 protected:
  std::string sentence() {
    try {
      load_admin_token(path);
    } catch (const Error& error) {
      return error.message();
    }
    return "";
  }
  void write(const std::string& text, fs::perms mode) {
    write_file_atomic(path, text);
    fs::permissions(path, mode);
  }
  static constexpr fs::perms kOwner = fs::perms::owner_read | fs::perms::owner_write;
  TemporaryFolder folder;
  fs::path path = folder.path() / "token";
};

TEST_F(TokenTest, is_the_first_line) {
  write("0123456789abcdef\nmore\n", kOwner);
  EXPECT_EQ(load_admin_token(path), "0123456789abcdef");
}

TEST_F(TokenTest, says_what_is_wrong_without_the_token) {
  EXPECT_EQ(sentence(), path.string() +
                            ": the admin token file is missing; lodestone init makes one, or write a random text of at least 16 "
                            "characters into it");
  write("secret", kOwner);
  EXPECT_EQ(sentence(), path.string() + ": the admin token must be one line of at least 16 plain characters without blanks");
  write("0123456789 abcdef", kOwner);
  EXPECT_THAT(sentence(), HasSubstr("without blanks"));
  write("0123456789abcdef", kOwner | fs::perms::others_read);
  EXPECT_EQ(sentence(), path.string() + ": everybody on this machine may read or write the admin token; run chmod 600 on it");
}

TEST(Authorized, compares_scheme_and_token) {
  EXPECT_TRUE(is_authorized("Bearer abc", "abc"));
  EXPECT_TRUE(is_authorized("bearer abc", "abc"));
  EXPECT_FALSE(is_authorized("Basic! abc", "abc"));
  EXPECT_FALSE(is_authorized("Bearer ABC", "abc"));
  EXPECT_FALSE(is_authorized("Bearer abcd", "abc"));
  EXPECT_FALSE(is_authorized("Bearer ", ""));
  EXPECT_FALSE(is_authorized("", "abc"));
}

TEST(ServerStart, says_that_a_port_is_in_use) {
  test::ServingSite one;
  one.start();
  for (const bool admin : {false, true}) {
    test::ServingSite two;
    const std::string address = "127.0.0.1:" + std::to_string(one.server->port());
    (admin ? two.options.admin_listen : two.options.listen) = address;
    try {
      two.start();
      FAIL();
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kUnavailable);
      EXPECT_EQ(error.message(),
                "cannot listen on " + address +
                    ": port in use by another process; stop that process or choose another address with " +
                    (admin ? "--admin HOST:PORT or the key serving.admin" : "--listen HOST:PORT or the key serving.listen"));
    }
  }
}

TEST(ServerStop, answers_what_is_open_and_then_refuses) {
  test::ServingSite site;
  site.publish(site.pack_sample());
  Server& server = site.start();
  test::HttpConnection connection(server.port());
  EXPECT_EQ(connection.get("/readyz").status, 200);
  server.stop(std::chrono::seconds(5));
  EXPECT_FALSE(server.is_ready());
  EXPECT_TRUE(connection.is_closed_by_peer());
  EXPECT_THROW(test::HttpConnection{server.port()}, std::runtime_error);
}

}  // namespace
}  // namespace lodestone::serving
