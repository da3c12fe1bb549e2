// The operator's rules: the file, and what visitors get over a real server.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <thread>

#include "base/error.hpp"
#include "serving/rules_file.hpp"
#include "tests/support/metrics_lint.hpp"
#include "tests/support/serving_site.hpp"

namespace lodestone::serving {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

std::string failure_of(std::string_view text) {
  try {
    (void)parse_rules(text, "rules.yaml");
  } catch (const Error& error) {
    return error.message();
  }
  return "no failure";
}

TEST(RulesFile, reads_all_that_a_rule_may_say) {
  const engine::RuleBook book = parse_rules(R"(
hide: ['tags has "old"', price>1000]
rules:
  spring:
    description: our own data first
    pages: [similar, search]
    when: category="weather"
    pin: [{dataset_id: 13, position: 2}, {dataset_id: 16}]
    boost: [{filter: 'company="x"', factor: 2}]
    bury: [records<10]
    quota: [{by: company, most: 3}, {by: category, most: 5}]
  old: {status: paused, pin: [{dataset_id: 10}]}
  usual: {bury: ['price<0']}
)",
                                            "rules.yaml");
  EXPECT_EQ(book.hidden.size(), 2U);
  ASSERT_EQ(book.rules.size(), 2U);
  const engine::Rule& rule = book.rules[0];
  EXPECT_EQ(rule.pages, 0b10001);
  EXPECT_EQ(book.rules[1].pages, 0b00111);
  EXPECT_TRUE(rule.when.has_value());
  ASSERT_EQ(rule.pins.size(), 2U);
  EXPECT_EQ(rule.pins[0].position, 2U);
  EXPECT_EQ(rule.pins[1].position, 1U);
  EXPECT_EQ(rule.boosts.at(0).factor, 2);
  EXPECT_EQ(rule.quotas.at(1).most, 5U);
}

TEST(RulesFile, says_what_is_wrong_and_where) {
  EXPECT_THAT(failure_of("hid: []"), HasSubstr("did you mean \"hide\"?"));
  EXPECT_THAT(failure_of("hide: ['prise>1']"), AllOf(HasSubstr("hide"), HasSubstr("prise")));
  const std::string all = failure_of(R"(
rules:
  a:
    pages: [similr]
    pins: []
    pin: [{dataset_id: x, position: 0}, 5]
    boost: [{filter: 'price>1', factor: 0}]
    quota: [{by: companies, most: 0}]
)");
  EXPECT_THAT(all, AllOf(HasSubstr("\"similr\" is no page; did you mean \"similar\"?"), HasSubstr("did you mean \"pin\"?"),
                         HasSubstr("expected a map with dataset_id and position"), HasSubstr("0 is outside 0.001..1000"),
                         HasSubstr("\"companies\" is no quota")));
  EXPECT_THAT(failure_of("rules: {a: 1}"), HasSubstr("a rule is a map"));
}

class RulesOverHttp : public ::testing::Test {
 protected:
  void SetUp() override {
    site.publish(site.pack_sample(1));
    site.options.rules_file = site.folder.path() / "rules.yaml";
  }
  void write(const std::string& text) const { write_file_atomic(site.options.rules_file, text); }
  std::vector<std::int64_t> ids(const std::string& target, const char* list) {
    std::vector<std::int64_t> out;
    const json::Value answer = site.get_json(target);
    for (const json::Value& item : *answer.find(list)->as_array()) out.push_back(*item.find("dataset_id")->as_int());
    return out;
  }
  void wait_for_reads(double n) {
    const auto taken = [&] {
      auto series = test::parse_metrics(site.admin("GET", "/metrics").body);
      return series["watched_file_reads_total{file=\"rules\",result=\"loaded\"}"] +
             series["watched_file_reads_total{file=\"rules\",result=\"refused\"}"];
    };
    while (taken() < n) std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }

  test::ServingSite site;
};

TEST_F(RulesOverHttp, hold_from_the_first_answer_and_follow_the_file) {
  write("hide: ['item_id=16']\nrules: {top: {pages: [similar], pin: [{dataset_id: 40}]}}\n");
  site.start();
  const auto first = ids("/similar/10?limit=50", "similar_items");
  EXPECT_THAT(first, ::testing::Not(::testing::Contains(16)));
  EXPECT_EQ(first[0], 40);
  for (const char* target : {"/recommend/user/999?limit=50", "/recommend/detail/10?limit=50"})
    EXPECT_THAT(ids(target, "recommendations"), ::testing::Not(::testing::Contains(16)));
  EXPECT_THAT(ids("/search?limit=50", "items"), ::testing::Not(::testing::Contains(16)));
  const json::Value answer = site.get_json("/similar/10?limit=3");
  EXPECT_THAT(*answer.find("similar_items")->as_array()->front().find("reason")->as_string(), HasSubstr("pinned"));
  write("hide: ['item_id=40']\n");
  wait_for_reads(2);
  const auto second = ids("/similar/10?limit=50", "similar_items");
  EXPECT_THAT(second, ::testing::Contains(16));
  EXPECT_THAT(second, ::testing::Not(::testing::Contains(40)));
}

TEST_F(RulesOverHttp, a_bad_file_changes_nothing_and_a_new_release_keeps_them) {
  write("hide: ['item_id=16']\n");
  site.start();
  write("hide: ['item_id=']\n");
  wait_for_reads(2);
  EXPECT_THAT(site.get("/health").body,
              AllOf(HasSubstr("\"status\":\"degraded\""), HasSubstr("\"rules\":{\"status\":\"refused\"")));
  const std::string next = site.pack_sample(1);
  site.publish(next);
  site.wait_for(next);
  EXPECT_THAT(ids("/similar/10?limit=50", "similar_items"), ::testing::Not(::testing::Contains(16)));
}

TEST_F(RulesOverHttp, exploration_and_diversity_are_set_while_it_runs) {
  serving::Server& server = site.start();
  const auto reasons = [&] {
    std::string out;
    for (int i = 0; i < 40; ++i) out += site.get("/similar/10?limit=8").body;
    return out;
  };
  EXPECT_THAT(reasons(), ::testing::Not(HasSubstr("exploration")));
  server.set_tuning({.exploration = 1});
  EXPECT_THAT(reasons(), HasSubstr("exploration"));
  const auto list = ids("/similar/10?limit=50", "similar_items");
  EXPECT_EQ(std::set<std::int64_t>(list.begin(), list.end()).size(), list.size());
}

}  // namespace
}  // namespace lodestone::serving
