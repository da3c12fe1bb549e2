// The list endpoints over a real server.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "serving/serving_metrics.hpp"
#include "tests/support/metrics_lint.hpp"
#include "tests/support/sample_release.hpp"
#include "tests/support/serving_site.hpp"

namespace lodestone::serving {
namespace {

using test::percent_encode;
using test::problem_text;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;

class RecommendationsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    id = site.pack_sample(1);
    site.publish(id);
    site.start();
  }
  static const json::Array& items(const json::Value& answer, std::string_view name) { return *answer.find(name)->as_array(); }
  static std::vector<std::int64_t> ids(const json::Array& list) {
    std::vector<std::int64_t> result;
    for (const json::Value& item : list) result.push_back(*item.find("dataset_id")->as_int());
    return result;
  }
  static std::string text(const json::Value& value, std::string_view key) { return *value.find(key)->as_string(); }

  test::ServingSite site;
  std::string id;
};

/// The site's clock may move on between two answers, so of many in a row most were there; none of a visitor's is.
TEST_F(RecommendationsTest, guests_share_a_list_within_a_second_and_visitors_do_not) {
  const auto shared = [&] { return test::parse_metrics(site.admin("GET", "/metrics").body).at("lists_shared_total"); };
  const std::string first = site.get("/similar/10?limit=5").header("etag");
  for (int i = 0; i < 50; ++i) EXPECT_EQ(site.get("/similar/10?limit=5").header("etag"), first);
  const double n = shared();
  EXPECT_GT(n, 20);
  for (int i = 0; i < 10; ++i) {
    site.get("/recommend/detail/10?limit=5&user_id=1");
    site.get("/similar/10?limit=5&exclude=11");
    site.get("/similar/10?limit=5&explain=true");
  }
  EXPECT_EQ(shared(), n);
}

TEST_F(RecommendationsTest, similar_answers_as_the_contract_says) {
  const auto answer = site.get("/similar/10?limit=5");
  ASSERT_EQ(answer.status, 200);
  EXPECT_EQ(answer.header("content-type"), "application/json");
  EXPECT_EQ(answer.header("cache-control"), "private, no-store");
  EXPECT_EQ(answer.header("vary"), "X-API-Key");
  EXPECT_THAT(answer.header("etag"), MatchesRegex("W/\"[0-9a-f]{16}\""));
  EXPECT_THAT(answer.header("x-response-time"), MatchesRegex("[0-9]+\\.[0-9]{6}"));
  const json::Value body = json::parse(answer.body, "answer");
  EXPECT_EQ(*body.find("dataset_id")->as_int(), 10);
  EXPECT_EQ(text(body, "request_id"), answer.header("x-request-id"));
  EXPECT_EQ(text(body, "algorithm_version"), id);
  EXPECT_EQ(text(body, "variant"), "primary");
  EXPECT_EQ(text(body, "experiment_variant"), "control");
  const json::Array& list = items(body, "similar_items");
  ASSERT_EQ(list.size(), 5U);
  double last = 2;
  std::set<std::int64_t> seen;
  for (const json::Value& item : list) {
    EXPECT_TRUE(seen.insert(*item.find("dataset_id")->as_int()).second);
    EXPECT_THAT(text(item, "title"), HasSubstr("seed 1: "));
    EXPECT_NE(item.find("price"), nullptr);
    EXPECT_NE(item.find("cover_image"), nullptr);
    EXPECT_LE(*item.find("score")->as_number(), last);
    last = *item.find("score")->as_number();
    EXPECT_THAT(
        text(item, "reason"),
        MatchesRegex(
            "(behavior|content|vector|sequence|tag|category|price|popular)(\\+(content|vector|sequence|tag|category|price))*"));
    EXPECT_EQ(item.find("channels"), nullptr);
  }
  EXPECT_FALSE(seen.contains(10));
}

TEST_F(RecommendationsTest, lists_have_the_length_asked_for) {
  EXPECT_EQ(items(site.get_json("/similar/10"), "similar_items").size(), 10U);
  EXPECT_EQ(items(site.get_json("/similar/10?limit=1"), "similar_items").size(), 1U);
  EXPECT_EQ(items(site.get_json("/similar/10?limit=50"), "similar_items").size(), 50U);
  EXPECT_EQ(items(site.get_json("/recommend/user/100?limit=7"), "recommendations").size(), 7U);
  EXPECT_EQ(items(site.get_json("/recommend/detail/10?limit=7"), "recommendations").size(), 7U);
  EXPECT_EQ(items(site.get_json("/search?limit=20"), "items").size(), 20U);
}

