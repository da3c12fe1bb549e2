// What a server writes down of what it shows.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>

#include "tests/support/serving_site.hpp"

namespace lodestone::serving {
namespace {

class ExposuresTest : public ::testing::Test {
 protected:
  void SetUp() override {
    id = site.pack_sample(1);
    site.publish(id);
    site.start();
  }

  /// Stops the server and reads its log.
  std::vector<json::Value> logged() {
    site.stop();
    std::vector<json::Value> out;
    for (const auto& entry : fs::directory_iterator(site.options.exposures->folder)) {
      std::istringstream lines(read_file(entry.path()));
      for (std::string line; std::getline(lines, line);) out.push_back(json::parse(line, "line"));
    }
    return out;
  }
  static std::string text(const json::Value& value, std::string_view key) {
    const json::Value* found = value.find(key);
    return found->is_null() ? "null" : *found->as_string();
  }

  test::ServingSite site;
  std::string id;
};

TEST_F(ExposuresTest, every_list_is_written_down_as_it_was_shown) {
  const std::vector<std::pair<std::string, std::string>> targets = {{"/similar/10?limit=3", "similar_items"},
                                                                    {"/recommend/detail/10?limit=3", "recommendations"},
                                                                    {"/recommend/user/100?limit=3", "recommendations"},
                                                                    {"/hot/trending?limit=3", "items"},
                                                                    {"/search?limit=3", "items"}};
  std::vector<json::Value> answers;
  for (const auto& [target, list] : targets) answers.push_back(site.get_json(target));
  const std::vector<json::Value> lines = logged();
  ASSERT_EQ(lines.size(), targets.size());
  for (std::size_t i = 0; i < targets.size(); ++i) {
    const auto line = std::find_if(lines.begin(), lines.end(), [&](const json::Value& one) {
      return text(one, "request_id") == text(answers[i], "request_id");
    });
    ASSERT_NE(line, lines.end()) << targets[i].first;
    EXPECT_EQ(text(*line, "algorithm_version"), id);
    EXPECT_EQ(text(*line, "timestamp"), "2026-11-24T09:30:00Z");
    const json::Array& shown = *answers[i].find(targets[i].second)->as_array();
    const json::Array& items = *line->find("items")->as_array();
    ASSERT_EQ(items.size(), shown.size());
    for (std::size_t k = 0; k < items.size(); ++k) {
      EXPECT_EQ(*items[k].find("dataset_id")->as_int(), *shown[k].find("dataset_id")->as_int());
      EXPECT_EQ(*items[k].find("propensity")->as_number(), 1);
      if (const json::Value* score = shown[k].find("score")) {
        EXPECT_EQ(*items[k].find("score")->as_number(), *score->as_number());
        EXPECT_EQ(text(items[k], "reason"), text(shown[k], "reason"));
      }
    }
    EXPECT_EQ(line->find("page_id")->is_null(), i > 1);
    EXPECT_EQ(line->find("user_id")->is_null(), i != 2);
  }
}

TEST_F(ExposuresTest, who_asked_and_from_where_is_in_the_context) {
  const auto answer =
      site.get("/recommend/detail/10?user_id=100&visitor_id=89abcdef01234567&source=detail_side",
               "User-Agent: Mozilla/5.0 (iPhone) Mobile\r\nAccept-Language: zh-CN,zh;q=0.9\r\nX-Client-App: shop/2\r\n");
  ASSERT_EQ(answer.status, 200) << answer.body;
  const std::vector<json::Value> lines = logged();
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_EQ(*lines[0].find("user_id")->as_int(), 100);
  EXPECT_EQ(text(lines[0], "visitor_id"), "89abcdef01234567");
  EXPECT_EQ(*lines[0].find("page_id")->as_int(), 10);
  const json::Value& context = *lines[0].find("context");
  EXPECT_EQ(text(context, "endpoint"), "recommend_detail");
  EXPECT_EQ(text(context, "slot"), "null");
  EXPECT_EQ(text(context, "variant"), "primary");
  EXPECT_EQ(text(context, "experiment_variant"), "control");
  EXPECT_EQ(text(context, "degrade_reason"), "none");
  EXPECT_EQ(text(context, "source"), "detail_side");
  EXPECT_EQ(text(context, "device_type"), "mobile");
  EXPECT_EQ(text(context, "locale"), "zh-CN");
  EXPECT_EQ(text(context, "client_app"), "shop/2");
}

TEST_F(ExposuresTest, a_list_that_the_browser_has_already_is_shown_again) {
  const auto first = site.get("/similar/10");
  const auto again = site.get("/similar/10", "If-None-Match: " + first.header("etag") + "\r\n");
  ASSERT_EQ(again.status, 304);
  const std::vector<json::Value> lines = logged();
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_NE(text(lines[0], "request_id"), text(lines[1], "request_id"));
  EXPECT_TRUE(std::any_of(lines.begin(), lines.end(),
                          [&](const json::Value& line) { return text(line, "request_id") == again.header("x-request-id"); }));
}

TEST_F(ExposuresTest, what_shows_no_list_is_no_exposure) {
  EXPECT_EQ(site.get("/similar/999").status, 404);
  EXPECT_EQ(site.get("/similar/10?limit=0").status, 422);
  EXPECT_EQ(site.get("/livez").status, 200);
  EXPECT_EQ(test::problem_text(site.get("/similar/10?source=a%20b")),
            "422: Unprocessable Content: source is \"a b\", expected 1 to 32 letters, digits, _, - and . (source)");
  test::HttpConnection connection(site.server->port());
  ASSERT_TRUE(connection.send("HEAD /similar/10 HTTP/1.1\r\nHost: x\r\n\r\n"));
  EXPECT_EQ(connection.read(test::HttpConnection::Body::kNone)->status, 200);
  site.get("/similar/10");
  EXPECT_EQ(logged().size(), 1U);
}

TEST_F(ExposuresTest, a_folder_that_cannot_be_written_fails_no_request) {
  site.stop();
  site.options.exposures->folder = site.folder.path() / "admin_token" / "exposures";  // below a file
  site.start();
  EXPECT_EQ(site.get("/similar/10").status, 200);
  site.stop();
  EXPECT_EQ(site.registry.value(site.registry.counter("exposure_log_dropped_total", "", {{"reason", "disk"}})), 1U);
}

}  // namespace
}  // namespace lodestone::serving
