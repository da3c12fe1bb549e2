// Lists that a ranker put in order, over a real server: the score, what explains it, and what is counted.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <thread>

#include "tests/support/json_schema.hpp"
#include "tests/support/metrics_lint.hpp"
#include "tests/support/sample_ranking.hpp"
#include "tests/support/sample_release.hpp"
#include "tests/support/serving_site.hpp"

namespace lodestone::serving {
namespace {

/// Two trees whose leaves are together more than a double holds.
const std::vector<test::Stump> kFailing{{0, 4, 1.5e308, 1.5e308}, {0, 4, 1.5e308, 1.5e308}};
const std::vector<std::string> kColumns{"item_price", "request_hour", "cross_rank_behavior"};

models::ReleaseData ranked_release(const std::vector<test::Stump>& first) {
  models::ReleaseData data = test::sample_release();
  data.ranking = test::sample_ranking(data, 3);
  data.ranking.rankers = {{"light", test::stump_ranker(kColumns, first)},
                          {"large", test::stump_ranker(kColumns, {{0, 4, -1, 1}, {1, 9, 0, 0.5}, {2, 3, 0.25, 0}})}};
  return data;
}

class RankedTest : public ::testing::Test {
 protected:
  void start(const std::vector<test::Stump>& first) {
    site.options.n_threads = 1;
    site.publish(site.pack(ranked_release(first)));
    site.start();
  }
  /// With one ranker.
  void start_alone(const std::vector<test::Stump>& ranker) {
    models::ReleaseData data = ranked_release(ranker);
    data.ranking.rankers.pop_back();
    site.options.n_threads = 1;
    site.publish(site.pack(data));
    site.start();
  }
  double count(const std::string& series) { return test::parse_metrics(site.admin("GET", "/metrics").body)[series]; }
  double to_recall(const std::string& reason) {
    return count("fallback_triggered_total{reason=\"" + reason + "\",level=\"recall\"}");
  }
  /// It is set once a second.
  void wait_for_breaker(double state) {
    while (count("circuit_breaker_state{breaker=\"ranking\"}") != state)
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  /// Whether each item says that no ranker put the list in order.
  bool is_unranked() const {
    const json::Value answer = site.get_json("/similar/10");
    const json::Array& items = *answer.find("similar_items")->as_array();
    const auto says = [](const json::Value& item) { return item.find("reason")->as_string()->ends_with("+fallback:recall"); };
    const auto n = std::ranges::count_if(items, says);
    EXPECT_TRUE(items.size() == 10 && (n == 0 || n == 10)) << n << " of " << items.size();
    return n > 0;
  }

  test::ServingSite site;
};

TEST_F(RankedTest, the_features_of_an_explained_item_add_up_to_its_score) {
  start({{0, 4, -1, 1}, {1, 9, 0, 0.5}, {2, 3, 0.25, 0}});
  const json::Value answer = site.get_json("/similar/10?limit=10&explain=true");
  double last = 1;
  std::size_t n_explained = 0;
  for (const json::Value& item : *answer.find("similar_items")->as_array()) {
    const double score = *item.find("score")->as_number();
    EXPECT_LE(score, last);
    last = score;
    if (item.find("ranker") == nullptr) continue;  // backfilled
    EXPECT_EQ(*item.find("ranker")->as_string(), "light");
    double raw = *item.find("expected")->as_number();
    for (const json::Member& feature : *item.find("features")->as_object()) raw += *feature.value.as_number();
    EXPECT_NEAR(score, 1 / (1 + std::exp(-raw)), 1e-6);
    ++n_explained;
  }
  EXPECT_GE(n_explained, 3U);
  EXPECT_EQ(site.get("/similar/10?limit=10").body.find("features"), std::string::npos);
}

TEST_F(RankedTest, the_hour_of_the_request_is_a_feature) {
  start({{1, 9, -2, 2}});  // up to hour 9 low, later high
  const auto first_score = [&] {
    return *site.get_json("/similar/10?limit=1").find("similar_items")->as_array()->at(0).find("score")->as_number();
  };
  const double now = first_score();
  const auto hours = std::chrono::duration_cast<std::chrono::hours>(site.clock.now().time_since_epoch()).count() % 24;
  EXPECT_NEAR(now, 1 / (1 + std::exp(hours > 9 ? -2.0 : 2.0)), 1e-6);
}

TEST_F(RankedTest, the_time_of_the_preferred_ranker_is_sampled) {
  start({{0, 4, -1, 1}});
  site.get("/similar/10");
  EXPECT_EQ(count("model_inference_latency_seconds_count{model=\"preferred\"}"), 1);
  EXPECT_GT(count("model_inference_latency_seconds_sum{model=\"preferred\"}"), 0);
  EXPECT_EQ(count("model_inference_latency_seconds_count{model=\"fallback\"}"), 0);
  EXPECT_EQ(count("fallback_triggered_total{reason=\"ranker_failed\",level=\"next_ranker\"}"), 0);
}

TEST_F(RankedTest, a_ranker_that_fails_is_counted_and_the_next_answers) {
  start(kFailing);
  const json::Value answer = site.get_json("/similar/10?explain=true");
  EXPECT_EQ(*answer.find("similar_items")->as_array()->at(0).find("ranker")->as_string(), "large");
  EXPECT_EQ(count("fallback_triggered_total{reason=\"ranker_failed\",level=\"next_ranker\"}"), 1);
  EXPECT_EQ(count("model_inference_latency_seconds_count{model=\"fallback\"}"), 1);
}

TEST_F(RankedTest, when_no_ranker_can_the_list_of_recall_is_shown_and_counted) {
  start_alone(kFailing);
  EXPECT_TRUE(is_unranked());
  EXPECT_EQ(to_recall("ranker_failed"), 1);
  EXPECT_EQ(count("recommendation_degraded_total{endpoint=\"similar\",reason=\"unranked\"}"), 1);
  EXPECT_EQ(count("slo_requests_total{endpoint=\"similar\",outcome=\"degraded\"}"), 1);
  EXPECT_EQ(count("recommendation_exposures_total{endpoint=\"similar\",variant=\"primary\",experiment_variant=\"control\","
                  "degrade_reason=\"unranked\"}"),
            1);
  EXPECT_EQ(site.get("/hot/trending").body.find("fallback:recall"), std::string::npos) << "no ranker has a part in it";
}

TEST_F(RankedTest, rankers_that_failed_five_times_are_left_out_until_there_is_another_release) {
  site.options.ranking_breaker.rest = std::chrono::hours(24);
  testing::internal::CaptureStderr();
  start_alone(kFailing);
  for (int i = 0; i < 8; ++i) EXPECT_TRUE(is_unranked());
  EXPECT_EQ(to_recall("ranker_failed"), 5);
  EXPECT_EQ(to_recall("ranker_open"), 3);
  EXPECT_EQ(count("recommendation_degraded_total{endpoint=\"similar\",reason=\"unranked\"}"), 8);
  wait_for_breaker(2);
  const std::string next = site.pack(ranked_release({{0, 4, -1, 1}}));
  site.publish(next);
  site.wait_for(next);
  EXPECT_FALSE(is_unranked());
  wait_for_breaker(0);
  EXPECT_EQ(to_recall("ranker_open"), 3);
  site.stop();
  const std::string said = testing::internal::GetCapturedStderr();
  EXPECT_THAT(said, testing::HasSubstr("its rankers failed or were late 5 times in a row; lists stay in the order of recall"));
  EXPECT_THAT(said, testing::HasSubstr("bundle " + next + ": its lists are ranked again"));
}

TEST_F(RankedTest, after_its_rest_a_ranker_is_tried_again_and_stays_if_it_can) {
  site.options.ranking_breaker.rest = std::chrono::hours(0);
  start_alone({{1, 9, 1.5e308, 1}, {1, 9, 1.5e308, 1}});  // fails up to hour 9, which it is
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(is_unranked());
  wait_for_breaker(2);
  EXPECT_TRUE(is_unranked());
  EXPECT_EQ(to_recall("ranker_failed"), 6) << "its rest was over";
  wait_for_breaker(2);
  site.clock.advance(std::chrono::hours(1));
  while (is_unranked()) std::this_thread::sleep_for(std::chrono::milliseconds(20));  // threads read the hour once a second
  wait_for_breaker(0);
}

TEST_F(RankedTest, a_ranker_that_takes_too_long_is_late_and_then_left_out) {
  site.options.ranking_timeout = std::chrono::milliseconds(0);
  site.options.ranking_breaker.rest = std::chrono::hours(24);
  start({{0, 4, -1, 1}});
  for (int i = 0; i < 7; ++i) EXPECT_TRUE(is_unranked());
  EXPECT_EQ(to_recall("ranker_late"), 5);
  EXPECT_EQ(to_recall("ranker_open"), 2);
  EXPECT_EQ(to_recall("ranker_failed"), 0);
  EXPECT_EQ(count("recommendation_timeouts_total{endpoint=\"similar\",operation=\"ranking\"}"), 5);
  EXPECT_EQ(count("recommendation_timeouts_total{endpoint=\"similar\",operation=\"request\"}"), 0);
  EXPECT_EQ(count("recommendation_degraded_total{endpoint=\"similar\",reason=\"unranked\"}"), 7);
}

}  // namespace
}  // namespace lodestone::serving
