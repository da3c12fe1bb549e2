// Guardrails: the test behind them, their counts, and a server that switches off what fares worse.
#include "serving/guardrails.hpp"

#include <fmt/core.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <thread>

#include "base/error.hpp"
#include "base/rng.hpp"
#include "bundle/store.hpp"
#include "serving/experiment_file.hpp"
#include "serving/sequential_evidence.hpp"
#include "tests/support/metrics_lint.hpp"
#include "tests/support/serving_site.hpp"

namespace lodestone::serving {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// Share of the runs that ever trip at `alpha`, looked at after each of `n` visitors, whose rates in the two arms have that ratio.
double share_tripped(double ratio, double tolerated, double alpha, int n_runs, int n, std::uint64_t seed, bool drop) {
  Rng rng(seed);
  const double share = share_at_ratio(0.5, 0.5, tolerated);
  const double chance = share_at_ratio(0.5, 0.5, ratio);
  const double limit = std::log(1 / alpha);
  int tripped = 0;
  for (int run = 0; run < n_runs; ++run) {
    std::uint64_t in = 0;
    for (std::uint64_t all = 1; all <= static_cast<std::uint64_t>(n); ++all) {
      in += rng.chance(chance) ? 1U : 0U;
      const double evidence = drop ? log_evidence_of_drop(in, all, share) : log_evidence_of_rise(in, all, share);
      if (evidence < limit) continue;
      ++tripped;
      break;
    }
  }
  return static_cast<double>(tripped) / n_runs;
}

/// An experiment with two variants that can be stopped, in a folder of its own.
struct StoppableExperiment {
  TemporaryFolder folder;
  fs::path path = folder.path() / "experiments.yaml";
  metrics::Registry registry;
  ServingMetrics metrics{registry};

