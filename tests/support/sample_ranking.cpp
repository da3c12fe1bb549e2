#include "tests/support/sample_ranking.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <limits>

#include "base/rng.hpp"
#include "features/schema.hpp"

namespace lodestone::test {
namespace {

models::OwnedRanking::Rows random_rows(features::Group group, std::size_t n_rows, Rng& rng) {
  models::OwnedRanking::Rows out;
  for (const features::Feature& feature : features::features_of(group)) out.columns.emplace_back(feature.name);
  for (std::size_t i = 0; i < n_rows * out.columns.size(); ++i) {
    out.values.push_back(rng.chance(0.1) ? std::numeric_limits<float>::quiet_NaN() : static_cast<float>(rng.below(10)));
  }
  return out;
}

}  // namespace

std::string stump_ranker(const std::vector<std::string>& columns, const std::vector<Stump>& stumps) {
  std::vector<std::string> infos(columns.size(), "[0:9]");
  std::string text = fmt::format(
      "tree\nversion=v4\nnum_class=1\nnum_tree_per_iteration=1\nlabel_index=0\nmax_feature_idx={}\nobjective=lambdarank\n"
      "feature_names={}\nfeature_infos={}\ntree_sizes={}\n\n",
      columns.size() - 1, fmt::join(columns, " "), fmt::join(infos, " "), fmt::join(std::vector<int>(stumps.size(), 1), " "));
  for (std::size_t t = 0; t < stumps.size(); ++t) {
    const Stump& s = stumps[t];
    text += fmt::format(
        "Tree={}\nnum_leaves=2\nnum_cat=0\nsplit_feature={}\nsplit_gain=1\nthreshold={}\ndecision_type=10\nleft_child=-1\n"
        "right_child=-2\nleaf_value={} {}\nleaf_weight=10 10\nleaf_count=10 10\ninternal_value=0\ninternal_weight=20\n"
        "internal_count=20\nis_linear=0\nshrinkage=1\n\n\n",
        t, s.column, s.threshold, s.low, s.high);
  }
  return text + "end of trees\n";
}

models::OwnedRanking sample_ranking(const models::ReleaseData& data, std::uint64_t seed) {
  Rng rng(seed);
  models::OwnedRanking out;
  out.users = random_rows(features::Group::kUser, data.users.size(), rng);
  out.items = random_rows(features::Group::kItem, data.items.size(), rng);
  for (std::size_t i = 0; i < data.items.size(); ++i) {
    for (std::int32_t tag = 0; tag < 6; ++tag) {
      if (rng.chance(0.3)) out.item_tags.push_back(tag);
    }
    out.tag_offsets.push_back(out.item_tags.size());
  }
  out.vocabularies["tag"] = {"", "a", "b", "c", "d", "e"};
  return out;
}

}  // namespace lodestone::test
