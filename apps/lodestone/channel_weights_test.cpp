// Weights are learned from what users did after a moment, and only from that.
#include "channel_weights.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/log.hpp"
#include "base/rng.hpp"
#include "training/content.hpp"

namespace lodestone::app {
namespace {

constexpr std::size_t kItems = 60;

/// Users who walk a ring of items in order: what comes next is plain from the order, and from nothing else.
TrainingInteractions walkers(std::size_t n_users, std::size_t n_steps) {
  Rng rng(8);
  TrainingInteractions all;
  all.matrix.n_items = kItems;
  for (std::size_t u = 0; u < n_users; ++u) {
    const std::size_t first = rng.below(kItems);
    const auto begin = static_cast<std::int64_t>(rng.below(20));
    std::vector<std::int64_t> at(kItems, -1);
    for (std::size_t k = 0; k < n_steps; ++k) at[(first + k) % kItems] = begin + static_cast<std::int64_t>(k);
    for (std::size_t i = 0; i < kItems; ++i) {
      if (at[i] < 0) continue;
      all.matrix.items.push_back(static_cast<ItemIndex>(i));
      all.matrix.weights.push_back(1);
      all.last_at.push_back(at[i]);
    }
    all.matrix.offsets.push_back(all.matrix.items.size());
    all.user_ids.push_back(static_cast<std::int64_t>(1000 + u));
  }
  return all;
}

class ChannelWeightsTest : public ::testing::Test {
 protected:
  void SetUp() override { set_log_level(LogLevel::kOff); }
  void TearDown() override { set_log_level(LogLevel::kInfo); }

  static models::ReleaseData shared() {
    models::ReleaseData data;
    for (std::size_t i = 0; i < kItems; ++i) {
      models::Item& item = data.items.emplace_back();
      item.id = ItemId(static_cast<std::int64_t>(i));
      item.title = "the same words for all";
      item.price = static_cast<double>(i % 7);
    }
    data.content = training::fit_content(data.items, {});
    data.text = training::build_text_index(data.items, {});
    data.trending.offsets.assign(models::kTrendingWindows + 1, 0);
    return data;
  }
  ChannelChoice learn(const TrainingInteractions& interactions, int threads) {
    SplitOptions options;
    options.folder = folder_.path();
    options.threads = threads;
    models::ReleaseData data = shared();
    ChannelChoice choice;
    if (const auto moment = split_moment(interactions, options.later_share)) {
      const SplitRelease split(interactions, *moment, fit_behavior(interactions, {}), data, options);
      choice = learn_channel_weights(split, {.threads = threads});
    }
    EXPECT_EQ(data.items.size(), kItems) << "what was lent is given back";
    EXPECT_EQ(data.content.offsets.size(), kItems + 1);
    EXPECT_TRUE(fs::is_empty(folder_.path())) << "nothing is left behind";
    return choice;
  }

  TemporaryFolder folder_;
};

TEST_F(ChannelWeightsTest, give_the_say_to_the_channel_that_knows_what_comes_next) {
  const ChannelChoice choice = learn(walkers(400, 12), 2);
  EXPECT_GT(choice.n_user_pages, 100U);
  EXPECT_GE(choice.n_item_pages, choice.n_user_pages);
  double sequence = 0;
  for (const ChannelTrial& trial : choice.alone) {
    if (trial.channel == "sequence") sequence = trial.ndcg_at_10;
    EXPECT_LE(trial.ndcg_at_10, choice.ndcg_at_10 * 1.02) << trial.channel;
  }
  EXPECT_EQ(choice.alone.size(), models::kWeightFields.size());
  EXPECT_GT(sequence, 0.6);
  EXPECT_GT(choice.weights.sequence, choice.weights.content);
  EXPECT_GE(choice.ndcg_at_10, choice.ndcg_at_10_of_defaults);
  EXPECT_GT(choice.weights.content, 0) << "new items have nothing else";
}

TEST_F(ChannelWeightsTest, do_not_depend_on_the_threads) {
  const TrainingInteractions interactions = walkers(150, 10);
  const ChannelChoice one = learn(interactions, 1);
  const ChannelChoice two = learn(interactions, 2);
  for (const models::WeightField& field : models::kWeightFields)
    EXPECT_EQ(one.weights.*field.field, two.weights.*field.field) << field.name;
  EXPECT_EQ(one.ndcg_at_10, two.ndcg_at_10);
}

TEST_F(ChannelWeightsTest, stay_at_the_defaults_where_too_little_happened) {
  for (const std::size_t n_users : {std::size_t{0}, std::size_t{1}, std::size_t{20}}) {
    const ChannelChoice choice = learn(walkers(n_users, 3), 1);
    EXPECT_EQ(choice.n_user_pages, 0U);
    for (const models::WeightField& field : models::kWeightFields)
      EXPECT_EQ(choice.weights.*field.field, models::ChannelWeights{}.*field.field) << field.name;
  }
}

}  // namespace
}  // namespace lodestone::app