  StoppableExperiment() {
    write_file_atomic(path, R"(
experiments:
  spread:
    status: active
    salt: s
    guardrails: {click_rate: {max_drop: 0.1}}
    variants: [{name: control, allocation: 0.4}, {name: a, allocation: 0.3}, {name: b, allocation: 0.3}]
)");
  }
  static void stop(ExperimentFile& file, const std::string& variant) {
    file.stop({"spread", variant, "click_rate", "too few clicks", {}, fingerprint_of(file.get()->experiments.all()[0])});
  }
  static std::vector<std::string> stopped_in(const ExperimentFile& file) {
    std::vector<std::string> out;
    for (const ExperimentVariant& variant : file.get()->experiments.all().at(0).variants) {
      if (!variant.stopped.empty()) out.push_back(variant.name);
    }
    return out;
  }
  std::vector<std::string> stopped_after_restart() {
    ExperimentFile again(path, metrics);
    again.look();
    return stopped_in(again);
  }
};

TEST(StoppedVariants, of_two_both_stay_off_after_a_restart) {
  StoppableExperiment site;
  ExperimentFile file(site.path, site.metrics);
  file.look();
  ASSERT_EQ(file.problem(), std::nullopt);
  for (const char* name : {"a", "b"}) StoppableExperiment::stop(file, name);
  EXPECT_THAT(StoppableExperiment::stopped_in(file), ElementsAre("a", "b"));
  EXPECT_THAT(site.stopped_after_restart(), ElementsAre("a", "b"));
}

TEST(StoppedVariants, of_two_servers_in_one_folder_stay_off_on_both) {
  StoppableExperiment site;
  ExperimentFile one(site.path, site.metrics);
  ExperimentFile other(site.path, site.metrics);
  one.look();
  other.look();
  StoppableExperiment::stop(one, "a");
  StoppableExperiment::stop(other, "b");
  EXPECT_THAT(site.stopped_after_restart(), ElementsAre("a", "b"));
  one.look();
  other.look();
  EXPECT_THAT(StoppableExperiment::stopped_in(one), ElementsAre("a", "b"));
  EXPECT_THAT(StoppableExperiment::stopped_in(other), ElementsAre("a", "b"));
}

TEST(StoppedVariants, are_saved_once_their_file_can_be_written) {
  StoppableExperiment site;
  ExperimentFile file(site.path, site.metrics);
  file.look();
  fs::create_directory(file.stopped_file());  // no file can be put there
  StoppableExperiment::stop(file, "a");
  EXPECT_THAT(StoppableExperiment::stopped_in(file), ElementsAre("a"));
  file.look();
  fs::remove(file.stopped_file());
  file.look();
  EXPECT_THAT(site.stopped_after_restart(), ElementsAre("a"));
}

TEST(StoppedVariants, stay_off_when_the_experiments_are_read_again_before_they_are_saved) {
  StoppableExperiment site;
  ExperimentFile file(site.path, site.metrics);
  file.look();
  fs::create_directory(fs::path(file.stopped_file()) += ".lock");  // it can be read, and not be written
  StoppableExperiment::stop(file, "a");
  write_file_atomic(site.path, read_file(site.path) + "\n");
  file.look();
  ASSERT_EQ(file.problem(), std::nullopt);
  EXPECT_THAT(StoppableExperiment::stopped_in(file), ElementsAre("a"));
}

TEST(StoppedVariants, more_variants_than_can_be_watched_are_refused) {
  TemporaryFolder folder;
  std::string text =
      "experiments:\n  wide:\n    status: active\n    salt: s\n    guardrails: {click_rate: {max_drop: 0.1}}\n    variants:\n"
      "      - {name: control, allocation: 0.01}\n";
  for (int v = 0; v < 32; ++v) text += fmt::format("      - {{name: v{}, allocation: 0.01}}\n", v);
  write_file_atomic(folder.path() / "experiments.yaml", text);
  metrics::Registry registry;
  ServingMetrics metrics(registry);
  ExperimentFile file(folder.path() / "experiments.yaml", metrics);
  file.look();
  EXPECT_THAT(file.problem().value_or(""), HasSubstr("has 33 variants, with guardrails at most 32 are watched"));
}

TEST(SequentialTest, looking_thousands_of_times_trips_no_oftener_than_alpha) {
  // 1,000 runs of 3,000 looks each; at a true chance of alpha or less, 0.05 + 3 standard errors is 0.07.
  EXPECT_LE(share_tripped(1, 1, 0.05, 1000, 3000, 1, true), 0.07);
  EXPECT_LE(share_tripped(1, 1, 0.05, 1000, 3000, 2, false), 0.07);
  EXPECT_LE(share_tripped(0.9, 0.9, 0.05, 1000, 3000, 3, true), 0.07);  // just what is tolerated
  EXPECT_LE(share_tripped(1.3, 1, 0.05, 300, 3000, 4, true), 0.01);     // better than control is no drop
  EXPECT_LE(share_tripped(0.7, 1, 0.05, 300, 3000, 5, false), 0.01);
}

TEST(SequentialTest, a_rate_that_is_halved_is_found) {
  EXPECT_GE(share_tripped(0.5, 0.9, 0.01, 200, 400, 6, true), 0.95);
  EXPECT_GE(share_tripped(2, 1.1, 0.01, 200, 400, 7, false), 0.95);
  EXPECT_GE(share_tripped(50, 1.1, 0.01, 200, 25, 8, false), 0.95);
}

TEST(SequentialTest, says_nothing_where_nothing_happened) {
  EXPECT_EQ(log_evidence_of_drop(0, 0, 0.5), 0);
  EXPECT_EQ(log_evidence_of_rise(0, 0, 0.5), 0);
  EXPECT_EQ(log_evidence_of_drop(0, 10, 0), 0);
  EXPECT_TRUE(std::isfinite(log_evidence_of_drop(0, 100'000'000, 0.5)));
}

GuardrailTerms terms(std::vector<Guardrail> guardrails, double alpha = 0.05, std::uint64_t min_exposures = 1) {
  return {std::move(guardrails), alpha, min_exposures};
}

TEST(GuardrailWatchTest, counts_each_visitor_once_and_only_those_who_were_shown_something) {
  GuardrailWatch watch(terms({{GuardrailKind::kClickRate, 0.1}, {GuardrailKind::kSlowRate, 0.1, 0.5}}),
                       {{"control", 0.5}, {"b", 0.5}});
  watch.clicked(1, 1);  // no list yet
  for (int n = 0; n < 3; ++n) watch.answered(1, 1, {.seconds = n == 2 ? 0.6 : 0.1});
  watch.answered(2, 0, {});
  for (int n = 0; n < 3; ++n) watch.clicked(1, 1);
  watch.clicked(2, 0);
  watch.clicked(3, 0);
  watch.ordered(1, 1);  // nobody asks
  const std::vector<GuardrailReading> readings = watch.readings();
  ASSERT_EQ(readings.size(), 2U);
  EXPECT_EQ(readings[0].n_exposed, 1U);
  EXPECT_EQ(readings[0].n_control_exposed, 1U);
  EXPECT_EQ(readings[0].n_arm, 1U);
  EXPECT_EQ(readings[0].n_control, 1U);
  EXPECT_EQ(readings[1].n_arm, 1U);
  EXPECT_EQ(readings[1].n_control, 0U);
  EXPECT_THAT(watch.describe(readings[0]), HasSubstr("click_rate: 1 of 1 visitors of b, 1 of 1 of control; evidence "));
}

TEST(GuardrailWatchTest, waits_for_the_visitors_it_was_told_to) {
  for (const std::uint64_t min_exposures : {50U, 51U}) {
    GuardrailWatch watch(terms({{GuardrailKind::kErrorRate, 0.1}}, 0.05, min_exposures), {{"control", 0.5}, {"b", 0.5}});
    for (std::uint64_t unit = 0; unit < 50; ++unit) watch.answered(unit, 1, {.is_error = true});
    EXPECT_EQ(watch.readings()[0].is_tripped, min_exposures == 50);
  }
}

TEST(GuardrailWatchTest, many_threads_count_a_visitor_once) {
  GuardrailWatch watch(terms({{GuardrailKind::kDegradedRate, 0.1}}), {{"control", 0.5}, {"b", 0.5}});
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (std::uint64_t unit = 0; unit < 5000; ++unit) watch.answered(unit, unit % 2, {.is_degraded = true});
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(watch.readings()[0].n_exposed, 2500U);
  EXPECT_EQ(watch.readings()[0].n_arm, 2500U);
}

constexpr std::string_view kFile = R"(
experiments:
  mix:
    status: active
    salt: s1
    guardrails: {click_rate: {max_drop: 0.1}, alpha: 0.05, min_exposures: 20}
    variants:
      - {name: control, allocation: 0.5}
      - {name: bad, allocation: 0.5, parameters: {diversity: 1}}
)";

