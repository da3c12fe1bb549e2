#include "training/content.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "base/hash.hpp"
#include "base/rng.hpp"

namespace lodestone::training {
namespace {

using models::Item;
using ::testing::ElementsAre;

Item make(std::int64_t id, std::string title, std::string description = "", std::vector<std::string> tags = {}) {
  Item item;
  item.id = ItemId(id);
  item.title = std::move(title);
  item.description = std::move(description);
  item.tags = std::move(tags);
  return item;
}

/// The Chinese and the English text of three real sources (FirstData, MIT), each as an item of its own, with some others around them.
std::vector<Item> bilingual() {
  return {
      make(1, "千人基因组计划", "千人基因组计划创建了最大的公开可用的人类基因变异目录，由国际基因组样本资源库(IGSR)维护。",
           {"genomics", "基因组"}),
      make(2, "1000 Genomes Project", "The largest public catalogue of human genetic variation, maintained by the IGSR.",
           {"genomics", "基因组"}),
      make(3, "AlphaFold蛋白质结构数据库", "由Google DeepMind与EMBL-EBI开发的蛋白质结构预测。",
           {"protein-structure", "alphafold"}),
      make(4, "AlphaFold Protein Structure Database", "Predicted protein structures by Google DeepMind and EMBL-EBI.",
           {"protein-structure", "alphafold"}),
      make(5, "欧洲核苷酸档案库", "ENA提供核苷酸测序信息，由EMBL-EBI运营。", {"nucleotide", "ena"}),
      make(6, "European Nucleotide Archive", "ENA provides nucleotide sequencing information, run by EMBL-EBI.",
           {"nucleotide", "ena"}),
      make(7, "全国气象站降水数据", "每日降水与气温。", {"气象"}),
      make(8, "Daily rainfall of weather stations", "Rain and temperature.", {"weather"}),
  };
}

TEST(Content, chinese_and_english_text_of_one_source_are_neighbours) {
  const models::OwnedNeighbours lists = fit_content(bilingual(), {});
  for (const ItemIndex item : {0, 2, 4}) {
    ASSERT_FALSE(lists.view().row(item).items.empty());
    EXPECT_EQ(lists.view().row(item).items[0], item + 1);
    EXPECT_EQ(lists.view().row(item + 1).items[0], item);
  }
}

TEST(Content, equal_texts_are_at_one_and_empty_ones_have_no_list) {
  const std::vector<Item> items{make(1, "Sea level"), make(2, ""), make(3, "sea LEVEL"), make(4, "<p> </p>"), make(5, "Sea ice")};
  const models::OwnedNeighbours lists = fit_content(items, {});
  EXPECT_THAT(lists.view().row(0).items, ElementsAre(2, 4));
  EXPECT_FLOAT_EQ(lists.view().row(0).scores[0], 1);
  EXPECT_TRUE(lists.view().row(1).items.empty());
  EXPECT_TRUE(lists.view().row(3).items.empty());
  EXPECT_TRUE(fit_content(std::vector<Item>{}, {}).items.empty());
}

TEST(Content, a_title_says_more_than_a_description) {
  const std::vector<Item> items{make(1, "coral", "reef fish counts here"), make(2, "coral", "land use maps there"),
                                make(3, "stones", "coral walls seen there"), make(4, "roads", "traffic speed"),
                                make(5, "ports", "ship calls")};
  EXPECT_THAT(fit_content(items, {}).view().row(0).items, ElementsAre(1, 2));
}

TEST(Content, vectors_hold_the_bm25_weights_scaled_to_length_one) {
  const std::vector<Item> items{make(1, "wind", "wind sun"), make(2, "sun")};
  const ContentVectors vectors = build_content_vectors(items, {});
  ASSERT_EQ(vectors.tokens.size(), 2U);
  // Item 1: wind 3 + 1, sun 1, length 5; item 2: sun 3, length 3; mean 4. idf: wind (df 1) ln(1 + 1.5/1.5), sun (df 2) ln(1 + .5/2.5).
  const double norm = 1.2 * (0.25 + 0.75 * 5 / 4);
  const double wind = std::log(2.0) * 4 * 2.2 / (4 + norm);
  const double sun = std::log(1.2) * 1 * 2.2 / (1 + norm);
  const double length = std::sqrt(wind * wind + sun * sun);
  const bool wind_first = xxh3("wind") < xxh3("sun");
  EXPECT_NEAR(vectors.rows.weights[wind_first ? 0 : 1], wind / length, 1e-6);
  EXPECT_NEAR(vectors.rows.weights[wind_first ? 1 : 0], sun / length, 1e-6);
  EXPECT_FLOAT_EQ(vectors.rows.weights[2], 1);
}

std::vector<Item> random_catalogue(std::size_t n) {
  Rng rng(5);
  std::vector<Item> items;
  for (std::size_t i = 0; i < n; ++i) {
    std::string title;
    for (int w = 0; w < 6; ++w) {
      const double r = rng.uniform();
      title += "w" + std::to_string(static_cast<int>(r * r * r * 400)) + " ";
    }
    items.push_back(make(static_cast<std::int64_t>(i), title));
  }
  return items;
}

TEST(Content, lists_equal_all_cosines_when_the_budget_lasts) {
  const std::vector<Item> items = random_catalogue(200);
  ContentOptions options;
  options.neighbors = 10;
  const ContentVectors vectors = build_content_vectors(items, options);
  const models::OwnedNeighbours lists = fit_content(vectors, options);
  for (std::size_t i = 0; i < items.size(); i += 9) {
    std::vector<float> cosines;
    const models::InteractionRow a = vectors.rows.row(i);
    for (std::size_t j = 0; j < items.size(); ++j) {
      const models::InteractionRow b = vectors.rows.row(j);
      float sum = 0;
      for (std::size_t x = 0; x < a.items.size(); ++x) {
        for (std::size_t y = 0; y < b.items.size(); ++y) sum += a.items[x] == b.items[y] ? a.weights[x] * b.weights[y] : 0;
      }
      if (j != i) cosines.push_back(sum);
    }
    std::sort(cosines.rbegin(), cosines.rend());
    const models::NeighbourRow row = lists.view().row(static_cast<ItemIndex>(i));
    for (std::size_t k = 0; k < 10; ++k) EXPECT_NEAR(k < row.items.size() ? row.scores[k] : 0, cosines[k], 1e-5);
  }
}

TEST(Content, a_small_budget_of_postings_still_gives_true_cosines) {
  const std::vector<Item> items = random_catalogue(200);
  ContentOptions options;
  options.neighbors = 10;
  const models::OwnedNeighbours full = fit_content(items, options);
  options.max_postings = 40;
  const models::OwnedNeighbours cut = fit_content(items, options);
  std::size_t equal_first = 0;
  for (ItemIndex i = 0; i < 200; ++i) {
    const models::NeighbourRow a = full.view().row(i);
    const models::NeighbourRow b = cut.view().row(i);
    if (b.items.empty()) continue;
    EXPECT_LE(b.scores[0], a.scores[0] + 1e-5F);
    equal_first += std::abs(a.scores[0] - b.scores[0]) < 1e-5F ? 1U : 0U;
  }
  EXPECT_GT(equal_first, 100U);
}

TEST(Content, is_the_same_for_any_number_of_threads) {
  const std::vector<Item> items = random_catalogue(300);
  ContentOptions options;
  options.threads = 1;
  const models::OwnedNeighbours one = fit_content(items, options);
  options.threads = 4;
  const models::OwnedNeighbours four = fit_content(items, options);
  EXPECT_EQ(one.items, four.items);
  EXPECT_EQ(one.scores, four.scores);
}

TEST(TextIndex, lists_the_items_of_each_token_with_ready_weights) {
  const std::vector<Item> items{make(1, "Rainfall"), make(2, "降水 rainfall data"), make(3, "降水")};
  const models::OwnedTextIndex index = build_text_index(items, {});
  EXPECT_TRUE(std::is_sorted(index.tokens.begin(), index.tokens.end()));
  const auto at = std::lower_bound(index.tokens.begin(), index.tokens.end(), xxh3("rainfall"));
  ASSERT_NE(at, index.tokens.end());
  const auto t = static_cast<std::size_t>(at - index.tokens.begin());
  ASSERT_EQ(index.offsets[t + 1] - index.offsets[t], 2U);
  EXPECT_EQ(index.items[index.offsets[t]], 0);
  EXPECT_EQ(index.items[index.offsets[t] + 1], 1);
  EXPECT_GT(index.weights[index.offsets[t]], index.weights[index.offsets[t] + 1]) << "the shorter item is about it";
}

TEST(Content, the_dense_form_gives_neighbours_that_share_no_token) {
  // "tide" and "harbour" texts meet in the third and fourth.
  const std::vector<Item> items{make(1, "tide gauge"),   make(2, "harbour quay"), make(3, "tide harbour"), make(4, "gauge quay"),
                                make(5, "wheat barley"), make(6, "barley rye"),   make(7, "rye wheat")};
  ContentOptions options;
  options.lsa.rank = 2;
  options.lsa.min_items = 1;
  const auto has = [](const models::OwnedNeighbours& lists, ItemIndex other) {
    const models::NeighbourRow row = lists.view().row(0);
    return std::find(row.items.begin(), row.items.end(), other) != row.items.end();
  };
  EXPECT_FALSE(has(fit_content(items, options), 1));
  options.dense_weight = 0.5;
  const models::OwnedNeighbours fused = fit_content(items, options);
  EXPECT_TRUE(has(fused, 1));
  EXPECT_FALSE(has(fused, 4));
}

TEST(Content, fused_lists_fall_and_keep_equal_texts_at_one_and_empty_ones_alone) {
  const std::vector<Item> items{make(1, "Sea level"), make(2, ""), make(3, "sea LEVEL"), make(4, "Sea ice"),
                                make(5, "Ice level")};
  ContentOptions options;
  options.dense_weight = 0.5;
  const models::OwnedNeighbours lists = fit_content(items, options);
  EXPECT_EQ(lists.view().row(0).items[0], 2);
  EXPECT_NEAR(lists.view().row(0).scores[0], 1, 1e-5);
  EXPECT_TRUE(lists.view().row(1).items.empty());
  for (ItemIndex i = 0; i < 5; ++i) {
    const models::NeighbourRow row = lists.view().row(i);
    for (std::size_t k = 0; k < row.scores.size(); ++k) {
      EXPECT_GT(row.scores[k], 0);
      EXPECT_LE(row.scores[k], k > 0 ? row.scores[k - 1] : 2);
    }
  }
  options.threads = 1;
  EXPECT_EQ(lists.scores, fit_content(items, options).scores);
}

}  // namespace
}  // namespace lodestone::training
