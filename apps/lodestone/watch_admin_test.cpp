// What pipeline watch tells about itself, over HTTP.
#include "watch_admin.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <sstream>

#include "base/error.hpp"
#include "freshness.hpp"
#include "tests/support/http_client.hpp"
#include "tests/support/metrics_lint.hpp"

namespace lodestone::app {
namespace {

using std::chrono::seconds;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr std::string_view kToken = "Authorization: Bearer 0123456789abcdef-test\r\n";

class WatchAdminTest : public testing::Test {
 protected:
  WatchAdminTest() {
    write_file_atomic(token_file(), "0123456789abcdef-test\n");
    fs::permissions(token_file(), fs::perms::owner_read | fs::perms::owner_write);
  }
  [[nodiscard]] fs::path token_file() const { return folder_.path() / "token"; }
  WatchAdmin& start() {
    admin_.emplace(WatchAdmin::Options{"127.0.0.1:0", token_file()}, clock_, std::vector<const sources::ConnectionPool*>{},
                   [this] { return captures_; });
    admin_->start();
    return *admin_;
  }
  std::map<std::string, double> scrape() { return test::parse_metrics(test::http_get(admin_->port(), "/metrics", kToken).body); }
  json::Value status() { return json::parse(test::http_get(admin_->port(), "/status", kToken).body, "status"); }
  static FreshnessReport fresh(std::optional<double> lag) {
    FreshnessReport report;
    report.tables.push_back({.source = "business", .table = "order_tab", .n_rows = 5, .change_column = "update_time"});
    report.tables.back().lag_seconds = lag;
    return report;
  }