std::string failure_of(std::string_view guardrails) {
  std::string text(kFile);
  const std::string before = "{click_rate: {max_drop: 0.1}, alpha: 0.05, min_exposures: 20}";
  text.replace(text.find(before), before.size(), guardrails);
  try {
    static_cast<void>(Experiments::parse(text, "experiments.yaml"));
  } catch (const Error& error) {
    return std::string(error.message());
  }
  return "none";
}

TEST(GuardrailsOfExperiments, are_read_strictly) {
  const Experiments read = Experiments::parse(kFile, "a");
  EXPECT_EQ(read.all()[0].guardrails.guardrails.size(), 1U);
  EXPECT_EQ(read.all()[0].guardrails.alpha, 0.05);
  EXPECT_EQ(failure_of("{slow_rate: {max_rise: 2, seconds: 0.05}, order_rate: {max_drop: 0}}"), "none");
  EXPECT_THAT(failure_of("{click_rat: {max_drop: 0.1}}"), HasSubstr("did you mean \"click_rate\"?"));
  EXPECT_THAT(failure_of("{click_rate: {max_rise: 0.1}}"), HasSubstr("max_drop: is missing"));
  EXPECT_THAT(failure_of("{click_rate: {max_drop: 1}}"), HasSubstr("1 is outside 0..0.99"));
  EXPECT_THAT(failure_of("{error_rate: {max_rise: -1}, alpha: 2}"), AllOf(HasSubstr("-1 is outside"), HasSubstr("2 is outside")));
  EXPECT_THAT(failure_of("{alpha: 0.1}"), HasSubstr("there is no guardrail"));
  EXPECT_THAT(failure_of("[1]"), HasSubstr("guardrails are a map"));
  EXPECT_THAT(failure_of("{click_rate: 0.1}"), HasSubstr("a guardrail is a map"));
  std::string no_control(kFile);
  no_control.replace(no_control.find("name: control"), 13, "name: contrast");
  try {
    static_cast<void>(Experiments::parse(no_control, "a"));
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(std::string(error.message()), HasSubstr("guardrails compare with the variant control, which is missing"));
  }
}

