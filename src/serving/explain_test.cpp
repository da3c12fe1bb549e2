// GET /explain of the admin port.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "tests/support/sample_ranking.hpp"
#include "tests/support/sample_release.hpp"
#include "tests/support/scripted_server.hpp"
#include "tests/support/serving_site.hpp"

namespace lodestone::serving {
namespace {

using test::percent_encode;
using test::problem_text;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;

class ExplainTest : public ::testing::Test {
 protected:
  void start(const models::ReleaseData& data) {
    id = site.pack(data);
    site.publish(id);
    site.start();
  }
  json::Value explain(std::string_view query) {
    const test::HttpAnswer answer = site.admin("GET", fmt::format("/explain?{}", query));
    EXPECT_EQ(answer.status, 200) << query << ": " << answer.body;
    return json::parse(answer.body, "explanation");
  }
  /// "dropped_by: detail", "shown: detail".
  std::string target(std::string_view query) {
    const json::Value told = *explain(query).find("target");
    const std::string& detail = *told.find("detail")->as_string();
    if (*told.find("found")->as_bool()) {
      EXPECT_TRUE(told.find("dropped_by")->is_null());
      return "shown: " + detail;
    }
    return *told.find("dropped_by")->as_string() + ": " + detail;
  }

  static std::string ids(const json::Value& list) {
    std::string out;
    for (const json::Value& item : *list.as_array()) out += fmt::format("{} ", *item.find("dataset_id")->as_int());
    return out;
  }
  void did(std::string_view kind, std::int64_t item, std::string_view who) {
    const std::string body = fmt::format(R"([{{"event_id":"e{}","kind":"{}","dataset_id":{},"at":"2026-11-24T09:29:00Z",{}}}])",
                                         n_events++, kind, item, who);
    ASSERT_EQ(site.post("/events", body).body, R"({"accepted":1,"duplicate":0,"rejected":[]})");
  }

