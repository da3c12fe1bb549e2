#include "models/recall/neighbours.hpp"

#include <algorithm>
#include <numeric>

namespace lodestone::models {

OwnedNeighbours invert(const Neighbours& lists) {
  const std::size_t n = lists.n_items();
  OwnedNeighbours out;
  out.offsets.assign(n + 1, 0);
  for (const ItemIndex item : lists.items()) ++out.offsets[static_cast<std::size_t>(item) + 1];
  for (std::size_t i = 0; i < n; ++i) out.offsets[i + 1] += out.offsets[i];
  out.items.resize(lists.items().size());
  out.scores.resize(lists.items().size());
  std::vector<std::uint64_t> next(out.offsets.begin(), out.offsets.end() - 1);
  for (std::size_t candidate = 0; candidate < n; ++candidate) {
    const NeighbourRow row = lists.row(static_cast<ItemIndex>(candidate));
    for (std::size_t k = 0; k < row.items.size(); ++k) {
      const std::size_t at = next[static_cast<std::size_t>(row.items[k])]++;
      out.items[at] = static_cast<ItemIndex>(candidate);
      out.scores[at] = row.scores[k];
    }
  }
  std::vector<std::size_t> order;
  std::vector<ItemIndex> items;
  std::vector<float> scores;
  for (std::size_t j = 0; j < n; ++j) {
    const std::size_t begin = out.offsets[j];
    const std::size_t size = out.offsets[j + 1] - begin;
    order.resize(size);
    std::iota(order.begin(), order.end(), begin);
    std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
      return out.scores[a] != out.scores[b] ? out.scores[a] > out.scores[b] : out.items[a] < out.items[b];
    });
    items.clear();
    scores.clear();
    for (const std::size_t at : order) {
      items.push_back(out.items[at]);
      scores.push_back(out.scores[at]);
    }
    std::copy(items.begin(), items.end(), out.items.begin() + static_cast<std::ptrdiff_t>(begin));
    std::copy(scores.begin(), scores.end(), out.scores.begin() + static_cast<std::ptrdiff_t>(begin));
  }
  return out;
}

void add_history_scores(const Neighbours& influence, std::span<const ItemIndex> history, std::span<const float> weights,
                        std::span<float> scores) {
  for (std::size_t h = 0; h < history.size(); ++h) {
    const NeighbourRow row = influence.row(history[h]);
    for (std::size_t k = 0; k < row.items.size(); ++k)
      scores[static_cast<std::size_t>(row.items[k])] += weights[h] * row.scores[k];
  }
}

}  // namespace lodestone::models
