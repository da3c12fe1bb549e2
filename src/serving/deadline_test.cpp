// Requests whose time is up, over a real server.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/sample_release.hpp"
#include "tests/support/serving_site.hpp"

namespace lodestone::serving {
namespace {

using test::problem_text;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class DeadlineTest : public ::testing::Test {
 protected:
  void start(std::chrono::milliseconds timeout) {
    site.publish(site.pack_sample());
    site.options.cache.request_timeout = timeout;
    site.start();
  }
  test::ServingSite site;
};

constexpr std::string_view kPage = R"({"user_id":100,"slots":[{"name":"a","kind":"user"},{"name":"b","kind":"trending"}]})";

TEST_F(DeadlineTest, a_list_is_cut_short_says_so_and_is_counted) {
  start(std::chrono::milliseconds(0));
  const json::Value body = site.get_json("/recommend/user/100");
  ASSERT_EQ(body.find("recommendations")->as_array()->size(), 10U);
  for (const json::Value& item : *body.find("recommendations")->as_array())
    EXPECT_THAT(*item.find("reason")->as_string(), HasSubstr("+fallback:partial"));
  EXPECT_EQ(site.get_json("/recommend/detail/10?user_id=100").find("recommendations")->as_array()->size(), 10U);
  const test::HttpAnswer page = site.post("/recommend/page", kPage, "Content-Type: application/json\r\n");
  EXPECT_EQ(page.status, 200);
  EXPECT_THAT(page.body, HasSubstr("fallback:partial"));
  EXPECT_THAT(site.admin("GET", "/metrics").body,
              AllOf(HasSubstr("recommendation_degraded_total{endpoint=\"recommend_user\",reason=\"deadline\"} 1\n"),
                    HasSubstr("recommendation_timeouts_total{endpoint=\"recommend_user\",operation=\"request\"} 1\n"),
                    HasSubstr("recommendation_timeouts_total{endpoint=\"recommend_detail\",operation=\"request\"} 1\n"),
                    HasSubstr("recommendation_timeouts_total{endpoint=\"recommend_page\",operation=\"request\"} 1\n"),
                    Not(HasSubstr("recommendation_timeouts_total{endpoint=\"hot_trending\"")),
                    HasSubstr("fallback_triggered_total{reason=\"deadline\",level=\"partial\"} 3\n"),
                    HasSubstr("slo_requests_total{endpoint=\"recommend_user\",outcome=\"degraded\"} 1\n"),
                    HasSubstr("endpoint=\"recommend_user\",variant=\"primary\",experiment_variant=\"control\","
                              "degrade_reason=\"deadline\"} 1\n")));
}

TEST_F(DeadlineTest, a_search_that_had_no_time_to_find_anything_is_503) {
  start(std::chrono::milliseconds(0));
  const test::HttpAnswer answer = site.get("/search?q=%E6%B0%94%E8%B1%A1");
  EXPECT_EQ(
      problem_text(answer),
      "503: Service Unavailable: deadline: the time for this request was up before anything was found; try again in a second");
  EXPECT_EQ(answer.header("retry-after"), "1");
  EXPECT_THAT(site.admin("GET", "/metrics").body,
              AllOf(HasSubstr("recommendation_timeouts_total{endpoint=\"search\",operation=\"request\"} 1\n"),
                    HasSubstr("slo_requests_total{endpoint=\"search\",outcome=\"failed\"} 1\n")));
}

TEST_F(DeadlineTest, with_time_nothing_is_cut) {
  start(std::chrono::milliseconds(20'000));
  EXPECT_THAT(site.get("/recommend/user/100").body, Not(HasSubstr("fallback:")));
  EXPECT_EQ(site.get("/search?q=%E6%B0%94%E8%B1%A1").status, 200);
  EXPECT_THAT(site.admin("GET", "/metrics").body,
              HasSubstr("recommendation_timeouts_total{endpoint=\"recommend_user\",operation=\"request\"} 0\n"));
}

}  // namespace
}  // namespace lodestone::serving
