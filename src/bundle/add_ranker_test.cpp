// An ONNX ranker from elsewhere becomes the preferred one of a new bundle.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "base/error.hpp"
#include "bundle/store.hpp"
#include "models/ranking/onnx_export.hpp"
#include "tests/support/onnx_library.hpp"
#include "tests/support/sample_ranking.hpp"
#include "tests/support/sample_release.hpp"

namespace lodestone::bundle {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

const std::vector<std::string> kColumns{"item_price", "cross_price_ratio"};

std::string onnx_stump(const std::vector<std::string>& columns) {
  return models::export_onnx(models::parse_tree_ensemble(test::stump_ranker(columns, {{0, 4, -1, 1}}), "stump"));
}

class AddRankerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    models::ReleaseData data = test::sample_release();
    data.ranking = test::sample_ranking(data, 2);
    data.ranking.rankers = {{"own", test::stump_ranker(kColumns, {{0, 4, -1, 1}})}};
    old_ = store_.open(pack(data, test::sample_info(), store_.folder()));
  }
  std::string add(const ImportedRanker& ranker) const {
    return add_ranker(store_, *old_, ranker, test::sample_info().created + std::chrono::minutes(1), "0.1-test");
  }
  [[nodiscard]] std::string failure_of(const ImportedRanker& ranker) const {
    try {
      (void)add(ranker);
    } catch (const Error& error) {
      return error.message();
    }
    return "no failure";
  }
  [[nodiscard]] std::size_t n_bundles() const { return store_.list().size(); }

  TemporaryFolder folder_;
  BundleStore store_{folder_.path() / "bundles", test::onnx_library()};
  std::shared_ptr<const Bundle> old_;
};

TEST_F(AddRankerTest, the_new_bundle_holds_the_old_one_and_prefers_the_ranker) {
  if (store_.onnx_library().empty()) GTEST_SKIP() << test::kNoOnnxLibrary;
  const std::string id = add({"foreign", onnx_stump(kColumns)});
  const auto bundle = store_.open(id);
  const Manifest& manifest = bundle->manifest();
  EXPECT_THAT(manifest.rankers, ElementsAre("foreign", "own"));
  EXPECT_EQ(manifest.files.size(), old_->manifest().files.size() + 1);
  EXPECT_EQ(*manifest.document.find("made_from")->as_string(), old_->manifest().id);
  EXPECT_EQ(*manifest.document.find("product_version")->as_string(), "0.1-test");
  EXPECT_EQ(manifest.created, test::sample_info().created + std::chrono::minutes(1));
  EXPECT_EQ(json::format(*manifest.document.find("metrics")), json::format(*old_->manifest().document.find("metrics")));
  const auto& rankers = bundle->release().ranking->rankers;
  ASSERT_EQ(rankers.size(), 2U);
  EXPECT_EQ(rankers[0]->format(), models::RankerFormat::kOnnx);
  models::TreeScorer::Scratch scratch;
  std::vector<double> scores(2);
  EXPECT_TRUE(rankers[0]->score(std::vector<float>{4, 0, 5, 0}, 2, scores, scratch));
  EXPECT_THAT(scores, ElementsAre(-1, 1));
  EXPECT_EQ(store_.current(), std::nullopt) << "nothing is published";
  EXPECT_EQ(read_ranker(store_.path_of(id), manifest, "foreign").bytes, onnx_stump(kColumns));
}

TEST_F(AddRankerTest, the_new_bundle_outlives_the_old_one_and_can_take_another) {
  if (store_.onnx_library().empty()) GTEST_SKIP() << test::kNoOnnxLibrary;
  const std::string first = add({"foreign", onnx_stump(kColumns)});
  fs::remove_all(store_.path_of(old_->manifest().id));
  old_ = store_.open(first);
  const auto second = store_.open(add({"further", onnx_stump({"item_price"})}));
  EXPECT_THAT(second->manifest().rankers, ElementsAre("further", "foreign", "own"));
  EXPECT_EQ(*second->manifest().document.find("made_from")->as_string(), first);
}

TEST_F(AddRankerTest, a_bundle_with_an_onnx_ranker_needs_the_library) {
  if (store_.onnx_library().empty()) GTEST_SKIP() << test::kNoOnnxLibrary;
  const std::string id = add({"foreign", onnx_stump(kColumns)});
  const BundleStore without(store_.folder());
  try {
    without.publish(id);
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.message(), AllOf(HasSubstr("foreign"), HasSubstr("engine.onnx_library")));
  }
  EXPECT_THAT(find_problems(store_.path_of(id)), ElementsAre(HasSubstr("engine.onnx_library")));
  EXPECT_EQ(without.current(), std::nullopt);
}

TEST_F(AddRankerTest, what_does_not_fit_leaves_nothing_behind) {
  const std::string good = onnx_stump(kColumns);
  EXPECT_THAT(failure_of({"", good}), HasSubstr("is no name of a ranker"));
  EXPECT_THAT(failure_of({"a/b", good}), HasSubstr("is no name of a ranker"));
  EXPECT_THAT(failure_of({"own", good}), HasSubstr("has a ranker own already"));
  EXPECT_THAT(failure_of({"foreign", "nonsense"}), HasSubstr("no whole ONNX model"));
  EXPECT_THAT(failure_of({"foreign", onnx_stump({"item_colour"})}), HasSubstr("\"item_colour\", which is no feature"));
  EXPECT_EQ(n_bundles(), 1U);
}

TEST_F(AddRankerTest, a_release_without_features_takes_none) {
  old_ = store_.open(pack(test::sample_release(), test::sample_info(), store_.folder()));
  EXPECT_THAT(failure_of({"foreign", onnx_stump(kColumns)}), HasSubstr("stores no features"));
}

}  // namespace
}  // namespace lodestone::bundle
