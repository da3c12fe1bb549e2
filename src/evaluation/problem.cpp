#include "evaluation/problem.hpp"

#include <algorithm>

namespace lodestone::evaluation {

models::Interactions to_interactions(const Rows& histories, std::size_t n_items) {
  models::Interactions out;
  out.n_items = n_items;
  out.offsets.reserve(histories.offsets.size());
  out.items.reserve(histories.items.size());
  std::vector<ItemIndex> row;
  for (std::size_t r = 0; r < histories.size(); ++r) {
    row.assign(histories[r].begin(), histories[r].end());
    std::sort(row.begin(), row.end());
    row.erase(std::unique(row.begin(), row.end()), row.end());
    out.items.insert(out.items.end(), row.begin(), row.end());
    out.offsets.push_back(out.items.size());
  }
  out.weights.assign(out.items.size(), 1.0F);
  return out;
}

}  // namespace lodestone::evaluation