TEST_F(RecommendationsTest, explain_names_rank_and_score_in_each_channel) {
  const json::Value body = site.get_json("/similar/10?explain=true&limit=50");
  for (const json::Value& item : items(body, "similar_items")) {
    std::string joined;
    for (const json::Member& channel : *item.find("channels")->as_object()) {
      joined += (joined.empty() ? "" : "+") + channel.key;
      EXPECT_GE(*channel.value.find("rank")->as_int(), 1);
      EXPECT_TRUE(channel.value.find("score")->as_number().has_value());
    }
    EXPECT_EQ(joined, text(item, "reason"));
  }
}

TEST_F(RecommendationsTest, excluded_and_filtered_items_do_not_appear) {
  const auto before = ids(items(site.get_json("/similar/10?limit=3"), "similar_items"));
  const auto after =
      ids(items(site.get_json("/similar/10?limit=50&exclude=" + std::to_string(before[0]) + "," + std::to_string(before[2])),
                "similar_items"));
  EXPECT_THAT(after, ::testing::Not(::testing::Contains(before[0])));
  EXPECT_THAT(after, ::testing::Not(::testing::Contains(before[2])));
  const json::Value cheap = site.get_json("/similar/10?limit=50&filter=" + percent_encode("price<=10"));
  EXPECT_FALSE(items(cheap, "similar_items").empty());
  for (const json::Value& item : items(cheap, "similar_items")) EXPECT_LE(*item.find("price")->as_number(), 10);
  EXPECT_TRUE(items(site.get_json("/similar/10?filter=" + percent_encode("price<0")), "similar_items").empty());
}

TEST_F(RecommendationsTest, an_unknown_data_set_is_404_and_says_which) {
  for (const char* path : {"/similar/999", "/recommend/detail/999"}) {
    EXPECT_EQ(problem_text(site.get(path)), "404: Not Found: data set 999 is not in bundle " + id);
  }
}

TEST_F(RecommendationsTest, an_unknown_user_gets_what_fits_a_guest) {
  const json::Value body = site.get_json("/recommend/user/999999");
  EXPECT_EQ(*body.find("user_id")->as_int(), 999999);
  ASSERT_EQ(items(body, "recommendations").size(), 10U);
  for (const json::Value& item : items(body, "recommendations")) EXPECT_EQ(text(item, "reason"), "popular");
  EXPECT_EQ(site.get("/recommend/detail/10?user_id=999999&visitor_id=89abcdef01234567").status, 200);
}

TEST_F(RecommendationsTest, bad_parameters_are_422_and_named) {
  const auto problem = [&](std::string_view target) { return problem_text(site.get(target)); };
  EXPECT_EQ(problem("/similar/10?limit=0"),
            "422: Unprocessable Content: limit is \"0\", expected an integer from 1 to 50 (limit)");
  EXPECT_EQ(problem("/similar/10?limit=51"),
            "422: Unprocessable Content: limit is \"51\", expected an integer from 1 to 50 (limit)");
  EXPECT_EQ(problem("/similar/10?limit=abc"),
            "422: Unprocessable Content: limit is \"abc\", expected an integer from 1 to 50 (limit)");
  EXPECT_EQ(problem("/similar/10?limti=5"),
            "422: Unprocessable Content: unknown parameter \"limti\"; did you mean \"limit\"? (limti)");
  EXPECT_EQ(problem("/similar/abc"),
            "422: Unprocessable Content: dataset_id is \"abc\", expected a 64-bit integer id (dataset_id)");
  EXPECT_EQ(problem("/recommend/user/1e3"),
            "422: Unprocessable Content: user_id is \"1e3\", expected a 64-bit integer id (user_id)");
  EXPECT_EQ(problem("/recommend/detail/10?user_id=x"),
            "422: Unprocessable Content: user_id is \"x\", expected a 64-bit integer id (user_id)");
  EXPECT_EQ(problem("/recommend/detail/10?visitor_id="),
            "422: Unprocessable Content: visitor_id has 0 bytes, expected 1 to 64 (visitor_id)");
  EXPECT_EQ(problem("/similar/10?explain=yes"),
            "422: Unprocessable Content: explain is \"yes\", expected true or false (explain)");
  EXPECT_EQ(problem("/hot/trending?timeframe=1d"),
            "422: Unprocessable Content: timeframe is \"1d\", expected one of 1h, 24h, 7d (timeframe)");
  EXPECT_EQ(problem("/hot/trending?limit=101"),
            "422: Unprocessable Content: limit is \"101\", expected an integer from 1 to 100 (limit)");
  EXPECT_EQ(problem("/search?q=" + std::string(201, 'a')),
            "422: Unprocessable Content: q has 201 bytes, at most 200 are allowed (q)");
  EXPECT_THAT(problem("/similar/10?filter=" + percent_encode("price <= and")), MatchesRegex("422: .*position 10.* \\(filter\\)"));
  std::string many = "/similar/10?exclude=1";
  for (int i = 0; i < 1000; ++i) many += ",1";
  EXPECT_EQ(problem(many), "422: Unprocessable Content: exclude holds more than 1000 ids (exclude)");
  EXPECT_EQ(problem("/livez?x=1"), "422: Unprocessable Content: unknown parameter \"x\"; /livez takes none (x)");
}

