#include "evaluate_ltr.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/log.hpp"
#include "base/rng.hpp"

namespace lodestone::app {
namespace {

using ::testing::HasSubstr;

class EvaluateLtr : public ::testing::Test {
 protected:
  void SetUp() override { set_log_level(LogLevel::kOff); }
  void TearDown() override { set_log_level(LogLevel::kInfo); }

  /// Groups of eight rows; feature 2 says the grade, features 1 and 3 nothing.
  void write_part(const std::string& name, std::size_t n_groups, std::uint64_t seed) {
    Rng rng(seed);
    std::string rows;
    std::string groups;
    for (std::size_t g = 0; g < n_groups; ++g) {
      for (int r = 0; r < 8; ++r) {
        const std::uint64_t grade = rng.below(3);
        rows += fmt::format("{} 1:{:.3f} 2:{:.3f} 3:{:.3f}\n", grade, rng.uniform(),
                            static_cast<double>(grade) + 0.3 * rng.normal(), rng.uniform());
      }
      groups += "8\n";
    }
    write_file_atomic(folder_.path() / name, rows);
    write_file_atomic(folder_.path() / (name + ".groups"), groups);
  }

  std::vector<evaluation::MethodResult> run(const std::string& method) {
    write_file_atomic(
        folder_.path() / "dataset.yaml",
        "version: 1\nname: grades\nkind: ltr\nfiles:\n  train: {path: train, format: svmlight, groups: train.groups}\n"
        "  test: {path: test, format: svmlight, groups: test.groups}\n"
        "protocol: {split: given, k: [1, 5], metrics: [ndcg, auc]}\n");
    evaluation::EvaluateOptions options;
    options.threads = 1;
    return evaluate_ltr(evaluation::load_dataset_spec(folder_.path()), method, options);
  }

  TemporaryFolder folder_;
};

TEST_F(EvaluateLtr, auto_is_lambdarank_and_learns_the_feature_that_says_something) {
  write_part("train", 40, 1);
  write_part("test", 20, 2);
  const auto results = run("auto,all");
  ASSERT_EQ(results.size(), 2U);
  EXPECT_EQ(results[0].method, "auto");
  EXPECT_EQ(results[0].settings, "lambdarank: trees=100 leaves=31 rate=0.1");
  EXPECT_EQ(results[1].method, "lambdarank");
  EXPECT_EQ(results[1].settings, "trees=100 leaves=31 rate=0.1");
  ASSERT_EQ(results[0].metrics.size(), 3U);
  EXPECT_EQ(results[0].metrics[1].name, "ndcg@5");
  EXPECT_GT(results[0].metrics[1].value, 0.9);
  EXPECT_GT(results[0].metrics[2].value, 0.9);
  for (std::size_t m = 0; m < 3; ++m) EXPECT_EQ(results[0].metrics[m].value, results[1].metrics[m].value);
  EXPECT_EQ(results[0].users, 20U);
}

TEST_F(EvaluateLtr, another_method_is_refused_and_the_nearest_named) {
  write_part("train", 1, 1);
  write_part("test", 1, 2);
  for (const auto& [wanted, said] : std::vector<std::array<std::string, 2>>{
           {"lamdarank",
            "kind ltr has no method \"lamdarank\"; did you mean \"lambdarank\"? It can be measured with lambdarank, auto or all"},
           {"ease", "kind ltr has no method \"ease\". It can be measured"}}) {
    try {
      (void)run(wanted);
      FAIL();
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
      EXPECT_THAT(error.message(), HasSubstr(said));
    }
  }
}

TEST_F(EvaluateLtr, the_public_set_gives_the_figures_of_the_librarys_package) {
  const fs::path set = fs::path(LODESTONE_SOURCE_DIR) / "../shared/data/ltr-lightgbm-rank";
  if (!fs::exists(set)) GTEST_SKIP() << "the public data sets are not beside the repository (shared/data)";
  const auto results = evaluate_ltr(evaluation::load_dataset_spec(set), "auto", {});
  ASSERT_EQ(results[0].metrics.size(), 4U);
  const double package[] = {0.641714, 0.651209, 0.673931, 0.735759};
  for (std::size_t m = 0; m < 4; ++m) EXPECT_NEAR(results[0].metrics[m].value, package[m], 2e-6) << results[0].metrics[m].name;
}

}  // namespace
}  // namespace lodestone::app
