// Experiments: the file, the buckets, and what visitors get over a real server.
#include "serving/experiments.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <thread>

#include "base/error.hpp"
#include "tests/support/metrics_lint.hpp"
#include "tests/support/serving_site.hpp"

namespace lodestone::serving {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr std::string_view kOne = R"(
experiments:
  mix:
    status: active
    salt: s1
    variants:
      - {name: control, allocation: 0.5}
      - {name: treatment, allocation: 0.5, parameters: {behavior_weight: 0, content_weight: 5, ranker: false}}
)";

std::string failure_of(std::string_view text) {
  try {
    (void)Experiments::parse(text, "x.yaml");
  } catch (const Error& error) {
    return error.message();
  }
  return "no failure";
}

TEST(UnitBucket, is_the_first_32_bits_of_sha256) {
  // printf s1:42 | sha256sum gives 30b5ef4f...
  EXPECT_EQ(unit_bucket("s1", "42"), static_cast<double>(0x30b5ef4fU) / 4294967296.0);
  EXPECT_EQ(unit_bucket("", ""), static_cast<double>(0xe7ac0786U) / 4294967296.0);
}

TEST(Experiments, deals_units_by_their_allocation_and_the_same_way_each_time) {
  const Experiments experiments = Experiments::parse(kOne, "x.yaml");
  ASSERT_TRUE(experiments.any_active());
  std::map<std::string, int> n;
  for (int user = 0; user < 10'000; ++user) {
    const std::string unit = std::to_string(user);
    const Assignment& one = experiments.assignments()[experiments.assign(unit)];
    EXPECT_EQ(one.label, unit_bucket("s1", unit) < 0.5 ? "control" : "treatment");
    EXPECT_EQ(one.parameters.ranker.has_value(), one.label == "treatment");
    ++n[one.label];
  }
  EXPECT_NEAR(n["control"], 5'000, 200);  // four standard deviations
}

TEST(Experiments, several_that_are_active_deal_apart_from_each_other) {
  const Experiments experiments = Experiments::parse(R"(
experiments:
  a: {status: active, variants: [{name: x, allocation: 0.5}, {name: y, allocation: 0.5, parameters: {tag_weight: 2}}]}
  off: {status: paused, variants: [{name: z, allocation: 1, parameters: {tag_weight: 3}}]}
  b: {status: active, variants: [{name: half, allocation: 0.5, parameters: {vector_ef: 20}}]}
)",
                                                     "x.yaml");
  std::map<std::string, int> n;
  for (int user = 0; user < 8'000; ++user) ++n[experiments.assignments()[experiments.assign(std::to_string(user))].label];
  EXPECT_EQ(n.size(), 4U);
  for (const char* label : {"a:x", "a:y", "a:x+b:half", "a:y+b:half"}) EXPECT_NEAR(n[label], 2'000, 160) << label;
  const Assignment& both = experiments.assignments().back();
  EXPECT_EQ(both.label, "a:y+b:half");
  EXPECT_EQ(both.parameters.vector_ef, 20U);
}

TEST(Experiments, an_empty_file_and_paused_ones_leave_everybody_alone) {
  for (const char* text : {"", "experiments:\n", "experiments: {}\n",
                           "experiments: {a: {status: paused, variants: [{name: x, allocation: 1}]}}\n"}) {
    const Experiments experiments = Experiments::parse(text, "x.yaml");
    EXPECT_FALSE(experiments.any_active()) << text;
    EXPECT_EQ(experiments.assign("1"), 0U);
    EXPECT_EQ(experiments.assignments()[0].label, "control");
  }
}

TEST(Experiments, says_what_is_wrong_and_where) {
  EXPECT_THAT(failure_of("experiment: {}"), HasSubstr("did you mean \"experiments\"?"));
  const std::string all = failure_of(R"(
experiments:
  a b:
    status: running
    variants:
      - {name: x, allocation: 0.7, parameters: {contents_weight: 1}}
      - {name: x, allocation: 0.4, parameters: {content_weight: -1}}
      - {name: y, allocation: 1.5}
)");
  EXPECT_THAT(all, AllOf(HasSubstr("the name of an experiment has 1 to 64 letters"), HasSubstr("\"running\" is no status"),
                         HasSubstr("did you mean \"content_weight\"?"), HasSubstr("there are two variants \"x\""),
                         HasSubstr("-1 is outside 0..100"), HasSubstr("1.5 is outside 0..1"), HasSubstr("more than 1")));
  EXPECT_THAT(failure_of(R"(
experiments:
  a: {status: active, variants: [{name: x, allocation: 0.5, parameters: {tag_weight: 2}}]}
  b: {status: active, variants: [{name: x, allocation: 0.5, parameters: {tag_weight: 3}}]}
)"),
              HasSubstr("it sets a parameter that a sets too; pause one of them"));
  EXPECT_THAT(failure_of("experiments: [1]"), HasSubstr("experiments are a map"));
  EXPECT_THAT(failure_of("experiments: {a: 1}"), HasSubstr("an experiment is a map"));
  EXPECT_THAT(failure_of("experiments: {a: {status: active, variants: []}}"), HasSubstr("variants are a list"));
}

class ExperimentsOverHttp : public ::testing::Test {
 protected:
  void SetUp() override {
    site.publish(site.pack_sample(1));
    site.options.experiments_file = site.folder.path() / "experiments.yaml";
    write_file_atomic(site.options.experiments_file, kOne);
    site.start();
  }
  json::Value page(const std::string& target) { return site.get_json(target); }
  std::string variant(const std::string& target) { return *page(target).find("experiment_variant")->as_string(); }
  static std::string expected(std::string_view unit) { return unit_bucket("s1", unit) < 0.5 ? "control" : "treatment"; }

  test::ServingSite site;
};

TEST_F(ExperimentsOverHttp, who_asks_decides_and_nobody_is_control) {
  for (int user = 100; user < 140; ++user) {
    const std::string unit = std::to_string(user);
    EXPECT_EQ(variant("/recommend/user/" + unit), expected(unit));
    EXPECT_EQ(variant("/recommend/detail/10?user_id=" + unit + "&visitor_id=v"), expected(unit));
    EXPECT_EQ(variant("/recommend/detail/10?visitor_id=v" + unit), expected("v" + unit));
  }
  EXPECT_EQ(variant("/recommend/detail/10"), "control");
  EXPECT_EQ(variant("/similar/10"), "control");
}

TEST_F(ExperimentsOverHttp, a_variant_changes_the_list_and_is_counted) {
  std::string treated = "v0";
  for (int v = 0; expected(treated) != "treatment"; ++v) treated = "v" + std::to_string(v);
  const json::Value with = page("/recommend/detail/10?explain=true&visitor_id=" + treated);
  for (const json::Value& item : *with.find("recommendations")->as_array())
    EXPECT_EQ(item.find("channels")->find("behavior"), nullptr);  // its weight is 0
  const json::Value without = page("/recommend/detail/10?explain=true");
  bool any = false;
  for (const json::Value& item : *without.find("recommendations")->as_array())
    any = any || item.find("channels")->find("behavior") != nullptr;
  EXPECT_TRUE(any);
  auto series = test::parse_metrics(site.admin("GET", "/metrics").body);
  EXPECT_EQ(
      series["recommendation_exposures_total{endpoint=\"recommend_detail\",variant=\"primary\",experiment_variant=\"treatment\","
             "degrade_reason=\"none\"}"],
      1);
}

TEST_F(ExperimentsOverHttp, the_file_is_watched_and_a_bad_one_changes_nothing) {
  std::string treated = "1";
  for (int user = 1; expected(treated) != "treatment"; ++user) treated = std::to_string(user);
  EXPECT_EQ(variant("/recommend/user/" + treated), "treatment");
  write_file_atomic(site.options.experiments_file, "experiments: {mix: {status: activ}}\n");
  const auto wait_for = [&](const std::string& status) {
    while (site.get("/health").body.find("\"status\":\"" + status + "\",\"cache\"") == std::string::npos)
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
  };
  wait_for("degraded");
  EXPECT_EQ(variant("/recommend/user/" + treated), "treatment");
  const json::Value told = json::parse(site.admin("GET", "/experiments").body, "experiments");
  EXPECT_THAT(*told.find("problem")->as_string(), HasSubstr("\"activ\" is no status; did you mean \"active\"?"));
  EXPECT_EQ((*told.find("experiments")->as_array()).size(), 1U);
  fs::remove(site.options.experiments_file);
  wait_for("healthy");
  while (variant("/recommend/user/" + treated) != "control") std::this_thread::sleep_for(std::chrono::milliseconds(20));
  EXPECT_EQ(json::parse(site.admin("GET", "/experiments").body, "experiments").find("experiments")->as_array()->size(), 0U);
}

}  // namespace
}  // namespace lodestone::serving