class GuardrailsOverHttp : public ::testing::Test {
 protected:
  void SetUp() override {
    site.publish(site.pack_sample(1));
    site.options.experiments_file = site.folder.path() / "experiments.yaml";
    site.options.audit.file = site.folder.path() / "audit.jsonl";
    site.options.events.events_per_second = 0;
  }
  void start(std::string_view file) {
    write_file_atomic(site.options.experiments_file, file);
    site.start();
  }
  /// Gives each user from..to a list, and a click to those that `clicks` says.
  template <typename Clicks>
  void visit(int from, int to, Clicks clicks) {
    std::string events = "[";
    for (int user = from; user < to; ++user) {
      const json::Value answer = site.get_json(fmt::format("/recommend/user/{}", user));
      if (!clicks(user, answer)) continue;
      events += fmt::format(
          R"({}{{"event_id":"c{}","kind":"click","user_id":{},"dataset_id":10,"at":"2026-11-24T09:30:00Z","request_id":"{}"}})",
          events.size() > 1 ? "," : "", user, user, *answer.find("request_id")->as_string());
    }
    ASSERT_EQ(site.post("/events", events + "]").status, 202);
  }
  json::Value experiment() {
    return (*json::parse(site.admin("GET", "/experiments").body, "experiments").find("experiments")->as_array())[0];
  }
  std::string variant(int user) {
    return *site.get_json(fmt::format("/recommend/user/{}", user)).find("experiment_variant")->as_string();
  }
  static bool is_bad(int user) { return unit_bucket("s1", std::to_string(user)) >= 0.5; }
  double series(const std::string& name) { return test::parse_metrics(site.admin("GET", "/metrics").body)[name]; }
  static void pause() { std::this_thread::sleep_for(std::chrono::milliseconds(20)); }

  test::ServingSite site;
};

TEST_F(GuardrailsOverHttp, a_variant_that_nobody_clicks_is_switched_off_and_stays_off) {
  start(kFile);
  int bad_user = 1000;
  while (!is_bad(bad_user)) ++bad_user;
  EXPECT_EQ(variant(bad_user), "bad");
  visit(1000, 1200, [](int user, const json::Value& answer) {
    EXPECT_EQ(*answer.find("experiment_variant")->as_string(), is_bad(user) ? "bad" : "control");
    return !is_bad(user);
  });
  while (variant(bad_user) != "control") pause();
  const json::Value told = experiment();
  EXPECT_THAT(*(*told.find("variants")->as_array())[1].find("stopped")->as_string(), HasSubstr("click_rate: 0 of "));
  EXPECT_TRUE(*(*told.find("guardrails")->as_array())[0].find("tripped")->as_bool());
  EXPECT_EQ(series("guardrail_tripped_total{experiment=\"mix\",variant=\"bad\",guardrail=\"click_rate\"}"), 1);
  EXPECT_THAT(read_file(site.options.audit.file),
              AllOf(HasSubstr(R"("action":"guardrail","actor":"server")"), HasSubstr(R"("variant":"bad")")));
  site.stop();
  site.start();  // a restart is no second try
  EXPECT_EQ(variant(bad_user), "control");
  // Another salt is another experiment.
  std::string next(kFile);
  next.replace(next.find("salt: s1"), 8, "salt: s2");
  write_file_atomic(site.options.experiments_file, next);
  int other = 1000;
  while (unit_bucket("s2", std::to_string(other)) < 0.5) ++other;
  while (variant(other) != "bad") pause();
}

TEST_F(GuardrailsOverHttp, a_variant_like_control_goes_on) {
  start(kFile);
  visit(1000, 1400, [](int user, const json::Value&) { return user % 3 == 0; });
  while (true) {
    const json::Value told = experiment();
    const json::Value& reading = (*told.find("guardrails")->as_array())[0];
    if (*reading.find("visitors")->as_int() + *reading.find("control_visitors")->as_int() < 133) {
      pause();
      continue;
    }
    EXPECT_FALSE(*reading.find("tripped")->as_bool());
    EXPECT_EQ(*reading.find("of")->as_int() + *reading.find("control_of")->as_int(), 400);
    EXPECT_GT(*reading.find("trips_at")->as_number(), *reading.find("evidence")->as_number());
    break;
  }
  EXPECT_TRUE((*experiment().find("variants")->as_array())[1].find("stopped")->is_null());
}

