// A bundle that is tried beside the current one: rollout by a share of the visitors, and in the shadow.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "bundle/store.hpp"
#include "serving/experiments.hpp"
#include "serving/shadow.hpp"
#include "tests/support/metrics_lint.hpp"
#include "tests/support/serving_site.hpp"

namespace lodestone::serving {
namespace {

using test::problem_text;
using ::testing::HasSubstr;

class TrialTest : public ::testing::Test {
 protected:
  void SetUp() override {
    first = site.pack_sample(1);
    second = site.pack_sample(2);
    site.publish(first);
    site.start();
  }
  std::string order(const std::string& rest) { return "{\"source\":\"" + second + "\"," + rest + "}"; }
  std::string reload(const std::string& body) {
    const auto answer = site.admin("POST", "/models/reload", body);
    return answer.status == 200 ? answer.body : problem_text(answer);
  }
  std::string id_for(const std::string& user) {
    const json::Value answer = site.get_json("/recommend/user/" + user);
    const std::string id = *answer.find("algorithm_version")->as_string();
    EXPECT_EQ(*answer.find("variant")->as_string(), id == first ? "primary" : "rollout");
    return id;
  }
  json::Value trial() { return *json::parse(site.admin("GET", "/models").body, "models").find("trial"); }
  double series(const std::string& name) { return test::parse_metrics(site.admin("GET", "/metrics").body)[name]; }
  [[nodiscard]] bundle::BundleStore store() const { return bundle::BundleStore(site.options.bundle_folder); }