TEST_F(RecommendationsTest, trending_shows_cards_of_the_window) {
  const json::Value week = site.get_json("/hot/trending?timeframe=7d");
  EXPECT_EQ(text(week, "timeframe"), "7d");
  EXPECT_FALSE(items(week, "items").empty());
  for (const json::Value& item : items(week, "items")) EXPECT_EQ(item.as_object()->size(), 4U);
  EXPECT_THAT(text(week, "request_id"), HasSubstr("req_"));
}

TEST_F(RecommendationsTest, an_empty_window_is_filled_from_wider_ones) {
  const json::Value hour = site.get_json("/hot/trending");  // nothing happened in the sample's last hour
  EXPECT_EQ(text(hour, "timeframe"), "1h");
  ASSERT_EQ(items(hour, "items").size(), 20U);
  for (const json::Value& item : items(hour, "items")) EXPECT_EQ(item.as_object()->size(), 4U);
}

TEST_F(RecommendationsTest, search_finds_titles_and_nothing_shows_popular) {
  const json::Value weather = site.get_json("/search?q=" + percent_encode("气象") + "&limit=50");
  EXPECT_EQ(text(weather, "query"), "气象");
  ASSERT_FALSE(items(weather, "items").empty());
  // Titles with both characters together come first; after them those that share a character.
  EXPECT_THAT(text(items(weather, "items")[0], "title"), HasSubstr("气象"));
  for (const json::Value& item : items(weather, "items")) EXPECT_THAT(text(item, "title"), HasSubstr("气"));
  EXPECT_TRUE(items(site.get_json("/search?q=qwertyuiop"), "items").empty());
  EXPECT_TRUE(items(site.get_json("/search?q=%21%21"), "items").empty());
  for (const char* target : {"/search", "/search?q=", "/search?q=%20+"}) {
    const json::Value popular = site.get_json(target);
    ASSERT_EQ(items(popular, "items").size(), 10U);
    EXPECT_EQ(text(items(popular, "items")[0], "reason"), "popular");
  }
  const auto some = ids(items(site.get_json("/search?limit=3"), "items"));
  const json::Value one = site.get_json("/search?q=&limit=1&filter=" + percent_encode("item_id=" + std::to_string(some[2])));
  EXPECT_EQ(ids(items(one, "items")), std::vector<std::int64_t>{some[2]});
}

TEST_F(RecommendationsTest, the_tag_is_of_the_list_and_the_bundle) {
  const auto first = site.get("/similar/10?limit=5");
  const auto second = site.get("/similar/10?limit=5");
  EXPECT_NE(first.body, second.body);  // the request id
  EXPECT_EQ(first.header("etag"), second.header("etag"));
  EXPECT_NE(first.header("etag"), site.get("/similar/10?limit=6").header("etag"));
  const auto known = site.get("/similar/10?limit=5", "If-None-Match: " + first.header("etag") + "\r\n");
  EXPECT_EQ(known.status, 304);
  EXPECT_EQ(known.body, "");
  EXPECT_EQ(known.header("etag"), first.header("etag"));
}

TEST_F(RecommendationsTest, head_has_the_headers_of_get) {
  test::HttpConnection connection(site.server->port());
  const auto head = connection.request("HEAD", "/similar/10");
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.body, "");
  EXPECT_GT(std::stoi(head.header("content-length")), 500);
  EXPECT_EQ(connection.get("/similar/10").status, 200);
}

TEST_F(RecommendationsTest, a_given_request_id_is_kept) {
  const auto kept = site.get("/similar/10", "X-Request-ID: req_from-the-shop\r\n");
  EXPECT_EQ(kept.header("x-request-id"), "req_from-the-shop");
  EXPECT_EQ(text(json::parse(kept.body, "answer"), "request_id"), "req_from-the-shop");
  EXPECT_NE(site.get("/similar/10", "X-Request-ID: 12\r\n").header("x-request-id"), "12");
}

