#include "training/lsa.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <span>
#include <vector>

#include "base/rng.hpp"

namespace lodestone::training {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::FloatNear;

/// Rows of length 1 over `n_tokens`, every token of a row with the same weight.
models::Interactions bags(std::size_t n_tokens, const std::vector<std::vector<ItemIndex>>& rows) {
  models::Interactions out;
  out.n_items = n_tokens;
  for (const auto& row : rows) {
    out.items.insert(out.items.end(), row.begin(), row.end());
    out.weights.insert(out.weights.end(), row.size(), 1 / std::sqrt(static_cast<float>(row.size())));
    out.offsets.push_back(out.items.size());
  }
  return out;
}

/// Items of `n_topics`, each with words of its topic and some of any.
models::Interactions topics(std::size_t n_items, std::size_t n_topics, std::size_t words_of_topic) {
  Rng rng(7);
  std::vector<std::vector<ItemIndex>> rows;
  for (std::size_t i = 0; i < n_items; ++i) {
    std::vector<ItemIndex> row;
    const std::size_t topic = i % n_topics;
    for (std::size_t w = 0; w < n_topics * words_of_topic; ++w) {
      if (rng.chance(w / words_of_topic == topic ? 0.2 : 0.01)) row.push_back(static_cast<ItemIndex>(w));
    }
    rows.push_back(row);
  }
  return bags(n_topics * words_of_topic, rows);
}

float cosine(const models::Interactions& rows, std::size_t a, std::size_t b) {
  float sum = 0;
  for (std::size_t i = 0; i < rows.row(a).items.size(); ++i) {
    for (std::size_t j = 0; j < rows.row(b).items.size(); ++j) {
      if (rows.row(a).items[i] == rows.row(b).items[j]) sum += rows.row(a).weights[i] * rows.row(b).weights[j];
    }
  }
  return sum;
}

TEST(Lsa, texts_without_a_shared_word_are_alike_through_the_words_between) {
  // 0 and 2 share nothing but what item 1 says with both; 3 to 5 are about something else.
  const models::Interactions rows = bags(6, {{0, 1}, {1, 2}, {2}, {3, 4}, {4, 5}, {3, 5}});
  LsaOptions options;
  options.rank = 2;
  options.min_items = 1;
  const LsaVectors lsa = fit_lsa(rows, options);
  ASSERT_EQ(lsa.rank, 2U);
  EXPECT_GT(dot(lsa.row(0), lsa.row(2)), 0.9F);
  EXPECT_THAT(dot(lsa.row(0), lsa.row(3)), FloatNear(0, 1e-4F));
}

TEST(Lsa, full_rank_keeps_every_cosine) {
  const models::Interactions rows = topics(60, 3, 20);
  LsaOptions options;
  options.min_items = 1;
  const LsaVectors lsa = fit_lsa(rows, options);
  EXPECT_LE(lsa.rank, 60U);
  for (std::size_t a = 0; a < 60; a += 7) {
    for (std::size_t b = 0; b < 60; ++b)
      EXPECT_NEAR(dot(lsa.row(a), lsa.row(b)), a == b ? 1 : cosine(rows, a, b), 2e-3) << a << b;
  }
}

TEST(Lsa, equal_texts_do_not_break_the_basis) {
  const std::vector<std::vector<ItemIndex>> same(50, {0, 1, 2});
  const LsaVectors lsa = fit_lsa(bags(3, same), {});
  EXPECT_EQ(lsa.rank, 1U);
  EXPECT_THAT(dot(lsa.row(0), lsa.row(49)), FloatNear(1, 1e-5F));
}

TEST(Lsa, texts_of_nothing_and_of_words_that_nobody_shares_have_no_vector_and_no_neighbour) {
  const LsaVectors lsa = fit_lsa(bags(5, {{0, 1}, {0, 1}, {}, {4}}), {});
  EXPECT_THAT(lsa.row(2), Each(0.0F));
  EXPECT_THAT(lsa.row(3), Each(0.0F));
  const models::OwnedNeighbours near = nearest_by_lsa(lsa, 3, 0.1F, 2);
  EXPECT_THAT(near.offsets, ElementsAre(0, 1, 2, 2, 2));
  EXPECT_EQ(fit_lsa(bags(4, {}), {}).rank, 0U);
  EXPECT_EQ(fit_lsa(bags(0, {{}, {}}), {}).rank, 0U);
}

TEST(Lsa, the_vocabulary_is_cut_to_the_words_of_most_items) {
  LsaOptions options;
  options.max_tokens = 1;
  const LsaVectors lsa = fit_lsa(bags(3, {{0, 1}, {1}, {1, 2}, {0}, {2}}), options);
  EXPECT_EQ(lsa.rank, 1U);
  EXPECT_THAT(lsa.row(3), Each(0.0F));
  EXPECT_THAT(std::abs(lsa.row(1)[0]), FloatNear(1, 1e-6F));
}

TEST(Lsa, the_result_does_not_depend_on_the_number_of_threads) {
  const models::Interactions rows = topics(2500, 5, 60);
  LsaOptions options;
  options.rank = 24;
  options.threads = 1;
  const LsaVectors one = fit_lsa(rows, options);
  options.threads = 3;
  const LsaVectors three = fit_lsa(rows, options);
  EXPECT_EQ(one.values, three.values);
  const models::OwnedNeighbours near = nearest_by_lsa(one, 10, 0.2F, 1);
  EXPECT_EQ(near.items, nearest_by_lsa(one, 10, 0.2F, 3).items);
  // Topic is what is left of the texts: nearly all neighbours have the item's own.
  std::size_t right = 0;
  for (std::size_t i = 0; i < 2500; ++i) {
    const models::NeighbourRow row = near.view().row(static_cast<ItemIndex>(i));
    for (std::size_t k = 0; k < row.items.size(); ++k) {
      right += static_cast<std::size_t>(row.items[k]) % 5 == i % 5 ? 1U : 0U;
      EXPECT_LE(row.scores[k], k > 0 ? row.scores[k - 1] : 2);
    }
  }
  EXPECT_GT(static_cast<double>(right), 0.97 * static_cast<double>(near.items.size()));
}

}  // namespace
}  // namespace lodestone::training