TEST_F(GuardrailsOverHttp, a_file_that_changes_elsewhere_keeps_the_counts) {
  start(kFile);
  visit(1000, 1020, [](int, const json::Value&) { return true; });
  write_file_atomic(site.options.experiments_file,
                    std::string(kFile) + "  other: {status: paused, variants: [{name: control, allocation: 1}]}\n");
  while (json::parse(site.admin("GET", "/experiments").body, "e").find("experiments")->as_array()->size() < 2) pause();
  const json::Value told = experiment();
  const json::Value& reading = (*told.find("guardrails")->as_array())[0];
  EXPECT_EQ(*reading.find("of")->as_int() + *reading.find("control_of")->as_int(), 20);
}

TEST_F(GuardrailsOverHttp, a_rollout_that_nobody_clicks_ends) {
  site.options.rollout_limits = {.max_drop = 0.1, .alpha = 0.05, .min_exposures = 20};
  const std::string second = site.pack_sample(2);
  start("");
  ASSERT_EQ(site.admin("POST", "/models/reload", "{\"source\":\"" + second + "\",\"rollout\":0.5}").status, 200);
  const auto trial = [&] { return *json::parse(site.admin("GET", "/models").body, "models").find("trial"); };
  EXPECT_EQ(trial().find("guardrails")->as_array()->size(), 2U);  // clicks and orders
  visit(1000, 1200, [](int, const json::Value& answer) { return *answer.find("variant")->as_string() == "primary"; });
  while (!trial().is_null()) pause();
  EXPECT_FALSE(bundle::BundleStore(site.options.bundle_folder).trial().has_value());
  EXPECT_THAT(read_file(site.options.audit.file), HasSubstr("click_rate: 0 of "));
  EXPECT_EQ(series("guardrail_tripped_total{experiment=\"rollout\",variant=\"" + second + "\",guardrail=\"click_rate\"}"), 1);
}

TEST_F(GuardrailsOverHttp, a_rollout_like_the_current_bundle_goes_on) {
  site.options.rollout_limits = {.max_drop = 0.1, .max_rise = 0.1, .alpha = 0.05, .min_exposures = 20};
  const std::string second = site.pack_sample(2);
  start("");
  ASSERT_EQ(site.admin("POST", "/models/reload", "{\"source\":\"" + second + "\",\"rollout\":0.5}").status, 200);
  visit(1000, 1300, [](int user, const json::Value&) { return user % 2 == 0; });
  for (int n = 0; n < 10; ++n) pause();
  const json::Value models = json::parse(site.admin("GET", "/models").body, "models");
  EXPECT_EQ(*models.find("trial")->find("id")->as_string(), second);
}

TEST_F(GuardrailsOverHttp, an_order_brings_limits_of_its_own) {
  site.options.rollout_limits = {.max_drop = 0.1, .max_rise = 0.1};
  const std::string second = site.pack_sample(2);
  start("");
  const auto n_watched = [&](const std::string& more) {
    const auto answer = site.admin("POST", "/models/reload", "{\"source\":\"" + second + "\",\"rollout\":0.5" + more + "}");
    EXPECT_EQ(answer.status, 200) << answer.body;
    const json::Value models = json::parse(site.admin("GET", "/models").body, "models");
    const json::Value* watched = models.find("trial")->find("guardrails");
    return watched == nullptr ? 0 : watched->as_array()->size();
  };
  EXPECT_EQ(n_watched(""), 5U);
  EXPECT_EQ(n_watched(",\"max_drop\":1"), 3U);
  EXPECT_EQ(n_watched(",\"max_drop\":1,\"max_rise\":100"), 0U);
  EXPECT_EQ(test::problem_text(site.admin("POST", "/models/reload", "{\"source\":\"" + second + "\",\"max_drop\":2}")),
            "422: Unprocessable Content: max_drop is 2, expected a number from 0 to 1 (max_drop)");
}

}  // namespace
}  // namespace lodestone::serving
