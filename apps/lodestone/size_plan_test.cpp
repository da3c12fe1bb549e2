#include "size_plan.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.hpp"

namespace lodestone::app {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr std::uint64_t kMiB = 1ULL << 20U;

/// A measured run: MiB of the peak of extract and of train, of the bundle, the lake and the server.
struct Measured {
  CatalogueSize size;
  double extract;
  double train;
  double bundle;
  double lake;
  double serve;
  bool with_ranker = false;
};

TEST(SizePlan, is_within_thirty_percent_of_what_was_measured) {
  // lodestone simulate --items --users --events --days 180 --seed 3, then extract, train and serve under time -f %M; the last ones with training.ranker.
  const Measured runs[] = {{{2'000, 200'000, 0}, 174, 104, 13, 13, 41},
                           {{5'000, 1'000'000, 0}, 256, 290, 33, 59, 62},
                           {{20'000, 2'000'000, 0}, 375, 483, 128, 122, 158},
                           {{50'000, 5'000'000, 0}, 457, 1016, 307, 316, 340},
                           {{100'000, 10'000'000, 0}, 588, 1891, 710, 632, 766},
                           {{2'000, 200'000, 0, 20'000}, 192, 491, 16, 20, 61, true},
                           {{5'000, 1'000'000, 0, 50'000}, 269, 680, 50, 60, 117, true},
                           {{20'000, 2'000'000, 0, 100'000}, 391, 868, 162, 163, 265, true}};
  for (const Measured& run : runs) {
    const SizePlan plan = plan_size(run.size, {.with_ranker = run.with_ranker});
    const auto expect_near = [&](std::uint64_t planned, double measured, const char* what) {
      const double ratio = static_cast<double>(planned) / static_cast<double>(kMiB) / measured;
      EXPECT_GT(ratio, 0.7) << what << " of " << run.size.items << " items";
      EXPECT_LT(ratio, 1.3) << what << " of " << run.size.items << " items";
    };
    expect_near(plan.extract, run.extract, "extract");
    expect_near(plan.train, run.train, "train");
    expect_near(plan.bundle, run.bundle, "bundle");
    expect_near(plan.lake, run.lake, "lake");
    expect_near(plan.serve, run.serve, "serve");
  }
}

TEST(SizePlan, knows_the_settings) {
  const CatalogueSize size{5'000, 1'000'000, 0};
  EXPECT_LT(plan_size(size, {.neighbors = 50}).bundle, plan_size(size, {}).bundle);
  EXPECT_LT(plan_size(size, {.max_ease_items = 0, .with_ranker = false}).train + 150 * kMiB,
            plan_size(size, {.with_ranker = false}).train);
  EXPECT_LE(plan_size({1000, 1'000'000'000, 0}, {}).extract, 1100 * kMiB);
  EXPECT_GT(plan_size({1, 0, 0}, {}).train, 0U);
}

TEST(Budget, that_is_enough_changes_nothing) {
  const BudgetedSettings fitted = fit_to_budget({5'000, 1'000'000, 0}, {}, 4096 * kMiB);
  EXPECT_EQ(fitted.settings, SizeSettings{});
  EXPECT_EQ(fitted.max_pairs, 0U);
  EXPECT_THAT(fitted.sentences, IsEmpty());
}

TEST(Budget, takes_the_dense_model_first_then_neighbours_then_the_oldest_pairs) {
  const CatalogueSize size{5'000, 1'000'000, 600'000};
  const SizeSettings plain{.with_ranker = false};
  const BudgetedSettings without_ease = fit_to_budget(size, plain, 200 * kMiB);
  EXPECT_EQ(without_ease.settings.max_ease_items, 0U);
  EXPECT_EQ(without_ease.settings.neighbors, 100U);
  EXPECT_THAT(without_ease.sentences, ElementsAre(HasSubstr("dense linear model is left out")));
  const BudgetedSettings shorter = fit_to_budget(size, plain, 125 * kMiB);
  EXPECT_LT(shorter.settings.neighbors, 100U);
  EXPECT_EQ(shorter.max_pairs, 0U);
  const BudgetedSettings fewer = fit_to_budget(size, plain, 90 * kMiB);
  EXPECT_EQ(fewer.settings.neighbors, 20U);
  EXPECT_GT(fewer.max_pairs, 100'000U);
  EXPECT_LT(fewer.max_pairs, 600'000U);
  CatalogueSize cut = size;
  cut.pairs = fewer.max_pairs;
  EXPECT_LE(plan_size(cut, fewer.settings).train, 90 * kMiB);
}

TEST(Budget, leaves_rankers_out_where_they_are_what_does_not_fit) {
  const CatalogueSize size{5'000, 1'000'000, 600'000};
  const BudgetedSettings fitted = fit_to_budget(size, {}, 400 * kMiB);
  EXPECT_FALSE(fitted.settings.with_ranker);
  EXPECT_GT(fitted.settings.max_ease_items, 0U) << "which saves nothing beside them";
  EXPECT_THAT(fitted.sentences, ElementsAre(HasSubstr("rankers are left out: otherwise training needs about")));
  const BudgetedSettings smaller = fit_to_budget(size, {}, 200 * kMiB);
  EXPECT_THAT(smaller.sentences, ElementsAre(HasSubstr("rankers are left out"), HasSubstr("dense linear model is left out")));
}

TEST(Budget, that_no_model_fits_in_is_refused_with_the_one_that_does) {
  try {
    (void)fit_to_budget({5'000, 1'000'000, 600'000}, {}, 20 * kMiB);
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.message(),
                HasSubstr("training.memory_mib allows 20 MiB, and 5000 items with a tenth of their 600000 pairs"));
  }
}

}  // namespace
}  // namespace lodestone::app
