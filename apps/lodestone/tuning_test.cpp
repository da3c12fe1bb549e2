#include "tuning.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.hpp"
#include "base/log.hpp"
#include "base/rng.hpp"

namespace lodestone::app {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

/// Users of four tastes of 15 items, the popular ones of each more often.
TrainingInteractions tastes(std::size_t n_users) {
  Rng rng(5);
  TrainingInteractions all;
  all.matrix.n_items = 60;
  for (std::size_t u = 0; u < n_users; ++u) {
    const std::size_t taste = rng.below(4);
    std::vector<bool> has(60);
    for (int k = 0; k < 8; ++k) has[rng.chance(0.2) ? rng.below(60) : taste * 15 + std::min(rng.below(15), rng.below(15))] = true;
    for (std::size_t i = 0; i < 60; ++i) {
      if (!has[i]) continue;
      all.matrix.items.push_back(static_cast<ItemIndex>(i));
      all.matrix.weights.push_back(1);
      all.last_at.push_back(static_cast<std::int64_t>(rng.below(1000)));
    }
    all.matrix.offsets.push_back(all.matrix.items.size());
    all.user_ids.push_back(static_cast<std::int64_t>(u));
  }
  return all;
}

class TuningTest : public ::testing::Test {
 protected:
  void SetUp() override { set_log_level(LogLevel::kOff); }
  void TearDown() override { set_log_level(LogLevel::kInfo); }

  static TuneResult run(std::size_t trials, std::uint64_t seed, int threads) {
    BehaviorOptions behavior;
    behavior.threads = threads;
    TuneOptions options;
    options.trials = trials;
    options.seed = seed;
    return tune_behavior(tastes(200), behavior, options);
  }
  static std::vector<std::string> proposals(const TuneResult& result) {
    std::vector<std::string> out;
    for (const TuneTrial& trial : result.trials) out.push_back(trial.settings.method + " " + trial.settings.text());
    return out;
  }
  TemporaryFolder folder_;
};

TEST_F(TuningTest, the_same_seed_gives_the_same_trials_on_any_number_of_threads) {
  const TuneResult one = run(14, 7, 1);
  const TuneResult two = run(14, 7, 2);
  EXPECT_EQ(proposals(one), proposals(two));
  EXPECT_EQ(one.best, two.best);
  EXPECT_EQ(one.trials[one.best].ndcg_at_10, two.trials[two.best].ndcg_at_10);
  EXPECT_NE(proposals(one), proposals(run(14, 8, 1)));
}

TEST_F(TuningTest, fewer_trials_are_the_first_of_more_and_more_are_never_worse) {
  const TuneResult few = run(9, 7, 2);
  const TuneResult many = run(14, 7, 2);
  EXPECT_THAT(few.trials, SizeIs(9));
  const std::vector<std::string> all = proposals(many);
  EXPECT_EQ(proposals(few), std::vector<std::string>(all.begin(), all.begin() + 9));
  EXPECT_GE(many.trials[many.best].ndcg_at_10, few.trials[few.best].ndcg_at_10);
  for (const TuneTrial& trial : many.trials) EXPECT_LE(trial.ndcg_at_10, many.trials[many.best].ndcg_at_10);
}

TEST_F(TuningTest, no_time_leaves_what_every_training_tries) {
  TuneOptions options;
  options.budget = std::chrono::seconds(0);
  const TuneResult result = tune_behavior(tastes(100), {}, options);
  EXPECT_EQ(result.trials.size(), result.n_usual);
  EXPECT_EQ(result.n_usual, 9U);
}

TEST_F(TuningTest, what_was_found_is_kept_and_tried_again) {
  const TuneResult result = run(14, 7, 2);
  save_tuned(result, folder_.path() / "tuned.json");
  const std::vector<BehaviorSettings> loaded = load_tuned(folder_.path() / "tuned.json");
  ASSERT_THAT(loaded, SizeIs(1));
  EXPECT_EQ(loaded[0].method, result.trials[result.best].settings.method);
  EXPECT_EQ(loaded[0].text(), result.trials[result.best].settings.text());
  BehaviorOptions options;
  options.further = loaded;
  const BehaviorModel model = fit_behavior(tastes(200), options);
  EXPECT_NEAR(model.trials[0].ndcg_at_10, result.trials[result.best].ndcg_at_10, 1e-6);
}

TEST_F(TuningTest, a_damaged_file_is_refused_with_the_way_out) {
  EXPECT_THAT(load_tuned(folder_.path() / "tuned.json"), IsEmpty());
  for (const char* text :
       {"{}", R"({"method": "pop"})", R"({"method": "ease", "lambda": -1, "user_exponent": 0, "item_exponent": 0})",
        R"({"method": "itemknn-tfidf"})"}) {
    write_file_atomic(folder_.path() / "tuned.json", text);
    try {
      (void)load_tuned(folder_.path() / "tuned.json");
      FAIL() << text;
    } catch (const Error& error) {
      EXPECT_THAT(error.message(), HasSubstr("remove it or run lodestone train --tune again")) << text;
    }
  }
}

TEST_F(TuningTest, the_page_shows_every_trial) {
  const TuneResult result = run(10, 7, 2);
  write_tuning_page(result, folder_.path() / "tuning.html");
  const std::string page = read_file(folder_.path() / "tuning.html");
  std::size_t dots = 0;
  for (std::size_t at = page.find("<circle"); at != std::string::npos; at = page.find("<circle", at + 1)) ++dots;
  EXPECT_EQ(dots, 10U);
  EXPECT_THAT(page, HasSubstr(result.trials[result.best].settings.text()));
}

TEST_F(TuningTest, histories_of_one_item_are_refused_with_the_reason) {
  TrainingInteractions lonely;
  lonely.matrix.n_items = 2;
  lonely.matrix.items = {0};
  lonely.matrix.weights = {1};
  lonely.matrix.offsets = {0, 1};
  lonely.last_at = {0};
  EXPECT_THROW((void)tune_behavior(lonely, {}, {}), Error);
}

}  // namespace
}  // namespace lodestone::app