  TemporaryFolder folder_;
  FixedClock clock_{*parse_time("2026-11-24T09:30:00Z")};
  std::vector<CaptureState> captures_;
  std::optional<WatchAdmin> admin_;
};

TEST_F(WatchAdminTest, wants_the_token_but_for_livez) {
  start();
  EXPECT_EQ(test::http_get(admin_->port(), "/metrics").status, 401);
  EXPECT_EQ(test::http_get(admin_->port(), "/status").status, 401);
  EXPECT_EQ(test::http_get(admin_->port(), "/status", "Authorization: Bearer wrong\r\n").status, 401);
  EXPECT_EQ(test::http_get(admin_->port(), "/livez").body, "{\"status\":\"ok\"}");
}

TEST_F(WatchAdminTest, serves_nothing_without_an_address_and_needs_no_token_then) {
  const WatchAdmin closed({"", folder_.path() / "no token"}, clock_, {}, [] { return std::vector<CaptureState>{}; });
  EXPECT_FALSE(closed.is_serving());
}

TEST_F(WatchAdminTest, says_what_is_wrong_with_its_address) {
  start();
  const std::string taken = "127.0.0.1:" + std::to_string(admin_->port());
  const auto sentence = [&](const std::string& address) -> std::string {
    try {
      const WatchAdmin other({address, token_file()}, clock_, {}, [] { return std::vector<CaptureState>{}; });
    } catch (const Error& error) {
      return error.message();
    }
    return "";
  };
  EXPECT_EQ(sentence(taken), "cannot listen on " + taken +
                                 ": port in use by another process; stop that process or choose another address with the key "
                                 "pipeline.admin_address");
  EXPECT_THAT(sentence("nowhere"), HasSubstr("pipeline.admin_address"));
}

TEST_F(WatchAdminTest, counts_runs_and_says_when_the_next_begins) {
  start();
  EXPECT_EQ(scrape()["pipeline_last_run_exit_code"], -1);
  admin_->plan_run(clock_.now());
  admin_->begin_run();
  EXPECT_EQ(scrape()["pipeline_running"], 1);
  EXPECT_EQ(*status().find("state")->as_string(), "running");
  EXPECT_TRUE(status().find("next_run_at")->is_null());
  clock_.advance(seconds(7));
  admin_->end_run(0, "");
  admin_->begin_run();
  clock_.advance(seconds(3));
  admin_->end_run(1, "the database is gone");
  admin_->begin_run();
  admin_->end_run(3, "a gate refused");
  admin_->plan_run(clock_.now() + seconds(60));
  auto series = scrape();
  EXPECT_EQ(series["pipeline_runs_total{result=\"done\"}"], 1);
  EXPECT_EQ(series["pipeline_runs_total{result=\"failed\"}"], 1);
  EXPECT_EQ(series["pipeline_runs_total{result=\"refused\"}"], 1);
  EXPECT_EQ(series["pipeline_running"], 0);
  EXPECT_EQ(series["pipeline_last_run_exit_code"], 3);
  EXPECT_EQ(series["pipeline_last_run_timestamp_seconds"], 1795512610);
  EXPECT_EQ(series["pipeline_next_run_timestamp_seconds"], 1795512670);
  const json::Value document = status();
  EXPECT_EQ(*document.find("state")->as_string(), "waiting");
  EXPECT_EQ(*document.find("next_run_at")->as_string(), "2026-11-24T09:31:10Z");
  const json::Array& runs = *document.find("last_runs")->as_array();
  ASSERT_EQ(runs.size(), 3U);
  EXPECT_EQ(*runs[0].find("began_at")->as_string(), "2026-11-24T09:30:00Z");
  EXPECT_EQ(*runs[0].find("seconds")->as_number(), 7);
  EXPECT_EQ(*runs[1].find("sentence")->as_string(), "the database is gone");
}

TEST_F(WatchAdminTest, a_lag_that_cannot_be_measured_grows_from_the_last_one) {
  start();
  const std::string name = "data_freshness_lag_seconds{source=\"business\",table=\"order_tab\"}";
  admin_->set_freshness(fresh(std::nullopt));
  EXPECT_FALSE(scrape().contains(name));
  admin_->set_freshness(fresh(30));
  clock_.advance(seconds(100));
  EXPECT_EQ(scrape()[name], 30);
  admin_->set_freshness(fresh(std::nullopt));
  EXPECT_EQ(scrape()[name], 130);
  admin_->set_freshness(fresh(0));
  EXPECT_EQ(scrape()[name], 0);
}

TEST_F(WatchAdminTest, tells_how_far_each_log_is_followed) {
  captures_ = {{"business", clock_.now() - seconds(5), ""}, {"matomo", clock_.now() + seconds(1), "the server has gone away"}};
  start();
  auto series = scrape();
  EXPECT_EQ(series["capture_lag_seconds{source=\"business\"}"], 5);
  EXPECT_EQ(series["capture_following{source=\"business\"}"], 1);
  EXPECT_EQ(series["capture_lag_seconds{source=\"matomo\"}"], 0);  // its clock is ahead
  EXPECT_EQ(series["capture_following{source=\"matomo\"}"], 0);
  const json::Array list = *status().find("captures")->as_array();
  EXPECT_EQ(*list[1].find("sentence")->as_string(), "the server has gone away");
}

TEST_F(WatchAdminTest, the_live_scrape_is_clean_and_the_operators_page_has_a_row_for_every_metric) {
  captures_ = {{"business", clock_.now(), ""}};
  start();
  admin_->set_freshness(fresh(30));
  const std::string text = test::http_get(admin_->port(), "/metrics", kToken).body;
  EXPECT_THAT(test::lint_metrics(text), IsEmpty());
  std::set<std::string> exported;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("# TYPE ")) exported.insert(line.substr(7, line.rfind(' ') - 7));
  }
  const std::string page = read_file(fs::path(LODESTONE_SOURCE_DIR) / "docs/operations.md");
  std::set<std::string> documented = test::documented_metrics(page, "pipeline metric");
  for (const std::string& name : test::documented_metrics(page, "metric")) {
    if (name.starts_with("process_")) documented.insert(name);
  }
  EXPECT_TRUE(exported.contains("db_pool_connections"));
  EXPECT_EQ(documented, exported);
}

TEST(FreshnessLag, is_of_what_the_source_has_and_not_of_the_clock) {
  const TimePoint noon = *parse_time("2026-11-24T12:00:00Z");
  EXPECT_EQ(freshness_lag(noon, noon, noon - std::chrono::hours(99)), 0);                // nobody bought anything since
  EXPECT_EQ(freshness_lag(noon, noon + seconds(1), std::nullopt), 0);                    // the newest row was deleted there
  EXPECT_EQ(freshness_lag(noon, noon - std::chrono::hours(7), std::nullopt), 7 * 3600);  // unknown since when
  EXPECT_EQ(freshness_lag(noon, noon - std::chrono::hours(7), noon - seconds(60)), 60);  // all was here a minute before
  EXPECT_EQ(freshness_lag(noon, noon - seconds(5), noon + seconds(9)), 0);               // a late commit, or a slow clock
  EXPECT_EQ(freshness_lag(noon, std::nullopt, noon - seconds(8)), 8);
  EXPECT_EQ(freshness_lag(noon, std::nullopt, noon + seconds(8)), 0);
}

}  // namespace
}  // namespace lodestone::app
