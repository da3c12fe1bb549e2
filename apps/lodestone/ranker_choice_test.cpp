// Rankers learn what recall does not know, and are served only where they do.
#include "ranker_choice.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/log.hpp"
#include "base/rng.hpp"
#include "engine/ranking.hpp"
#include "engine/recommender.hpp"
#include "features/schema.hpp"
#include "tests/support/sample_ranking.hpp"
#include "training/content.hpp"
#include "training/ranker_config.hpp"

namespace lodestone::app {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr std::size_t kItems = 80;
constexpr std::int64_t kHour = 3'600'000'000;

/// People who touch items at random, dear ones ten times as often from hour 1000 on when `dear` tells which those are.
TrainingInteractions make_interactions(const std::vector<bool>& dear, std::uint64_t seed) {
  Rng rng(seed);
  TrainingInteractions all;
  all.matrix.n_items = kItems;
  for (std::size_t u = 0; u < 600; ++u) {
    std::vector<std::int64_t> at(kItems, -1);
    for (int k = 0; k < 12; ++k) at[rng.below(kItems)] = static_cast<std::int64_t>(rng.below(1000)) * kHour;
    for (int k = 0; k < 3; ++k) {
      const std::size_t item = rng.below(kItems);
      if (at[item] < 0 && (dear[item] || rng.chance(0.1))) at[item] = (1000 + static_cast<std::int64_t>(rng.below(100))) * kHour;
    }
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

class RankerChoiceTest : public ::testing::Test {
 protected:
  void SetUp() override {
    set_log_level(LogLevel::kOff);
    for (std::size_t i = 0; i < kItems; ++i) {
      models::Item& item = data_.items.emplace_back();
      item.id = ItemId(static_cast<std::int64_t>(i));
      item.title = "the same words for all";
    }
    data_.content = training::fit_content(data_.items, {});
    data_.text = training::build_text_index(data_.items, {});
    data_.trending.offsets.assign(models::kTrendingWindows + 1, 0);
    price_ = *features::find_feature(features::Group::kItem, "item_price");
    ranking_ = test::sample_ranking(data_, 3);
    for (std::size_t i = 0; i < kItems; ++i) dear_.push_back(price_of(i) > 4);
  }
  void TearDown() override { set_log_level(LogLevel::kInfo); }

  [[nodiscard]] float price_of(std::size_t item) const {
    return ranking_.items.values[item * ranking_.items.columns.size() + price_];
  }
  /// The features of the items are those of the test; those of users are drawn.
  SplitRelease split(const TrainingInteractions& interactions) {
    SplitOptions options;
    options.later_share = 0.08;
    options.folder = folder_.path();
    options.features = [&](const models::ReleaseData& before) {
      models::OwnedRanking made = test::sample_ranking(before, 5);
      made.items = ranking_.items;
      return made;
    };
    return {interactions, 1000 * kHour, fit_behavior(interactions, {}), data_, options};
  }
  static RankerOptions options() {
    RankerOptions out;
    out.configs = training::default_ranker_configs();
    out.configs.resize(2);
    out.max_features = 5;
    return out;
  }

  TemporaryFolder folder_;
  models::ReleaseData data_;
  models::OwnedRanking ranking_;
  std::size_t price_ = 0;
  std::vector<bool> dear_;
};

TEST_F(RankerChoiceTest, a_feature_that_decides_is_found_and_its_ranker_served) {
  const TrainingInteractions interactions = make_interactions(dear_, 1);
  const SplitRelease before = split(interactions);
  const RankerChoice choice = choose_rankers(before, {}, {}, options());
  ASSERT_FALSE(choice.rankers.empty()) << choice.reason;
  ASSERT_FALSE(choice.report.gains.empty());
  EXPECT_EQ(choice.report.gains.front().name, "item_price");
  EXPECT_LE(choice.report.gains.size(), 5U);
  for (const ComparedRanker& ranker : choice.report.rankers)
    EXPECT_GT(ranker.ndcg_at_10, choice.ndcg_at_10_of_recall * 1.2) << ranker.name;
  EXPECT_THAT(choice.columns.item, ::testing::Contains("item_price"));
  EXPECT_THAT(choice.labels, HasSubstr("no exposures yet"));
  const std::string card = format_model_card(choice, {{"item_price", 0.5}, {"item_views_all", 0.2}, {"user_view_count", 0}});
  EXPECT_THAT(card, AllOf(HasSubstr("`item_price`"), HasSubstr("| recall alone |"), HasSubstr("| `item_price` | 0.500 |"),
                          HasSubstr("of 3 features 2 are above 0.1 (moved) and 1 above 0.25")));
  EXPECT_THAT(format_model_card(choice, {}), HasSubstr("Not measured: "));
}

TEST_F(RankerChoiceTest, where_nothing_tells_recall_stays) {
  const TrainingInteractions interactions = make_interactions(std::vector<bool>(kItems, false), 2);
  const SplitRelease before = split(interactions);
  RankerOptions wanted = options();
  wanted.min_groups = 10;
  const RankerChoice choice = choose_rankers(before, {}, {}, wanted);
  EXPECT_TRUE(choice.rankers.empty());
  EXPECT_THAT(choice.reason, HasSubstr("no ranker is served: the best, "));
  wanted.min_groups = 100'000;
  EXPECT_THAT(choose_rankers(before, {}, {}, wanted).reason,
              AllOf(HasSubstr("no ranker is fitted"), HasSubstr("100000 are needed")));
}

TEST_F(RankerChoiceTest, does_not_depend_on_the_threads) {
  const TrainingInteractions interactions = make_interactions(dear_, 1);
  const SplitRelease before = split(interactions);
  RankerOptions one = options();
  one.threads = 1;
  RankerOptions two = options();
  two.threads = 2;
  const RankerChoice a = choose_rankers(before, {}, {}, one);
  const RankerChoice b = choose_rankers(before, {}, {}, two);
  ASSERT_EQ(a.rankers.size(), b.rankers.size());
  for (std::size_t r = 0; r < a.rankers.size(); ++r) EXPECT_EQ(a.rankers[r].text, b.rankers[r].text);
}

TEST_F(RankerChoiceTest, clicks_on_what_was_shown_count_where_there_are_enough) {
  // What people touch says nothing; of what they are shown they click cheap things, and what stands at the top.
  const TrainingInteractions interactions = make_interactions(std::vector<bool>(kItems, false), 2);
  const SplitRelease before = split(interactions);
  RankerOptions wanted = options();
  Rng rng(7);
  engine::Scratch scratch;
  engine::Page page;
  for (int r = 0; r < 900; ++r) {
    events::RankingGroup group;
    group.request_id = "req_" + std::to_string(r);
    group.user = UserId(static_cast<std::int64_t>(1000 + rng.below(600)));
    group.at = TimePoint(std::chrono::microseconds((1000 + r / 10) * kHour));
    engine::PageRequest request;
    request.kind = engine::PageKind::kUser;
    request.user = group.user;
    engine::recommend(before.release(), request, scratch, page);
    for (std::size_t k = 0; k < page.items.size(); ++k) {
      const auto item = static_cast<std::size_t>(page.items[k].item);
      const bool clicked = rng.chance((dear_[item] ? 0.05 : 0.8) / static_cast<double>(k + 1));
      group.samples.push_back({ItemId(static_cast<std::int64_t>(item)), static_cast<std::int32_t>(k + 1),
                               clicked ? events::Grade::kClick : events::Grade::kNone});
    }
    if (group.has_action()) wanted.exposures.push_back(group);
  }
  const RankerChoice choice = choose_rankers(before, {}, {}, wanted);
  EXPECT_THAT(choice.labels, HasSubstr("of what was shown, with the bias of its places taken out"));
  ASSERT_FALSE(choice.report.gains.empty());
  // Where recall put an item says whether it was shown at all; of what was shown the price decides.
  ASSERT_GE(choice.report.gains.size(), 2U);
  EXPECT_TRUE(choice.report.gains[0].name == "item_price" || choice.report.gains[1].name == "item_price");
  wanted.exposures.resize(50);
  EXPECT_THAT(choose_rankers(before, {}, {}, wanted).labels, HasSubstr("no exposures yet")) << "too few";
}

}  // namespace
}  // namespace lodestone::app