TEST(Fallback, channels_that_give_nothing_leave_it_to_popular) {
  test::ServingSite site;
  models::ReleaseData data = test::sample_release();
  data.behavior = {};
  data.behavior.offsets.assign(data.items.size() + 1, 0);
  data.behavior_influence = data.behavior;
  data.content = data.behavior;
  data.sequence = {};
  data.tag = {};
  data.vectors = {};
  site.publish(site.pack(data));
  site.start();
  const json::Value body = site.get_json("/similar/10");
  for (const json::Value& item : *body.find("similar_items")->as_array())
    EXPECT_EQ(*item.find("reason")->as_string(), "fallback:popular");
  const std::string metrics = site.admin("GET", "/metrics").body;
  EXPECT_THAT(metrics, HasSubstr("recommendation_degraded_total{endpoint=\"similar\",reason=\"no_candidates\"} 1\n"));
  EXPECT_THAT(metrics, HasSubstr("fallback_triggered_total{reason=\"no_candidates\",level=\"popular\"} 1\n"));
  EXPECT_THAT(metrics, HasSubstr("degrade_reason=\"no_candidates\"} 1\n"));
  EXPECT_THAT(metrics, HasSubstr("slo_requests_total{endpoint=\"similar\",outcome=\"degraded\"} 1\n"));
  EXPECT_THAT(metrics, HasSubstr("slo_requests_total{endpoint=\"similar\",outcome=\"good\"} 0\n"));
}

TEST(Slo, what_an_answer_was_worth) {
  EXPECT_EQ(worth_of(200, false, 0.05, 0.05), Worth::kGood) << "the bound is in it";
  EXPECT_EQ(worth_of(200, false, 0.051, 0.05), Worth::kSlow);
  EXPECT_EQ(worth_of(304, true, 0.051, 0.05), Worth::kDegraded);
  EXPECT_EQ(worth_of(503, true, 0, 0.05), Worth::kFailed);
  EXPECT_EQ(worth_of(500, false, 0, 0.05), Worth::kFailed);
  EXPECT_EQ(worth_of(404, false, 1, 0.05), std::nullopt) << "the client's";
  EXPECT_EQ(worth_of(429, false, 1, 0.05), std::nullopt);
}

TEST(Fallback, a_site_where_nothing_trends_shows_what_is_popular_and_says_so) {
  test::ServingSite site;
  site.publish(site.pack(test::without_trending()));
  site.start();
  const json::Value body = site.get_json("/hot/trending?timeframe=7d");
  ASSERT_EQ(body.find("items")->as_array()->size(), 20U);
  for (const json::Value& item : *body.find("items")->as_array())
    EXPECT_EQ(*item.find("reason")->as_string(), "fallback:popular");
  EXPECT_THAT(site.admin("GET", "/metrics").body,
              HasSubstr("recommendation_degraded_total{endpoint=\"hot_trending\",reason=\"no_candidates\"} 1\n"));
}

TEST(Fallback, an_empty_fallback_is_503_with_the_reason) {
  test::ServingSite site;
  models::ReleaseData data = test::sample_release();
  for (models::Item& item : data.items) item.is_available = false;
  site.publish(site.pack(data));
  site.start();
  for (const char* target : {"/similar/10", "/recommend/user/100", "/hot/trending?timeframe=7d", "/search"}) {
    const auto answer = site.get(target);
    EXPECT_EQ(
        problem_text(answer),
        "503: Service Unavailable: empty: neither the models nor the fallback list of this bundle have an item for this page");
    EXPECT_EQ(answer.header("retry-after"), "1");
  }
  EXPECT_THAT(site.admin("GET", "/metrics").body,
              AllOf(HasSubstr("recommendation_degraded_total{endpoint=\"similar\",reason=\"empty\"} 1\n"),
                    HasSubstr("slo_requests_total{endpoint=\"similar\",outcome=\"failed\"} 1\n")));
}

TEST(NotReady, recommendations_are_503_until_a_bundle_is_loaded) {
  test::ServingSite site;
  site.start();
  EXPECT_EQ(problem_text(site.get("/similar/10")),
            "503: Service Unavailable: no_release: no bundle is loaded yet; /readyz says when there is one");
  EXPECT_EQ(site.get("/similar/10").header("retry-after"), "1");
  EXPECT_EQ(site.get("/readyz").status, 503);
  EXPECT_EQ(site.get("/livez").status, 200);
  EXPECT_EQ(site.get("/health").status, 503);
  const std::string id = site.pack_sample();
  site.publish(id);
  site.wait_for(id);
  while (site.get("/readyz").status != 200) std::this_thread::sleep_for(std::chrono::milliseconds(20));
  EXPECT_EQ(site.get("/readyz").body, "{\"status\":\"ready\"}");
  EXPECT_EQ(site.get("/similar/10").status, 200);
  EXPECT_EQ(site.get("/health").status, 200);
}

}  // namespace
}  // namespace lodestone::serving
