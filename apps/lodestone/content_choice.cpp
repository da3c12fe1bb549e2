#include "content_choice.hpp"

#include <algorithm>
#include <cmath>

namespace lodestone::app {
namespace {

constexpr std::size_t kMaxCases = 2000;
/// Beyond, three fits of the lists would take minutes, and the dense form brings no candidates of its own any more.
constexpr std::size_t kMostItems = 50'000;
constexpr std::size_t kMinCases = 200;
constexpr std::size_t kJudgedAt = 10;
constexpr double kWorth = 1.01;

struct Step {
  ItemIndex from = 0;
  ItemIndex to = 0;
};

/// The last step of each history of two items and more, at even distances.
std::vector<Step> last_steps(const TrainingInteractions& all) {
  std::vector<Step> steps;
  const models::Interactions& x = all.matrix;
  if (all.last_at.size() != x.items.size()) return steps;
  for (std::size_t u = 0; u < x.n_users(); ++u) {
    const std::uint64_t begin = x.offsets[u];
    const std::uint64_t end = x.offsets[u + 1];
    if (end - begin < 2) continue;
    std::uint64_t newest = begin;
    std::uint64_t before = begin + 1;
    if (all.last_at[before] > all.last_at[newest]) std::swap(newest, before);
    for (std::uint64_t at = begin + 2; at < end; ++at) {
      if (all.last_at[at] > all.last_at[newest]) {
        before = newest;
        newest = at;
      } else if (all.last_at[at] > all.last_at[before]) {
        before = at;
      }
    }
    steps.push_back({x.items[before], x.items[newest]});
  }
  if (steps.size() <= kMaxCases) return steps;
  std::vector<Step> kept;
  for (std::size_t k = 0; k < kMaxCases; ++k) kept.push_back(steps[k * steps.size() / kMaxCases]);
  return kept;
}

double ndcg(const models::Neighbours& lists, const std::vector<Step>& steps) {
  double sum = 0;
  for (const Step& step : steps) {
    const std::span<const ItemIndex> row = lists.row(step.from).items;
    const auto top = row.first(std::min(kJudgedAt, row.size()));
    const auto place = std::find(top.begin(), top.end(), step.to);
    if (place != top.end()) sum += 1 / std::log2(static_cast<double>(place - top.begin()) + 2);
  }
  return sum / static_cast<double>(steps.size());
}

}  // namespace

ContentModel choose_content(const TrainingInteractions& interactions, std::span<const models::Item> items,
                            const training::ContentOptions& options) {
  const std::vector<Step> steps = last_steps(interactions);
  const training::ContentVectors vectors = training::build_content_vectors(items, options);
  ContentModel out;
  out.n_cases = steps.size();
  if (steps.size() < kMinCases || items.size() > kMostItems) {
    out.dense_weight = options.dense_weight;
    out.neighbours = training::fit_content(vectors, options);
    return out;
  }
  double best = -1;
  for (const double weight : {0.0, 0.1, 0.25}) {
    training::ContentOptions tried = options;
    tried.dense_weight = weight;
    models::OwnedNeighbours lists = training::fit_content(vectors, tried);
    const double reached = ndcg(lists.view(), steps);
    out.trials.push_back({weight, reached});
    if (reached <= best * (out.dense_weight == 0 ? kWorth : 1)) continue;
    best = reached;
    out.dense_weight = weight;
    out.neighbours = std::move(lists);
  }
  return out;
}

}  // namespace lodestone::app
