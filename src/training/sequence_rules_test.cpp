#include "training/sequence_rules.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "base/error.hpp"
#include "base/rng.hpp"

namespace lodestone::training {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

/// Rows of items with their memory.
struct Owned {
  explicit Owned(std::size_t n) : n_items(n) {}
  std::size_t n_items;
  std::vector<std::uint64_t> offsets{0};
  std::vector<ItemIndex> items;

  Owned& add(std::initializer_list<ItemIndex> row) {
    items.insert(items.end(), row);
    offsets.push_back(items.size());
    return *this;
  }
  [[nodiscard]] models::Sequences view() const { return {n_items, offsets, items}; }
};

SequenceRulesOptions plain() {
  SequenceRulesOptions options;
  options.source_exponent = 0;
  options.target_exponent = 0;
  return options;
}

TEST(SequenceRules, weigh_by_the_distance_and_follow_the_order) {
  const Owned rows = Owned{3}.add({0, 1, 2}).add({0, 2});
  const models::OwnedNeighbours rules = fit_sequence_rules(rows.view(), plain());
  EXPECT_THAT(rules.view().row(0).items, ElementsAre(2, 1));
  EXPECT_THAT(rules.view().row(0).scores, ElementsAre(1.5F, 1.0F));
  EXPECT_THAT(rules.view().row(1).items, ElementsAre(2));
  EXPECT_THAT(rules.view().row(2).items, IsEmpty()) << "nothing came after it";
}

TEST(SequenceRules, do_not_reach_beyond_the_distance_nor_into_the_next_history) {
  const Owned rows = Owned{4}.add({0, 1, 2}).add({3});
  SequenceRulesOptions options = plain();
  options.max_distance = 1;
  const models::OwnedNeighbours rules = fit_sequence_rules(rows.view(), options);
  EXPECT_THAT(rules.view().row(0).items, ElementsAre(1));
  EXPECT_THAT(rules.view().row(2).items, IsEmpty());
}

TEST(SequenceRules, are_divided_by_powers_of_the_frequencies) {
  const Owned rows = Owned{2}.add({0, 1}).add({0, 1}).add({0}).add({0});
  SequenceRulesOptions options;
  options.source_exponent = 0.5;
  options.target_exponent = 1;
  EXPECT_FLOAT_EQ(fit_sequence_rules(rows.view(), options).scores.at(0), 2.0F / std::sqrt(4.0F) / 2.0F);
}

TEST(SequenceRules, count_backward_by_their_share) {
  const Owned rows = Owned{3}.add({0, 1, 2});
  SequenceRulesOptions options = plain();
  options.backward = 0.5;
  const models::OwnedNeighbours rules = fit_sequence_rules(rows.view(), options);
  EXPECT_THAT(rules.view().row(2).items, ElementsAre(1, 0));
  EXPECT_THAT(rules.view().row(2).scores, ElementsAre(0.5F, 0.25F));
}

TEST(SequenceRules, keep_a_repeated_item_as_its_own_successor) {
  const Owned rows = Owned{1}.add({0, 0, 0});
  const models::OwnedNeighbours rules = fit_sequence_rules(rows.view(), plain());
  EXPECT_THAT(rules.view().row(0).items, ElementsAre(0));
  EXPECT_THAT(rules.view().row(0).scores, ElementsAre(2.5F));
}

TEST(SequenceRules, keep_the_strongest_and_do_not_depend_on_the_threads) {
  Rng rng(5);
  Owned rows{40};
  for (int r = 0; r < 200; ++r) {
    for (int k = 0; k < 8; ++k) rows.items.push_back(static_cast<ItemIndex>(rng.below(40)));
    rows.offsets.push_back(rows.items.size());
  }
  SequenceRulesOptions options;
  options.neighbors = 5;
  options.threads = 1;
  const models::OwnedNeighbours one = fit_sequence_rules(rows.view(), options);
  options.threads = 3;
  const models::OwnedNeighbours three = fit_sequence_rules(rows.view(), options);
  EXPECT_EQ(one.items, three.items);
  EXPECT_EQ(one.scores, three.scores);
  EXPECT_EQ(one.view().row(0).items.size(), 5U);
  EXPECT_GE(one.view().row(0).scores[0], one.view().row(0).scores[4]);
}

TEST(SequenceRules, take_nothing_and_refuse_a_distance_of_nothing) {
  const Owned none{3};
  EXPECT_THAT(fit_sequence_rules(none.view(), {}).offsets, ElementsAre(0, 0, 0, 0));
  SequenceRulesOptions options;
  options.max_distance = 0;
  EXPECT_THROW((void)fit_sequence_rules(none.view(), options), Error);
}

}  // namespace
}  // namespace lodestone::training
