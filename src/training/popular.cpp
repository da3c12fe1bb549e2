#include "training/popular.hpp"

#include <algorithm>
#include <vector>

#include "base/error.hpp"
#include "training/top_items.hpp"

namespace lodestone::training {
namespace {

/// What a list that is not full falls to before it takes what failed the gate.
constexpr float kBehind = 0.99F;

/// Puts the best of `others` behind `list` until it has `least` items.
void relax(std::vector<models::ScoredItem>& list, std::vector<models::ScoredItem>& others, std::size_t least) {
  if (list.size() >= least || others.empty()) return;
  keep_top(others, least - list.size());
  const float last = list.empty() ? others.front().score : kBehind * list.back().score;
  const float scale = std::min(1.0F, last / others.front().score);
  for (const models::ScoredItem& other : others) list.push_back({other.item, other.score * scale});
}

}  // namespace

models::OwnedNeighbours fit_popular(const models::Interactions& interactions, const PopularOptions& options) {
  const std::vector<std::int32_t> one(interactions.n_items, 0);
  return fit_popular_by_category(interactions, one, 1, options);
}

models::OwnedNeighbours fit_popular_by_category(const models::Interactions& interactions,
                                                std::span<const std::int32_t> category_of, std::size_t n_categories,
                                                const PopularOptions& options) {
  const std::size_t n = interactions.n_items;
  LODESTONE_ASSERT(category_of.size() == n, "{} categories for {} items", category_of.size(), n);
  std::vector<double> scores(n, 0);
  double total = 0;
  for (std::size_t at = 0; at < interactions.items.size(); ++at) {
    const auto w = static_cast<double>(interactions.weights[at]);
    if (!(w > 0)) continue;
    scores[static_cast<std::size_t>(interactions.items[at])] += w / (w + options.saturation);
    total += w / (w + options.saturation);
  }
  const double floor = options.smoothing * (total > 0 ? total / static_cast<double>(n) : 1);
  ListBuilder lists(n_categories);
  std::vector<std::vector<models::ScoredItem>> rows(n_categories);
  std::vector<std::vector<models::ScoredItem>> failed(n_categories);
  for (std::size_t i = n; i-- > 0;) {
    // Among the untouched the newest (highest number) leads: a difference too small to pass anything that was touched.
    const double order = 1 + 1e-3 * static_cast<double>(i) / static_cast<double>(n);
    const double score = scores[i] > 0 ? scores[i] + 2 * floor : floor * order;
    if (!(score > 0)) continue;
    const bool passes = options.gate.empty() || options.gate[i] != 0;
    (passes ? rows : failed)[static_cast<std::size_t>(category_of[i])].push_back(
        {static_cast<ItemIndex>(i), static_cast<float>(score)});
  }
  for (std::size_t c = 0; c < n_categories; ++c) {
    keep_top(rows[c], options.max_items);
    relax(rows[c], failed[c], std::min(options.min_items, options.max_items));
    lists.set(c, rows[c]);
  }
  return lists.build();
}

}  // namespace lodestone::training