  test::ServingSite site;
  std::string first;
  std::string second;
};

TEST_F(TrialTest, a_rollout_answers_the_visitors_below_its_share_and_they_stay) {
  EXPECT_EQ(reload(order(R"("rollout":0.3,"run_id":"r7")")), "{\"status\":\"rollout\",\"id\":\"" + second + "\"}");
  int n = 0;
  for (int user = 1; user <= 60; ++user) {
    const bool below = unit_bucket(second, std::to_string(user)) < 0.3;
    EXPECT_EQ(id_for(std::to_string(user)), below ? second : first);
    n += below ? 1 : 0;
  }
  EXPECT_GT(n, 0);
  EXPECT_EQ(*site.get_json("/similar/10").find("algorithm_version")->as_string(),
            first);  // nobody asks, so there is nobody to keep to it
  // A larger share takes more visitors and keeps those it had.
  reload(order(R"("rollout":0.6)"));
  for (int user = 1; user <= 60; ++user)
    EXPECT_EQ(id_for(std::to_string(user)), unit_bucket(second, std::to_string(user)) < 0.6 ? second : first);
  EXPECT_EQ(*trial().find("mode")->as_string(), "rollout");
  EXPECT_EQ(*trial().find("share")->as_number(), 0.6);
  EXPECT_EQ(series("bundle_trial_share{mode=\"rollout\"}"), 0.6);
  EXPECT_GT(
      series("recommendation_exposures_total{endpoint=\"recommend_user\",variant=\"rollout\",experiment_variant=\"control\","
             "degrade_reason=\"none\"}"),
      n);
  EXPECT_EQ(store().current(), first);
}

TEST_F(TrialTest, ends_by_a_share_of_0_by_rollback_and_by_becoming_current) {
  const auto start = [&] { ASSERT_THAT(reload(order(R"("rollout":0.9999)")), HasSubstr("rollout")); };
  start();
  EXPECT_EQ(id_for("1"), second);
  EXPECT_EQ(reload(order(R"("rollout":0)")), "{\"status\":\"ended\",\"id\":\"" + second + "\"}");
  EXPECT_EQ(id_for("1"), first);
  EXPECT_THAT(reload(order(R"("rollout":0)")), HasSubstr("404: Not Found: bundle " + second + " is not tried"));
  start();
  EXPECT_EQ(site.admin("POST", "/models/rollback").body, "{\"status\":\"loaded\",\"id\":\"" + first + "\"}");
  EXPECT_EQ(id_for("1"), first);
  EXPECT_EQ(store().trial(), std::nullopt);
  start();
  EXPECT_THAT(reload(order(R"("rollout":1)")), HasSubstr("loaded"));
  EXPECT_EQ(*site.get_json("/recommend/user/1").find("algorithm_version")->as_string(), second);
  EXPECT_EQ(*site.get_json("/recommend/user/1").find("variant")->as_string(), "primary");
  EXPECT_EQ(store().trial(), std::nullopt);
  EXPECT_TRUE(trial().is_null());
  EXPECT_EQ(series("bundle_trial_share{mode=\"rollout\"}"), 0);
}

TEST_F(TrialTest, survives_a_restart_and_is_followed_in_the_store) {
  reload(order(R"("rollout":0.9999)"));
  site.stop();
  site.start();
  EXPECT_EQ(id_for("1"), second);
  store().end_trial();
  while (id_for("1") != first) std::this_thread::sleep_for(std::chrono::milliseconds(20));
  store().start_trial({second, bundle::TrialMode::kRollout, 0.9999, ""});
  while (id_for("1") != second) std::this_thread::sleep_for(std::chrono::milliseconds(20));
}

TEST_F(TrialTest, what_is_changed_in_the_store_is_in_the_audit_log) {
  site.stop();
  site.options.audit.file = site.folder.path() / "audit.jsonl";
  site.start();
  const auto wait_for_entries = [&](std::size_t n) {
    std::vector<std::string> out;
    while (out.size() < n) {
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
      out.clear();
      if (!fs::exists(site.options.audit.file)) continue;
      LineReader reader(site.options.audit.file);
      for (std::string line; reader.next(line);) {
        const json::Value entry = json::parse(line, "audit.jsonl");
        out.push_back(*entry.find("action")->as_string() + " by " + *entry.find("actor")->as_string() + ": " +
                      *entry.find("outcome")->as_string() + " " + json::format(*entry.find("arguments")));
      }
    }
    return out;
  };
  const auto quoted = [](const std::string& id) { return "\"" + id + "\""; };
  store().start_trial({second, bundle::TrialMode::kRollout, 0.5, "r7"});
  EXPECT_EQ(wait_for_entries(1).back(), "TRIAL file by file: done {\"bundle\":" + quoted(second) +
                                            R"(,"before":null,"mode":"rollout","share":0.5,"run_id":"r7"})");
  store().end_trial();
  EXPECT_EQ(wait_for_entries(2).back(), "TRIAL file by file: done {\"bundle\":null,\"before\":" + quoted(second) + "}");
  store().publish(second);
  EXPECT_EQ(wait_for_entries(3).back(),
            "CURRENT file by file: done {\"bundle\":" + quoted(second) + ",\"before\":" + quoted(first) + "}");
  store().rollback();
  EXPECT_EQ(wait_for_entries(4).back(),
            "CURRENT file by file: done {\"bundle\":" + quoted(first) + ",\"before\":" + quoted(second) + "}");
  write_file_atomic(store().folder() / "CURRENT", "nonsense\n");
  EXPECT_EQ(wait_for_entries(5).back(), "CURRENT file by file: refused {\"bundle\":null,\"before\":" + quoted(first) + "}");
  write_file_atomic(store().folder() / "TRIAL", "nonsense\n");
  EXPECT_EQ(wait_for_entries(6).back(), "TRIAL file by file: refused {\"bundle\":null,\"before\":null}");
  // What the server changes itself is noted as the call that it was.
  reload(order(R"("rollout":0.5)"));
  site.admin("POST", "/models/rollback");
  EXPECT_THAT(wait_for_entries(8).back(), HasSubstr("rollback by operator: done"));
}

TEST_F(TrialTest, a_shadow_answers_nobody_and_tells_how_far_it_is_apart) {
  EXPECT_THAT(reload(order(R"("mode":"shadow")")), HasSubstr("shadow"));
  const char* const targets[] = {"/similar/10",       "/recommend/user/100", "/recommend/detail/13?user_id=102&exclude=16",
                                 "/search?q=weather", "/hot/trending",       "/similar/10?filter=price%3C%3D10"};
  for (const char* target : targets) EXPECT_EQ(*site.get_json(target).find("algorithm_version")->as_string(), first) << target;
  while (*trial().find("n_compared")->as_int() + *trial().find("n_dropped")->as_int() < 6) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  const double overlap = *trial().find("overlap")->as_number();
  EXPECT_GT(overlap, 0);
  EXPECT_LT(overlap, 1);
  EXPECT_GT(*trial().find("rank_difference")->as_number(), 0);
  EXPECT_EQ(series("shadow_requests_total{result=\"compared\"}"), static_cast<double>(*trial().find("n_compared")->as_int()));
  EXPECT_EQ(series("bundle_trial_share{mode=\"shadow\"}"), 1);
  EXPECT_THAT(reload(order(R"("mode":"shadow","rollout":0)")), HasSubstr("ended"));
  EXPECT_TRUE(trial().is_null());
}

TEST_F(TrialTest, the_same_release_in_the_shadow_gives_the_same_lists) {
  const std::string twin = site.pack_sample(1);
  reload("{\"source\":\"" + twin + "\",\"mode\":\"shadow\"}");
  for (int i = 0; i < 5; ++i) site.get("/similar/1" + std::to_string(3 * i % 10));
  site.get("/recommend/user/100");
  while (*trial().find("n_compared")->as_int() < 1) std::this_thread::sleep_for(std::chrono::milliseconds(20));
  EXPECT_EQ(*trial().find("overlap")->as_number(), 1);
  EXPECT_EQ(*trial().find("rank_difference")->as_number(), 0);
  EXPECT_EQ(*trial().find("same_first")->as_number(), 1);
}

TEST_F(TrialTest, what_cannot_be_tried_is_refused_and_changes_nothing) {
  EXPECT_EQ(reload(R"({"mode":"shadow"})"),
            "422: Unprocessable Content: a shadow or a rollout below 1 needs source, the id of the bundle to try; GET /models "
            "lists them "
            "(source)");
  EXPECT_THAT(reload("{\"source\":\"" + first + "\",\"rollout\":0.5}"), HasSubstr("is the current one already"));
  const fs::path path = site.options.bundle_folder / second / "items.safetensors";
  fs::resize_file(path, 100);
  EXPECT_THAT(reload(order(R"("rollout":0.5)")), HasSubstr("409: Conflict: "));
  EXPECT_TRUE(trial().is_null());
  write_file_atomic(site.options.bundle_folder / "TRIAL", "{\"id\":1}\n");
  while (series("bundle_reloads_total{result=\"refused\"}") < 3) std::this_thread::sleep_for(std::chrono::milliseconds(20));
  EXPECT_EQ(id_for("1"), first);
  EXPECT_EQ(site.get("/health").status, 200);
}

TEST(CompareLists, counts_what_moved) {
  const auto ids = [](std::initializer_list<int> list) {
    std::vector<ItemId> out;
    for (const int id : list) out.push_back(ItemId(id));
    return out;
  };
  const auto compare = [&](std::initializer_list<int> a, std::initializer_list<int> b) { return compare_lists(ids(a), ids(b)); };
  EXPECT_EQ(compare({}, {}).overlap, 1);
  EXPECT_EQ(compare({1, 2, 3}, {1, 2, 3}).rank_difference, 0);
  EXPECT_TRUE(compare({1, 2, 3}, {1, 2, 3}).same_first);
  const ListDifference swapped = compare({1, 2, 3, 4}, {2, 1, 3, 4});
  EXPECT_EQ(swapped.overlap, 1);
  EXPECT_EQ(swapped.rank_difference, 0.5);
  EXPECT_FALSE(swapped.same_first);
  const ListDifference other = compare({1, 2}, {3});  // 1: 1 to 2, 2: 2 to 2, 3: 3 to 1
  EXPECT_EQ(other.overlap, 0);
  EXPECT_EQ(other.rank_difference, 1);
  EXPECT_FALSE(compare({1}, {}).same_first);
}

}  // namespace
}  // namespace lodestone::serving