  test::ServingSite site;
  std::string id;
  int n_events = 0;
};

TEST_F(ExplainTest, the_list_is_the_one_that_the_public_port_gives) {
  start(test::sample_release());
  const std::vector<std::pair<std::string, std::string>> pairs = {
      {"dataset_id=10", "/similar/10"},
      {"dataset_id=10&user_id=100", "/recommend/detail/10?user_id=100"},
      {"user_id=100&limit=20", "/recommend/user/100?limit=20"}};
  for (const auto& [query, list] : pairs) {
    const json::Value told = explain(query);
    EXPECT_TRUE(told.find("target")->is_null());
    EXPECT_EQ(*told.find("algorithm_version")->as_string(), id);
    const json::Value shown = site.get_json(list);
    const json::Value* items =
        shown.find("recommendations") != nullptr ? shown.find("recommendations") : shown.find("similar_items");
    ASSERT_EQ(told.find("list")->as_array()->size(), items->as_array()->size());
    for (std::size_t i = 0; i < items->as_array()->size(); ++i) {
      const json::Value& one = (*told.find("list")->as_array())[i];
      EXPECT_EQ(*one.find("dataset_id")->as_int(), *(*items->as_array())[i].find("dataset_id")->as_int()) << query;
      EXPECT_FALSE(one.find("channels")->as_object()->empty());
      EXPECT_TRUE(one.find("features")->as_object()->empty()) << "no ranker here";
    }
  }
}

TEST_F(ExplainTest, what_a_visitor_did_since_the_release_counts) {
  start(test::sample_release());
  const std::vector<std::pair<std::string, std::string>> pairs = {
      {"user_id=100&limit=20", "/recommend/user/100?limit=20"},
      {"user_id=100&dataset_id=10&limit=20", "/recommend/detail/10?user_id=100&limit=20"},
      {"visitor_id=guest&dataset_id=10&limit=20", "/recommend/detail/10?visitor_id=guest&limit=20"}};
  std::vector<std::string> before;
  for (const auto& [query, list] : pairs) before.push_back(ids(*explain(query).find("list")));
  for (const int item : {30, 44, 58}) {
    did("click", item, "\"user_id\":100");
    did("click", item, "\"visitor_id\":\"guest\"");
  }
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    const std::string now = ids(*explain(pairs[i].first).find("list"));
    EXPECT_EQ(now, ids(*site.get_json(pairs[i].second).find("recommendations"))) << pairs[i].first;
    EXPECT_NE(now, before[i]) << pairs[i].first;
  }
  const std::int64_t first = *(*explain("user_id=100").find("list")->as_array())[0].find("dataset_id")->as_int();
  did("order", first, "\"user_id\":100");
  EXPECT_EQ(target(fmt::format("user_id=100&target={}", first)), "owned: user 100 has it already");
  did("order", first, "\"visitor_id\":\"guest\"");
  EXPECT_EQ(target(fmt::format("visitor_id=guest&dataset_id=10&target={}", first)), "owned: the visitor has it already");
}

TEST_F(ExplainTest, features_are_those_of_now) {
  models::ReleaseData data = test::sample_release();
  data.ranking = test::sample_ranking(data, 3);
  data.ranking.items.values.assign(data.ranking.items.values.size(), 0);
  data.ranking.rankers = {{"light", test::stump_ranker({"item_views_24h"}, {{0, 0.5, -1, 1}})}};
  data.online.emplace();
  data.online->as_of = site.clock.now() - std::chrono::hours(1);
  start(data);
  const json::Value before = explain("dataset_id=10");
  const std::int64_t lifted = *(*before.find("list")->as_array())[4].find("dataset_id")->as_int();
  did("view", lifted, "\"visitor_id\":\"somebody\"");
  const json::Value told = explain(fmt::format("dataset_id=10&target={}", lifted));
  EXPECT_EQ(ids(*told.find("list")), ids(*site.get_json("/similar/10").find("similar_items")));
  EXPECT_THAT(*told.find("target")->find("detail")->as_string(), HasSubstr("place 1 of 10"));
}

TEST_F(ExplainTest, a_visitor_of_an_experiment_is_told_of_that_variants_list) {
  site.options.experiments_file = site.folder.path() / "experiments.yaml";
  write_file_atomic(
      site.options.experiments_file,
      "experiments:\n  mix:\n    status: active\n    salt: s\n    variants:\n"
      "      - {name: other, allocation: 1, parameters: {behavior_weight: 0, content_weight: 5, usercf_weight: 0}}\n");
  start(test::sample_release());
  const json::Value told = explain("user_id=100&dataset_id=10&limit=20");
  EXPECT_EQ(ids(*told.find("list")), ids(*site.get_json("/recommend/detail/10?user_id=100&limit=20").find("recommendations")));
  EXPECT_EQ(*told.find("experiment_variant")->as_string(), "other");
  EXPECT_EQ(*told.find("variant")->as_string(), "primary");
  EXPECT_EQ(*explain("dataset_id=10").find("experiment_variant")->as_string(), "control") << "nobody asks";
}

TEST_F(ExplainTest, channels_outside_of_the_engine_are_heard_and_named) {
  test::ScriptedServer remote([](std::string_view bytes) {
    return test::ScriptedServer::answer_http(bytes, 200,
                                             R"({"items":[{"dataset_id":64,"score":9},{"dataset_id":52,"score":1}]})");
  });
  site.options.channels_file = site.folder.path() / "channels.yaml";
  site.options.cache.preheat_items = 0;
  write_file_atomic(
      site.options.channels_file,
      fmt::format("channels:\n  graph: {{url: \"http://127.0.0.1:{}/?i={{dataset_id}}\", deadline_ms: 10000, weight: 50}}\n",
                  remote.port()));
  start(test::sample_release());
  EXPECT_EQ(explain("user_id=100").find("list")->as_array()->size(), 10U) << "it has no question for that page";
  EXPECT_EQ(remote.n_requests(), 0);
  const json::Value told = explain("dataset_id=10&target=64");
  EXPECT_EQ(remote.n_requests(), 1);
  EXPECT_THAT(*told.find("target")->find("detail")->as_string(), MatchesRegex("place 1 of 10, score .*, by .*graph.*"));
  EXPECT_EQ(*(*told.find("list")->as_array())[0].find("channels")->find("graph")->find("rank")->as_int(), 1);
  EXPECT_EQ(ids(*told.find("list")), ids(*site.get_json("/similar/10").find("similar_items")));
  EXPECT_THAT(target("dataset_id=10&limit=1&target=52"), MatchesRegex("below_cut: .*; places in channels: .*graph 2 \\(1\\).*"));
  EXPECT_EQ(remote.n_requests(), 1) << "kept, as for lists";
  EXPECT_EQ(site.admin("GET", "/explain?dataset_id=999").status, 404);
}

TEST_F(ExplainTest, says_of_every_item_where_it_fell) {
  start(test::sample_release());
  const test::SampleBundle bundle(test::sample_release());
  const models::Catalog& catalog = bundle.release().catalog;
  std::set<std::string> reasons;
  for (ItemIndex item = 0; item < static_cast<ItemIndex>(catalog.n_items()); ++item) {
    const std::string told = target(fmt::format("dataset_id=10&user_id=100&limit=5&exclude=22&filter={}&target={}",
                                                percent_encode("price<=80"), raw(catalog.id(item))));
    const std::string reason = told.substr(0, told.find(':'));
    reasons.insert(reason);
    if (reason == "shown") {
      EXPECT_THAT(told, MatchesRegex("shown: place [1-5] of 5, score [0-9.e-]+, by .*"));
    } else if (reason == "below_cut") {
      EXPECT_THAT(
          told,
          MatchesRegex("below_cut: place [0-9]+ by the fused score \\([0-9.e-]+\\); the last of 5 items shown has [0-9.e-]+; "
                       "places in channels: .*"));
    } else if (reason == "no_channel") {
      EXPECT_THAT(told, HasSubstr("no channel gave it"));
    }
  }
  for (const char* reason : {"shown", "below_cut", "not_available", "page_item", "filter"}) {
    EXPECT_TRUE(reasons.contains(reason)) << reason;
  }
  EXPECT_EQ(target("dataset_id=10&target=10"), "page_item: it is the data set of the page");
  EXPECT_EQ(target("dataset_id=10&target=999"), "unknown: bundle " + id + " has no data set 999");
  const std::int64_t first = *(*explain("dataset_id=10").find("list")->as_array())[0].find("dataset_id")->as_int();
  EXPECT_EQ(target(fmt::format("dataset_id=10&target={0}&exclude={0}", first)), "excluded: the request excludes it");
  EXPECT_EQ(target(fmt::format("dataset_id=10&target={}&filter={}", first, percent_encode("price<0"))),
            "filter: the filter leaves it out");
}

TEST_F(ExplainTest, what_a_ranker_did_is_told) {
  models::ReleaseData data = test::sample_release();
  data.ranking = test::sample_ranking(data, 3);
  data.ranking.rankers = {{"light", test::stump_ranker({"item_price"}, {{0, 4, -1, 1}})}};
  start(data);
  const json::Value told = explain("dataset_id=10&limit=3");
  const json::Value& item = (*told.find("list")->as_array())[0];
  EXPECT_EQ(*item.find("ranker")->as_string(), "light");
  EXPECT_NE(item.find("features")->find("item_price"), nullptr);
  const test::SampleBundle bundle(data);
  bool any = false;
  for (ItemIndex i = 1; i < 60 && !any; ++i) {
    const std::string text = target(fmt::format("dataset_id=10&limit=3&target={}", raw(bundle.release().catalog.id(i))));
    if (!text.starts_with("below_cut")) continue;
    any = true;
    EXPECT_THAT(text,
                MatchesRegex("below_cut: place [0-9]+ by the fused score \\([0-9.e-]+\\), place [0-9]+ of [0-9]+ by ranker light "
                             "\\([0-9.e-]+\\); the last of 3 items shown has .*"));
  }
  EXPECT_TRUE(any);
}

TEST_F(ExplainTest, bad_questions_are_refused) {
  start(test::sample_release());
  const auto problem = [&](std::string_view query) { return problem_text(site.admin("GET", fmt::format("/explain{}", query))); };
  EXPECT_EQ(problem(""),
            "422: Unprocessable Content: neither user_id nor dataset_id is given; name one, or both for the data set's page as "
            "the user sees it "
            "(dataset_id)");
  EXPECT_EQ(problem("?dataset_id=x"),
            "422: Unprocessable Content: dataset_id is \"x\", expected a 64-bit integer id (dataset_id)");
  EXPECT_EQ(problem("?dataset_id=10&limit=51"),
            "422: Unprocessable Content: limit is \"51\", expected an integer from 1 to 50 (limit)");
  EXPECT_EQ(problem("?dataset_id=999"), "404: Not Found: data set 999 is not in bundle " + id);
  EXPECT_THAT(problem("?dataset_id=10&filter=price"), HasSubstr("(filter)"));
  EXPECT_EQ(test::HttpConnection(site.server->admin_port()).get("/explain?dataset_id=10").status, 401);
  EXPECT_EQ(site.get("/explain?dataset_id=10").status, 404) << "the public port has no such path";
}

TEST_F(ExplainTest, without_a_release_it_is_503) {
  site.start();
  EXPECT_EQ(site.admin("GET", "/explain?dataset_id=10").status, 503);
}

}  // namespace
}  // namespace lodestone::serving
