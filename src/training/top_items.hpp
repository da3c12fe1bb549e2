#pragma once
// Keeps the best k of many (item, score): the one selection rule of all lists, higher score first, lower item on a tie.

#include <algorithm>
#include <cstddef>
#include <vector>

#include "models/release.hpp"

namespace lodestone::training {

inline bool better(const models::ScoredItem& a, const models::ScoredItem& b) {
  return a.score != b.score ? a.score > b.score : a.item < b.item;
}

/// Cuts `items` to its best k, best first.
inline void keep_top(std::vector<models::ScoredItem>& items, std::size_t k) {
  if (items.size() > k) {
    std::nth_element(items.begin(), items.begin() + static_cast<std::ptrdiff_t>(k), items.end(), better);
    items.resize(k);
  }
  std::sort(items.begin(), items.end(), better);
}

/// Lists made in any order by several threads, joined in item order.
class ListBuilder {
 public:
  explicit ListBuilder(std::size_t n) : lists_(n) {}
  /// Each item once; from any thread.
  void set(std::size_t item, const std::vector<models::ScoredItem>& list) { lists_[item] = list; }
  models::OwnedNeighbours build() {
    models::OwnedNeighbours out;
    out.offsets.reserve(lists_.size() + 1);
    std::size_t total = 0;
    for (const auto& list : lists_) total += list.size();
    out.items.reserve(total);
    out.scores.reserve(total);
    for (auto& list : lists_) {
      for (const models::ScoredItem& s : list) {
        out.items.push_back(s.item);
        out.scores.push_back(s.score);
      }
      out.offsets.push_back(out.items.size());
      std::vector<models::ScoredItem>().swap(list);
    }
    return out;
  }

 private:
  std::vector<std::vector<models::ScoredItem>> lists_;
};

}  // namespace lodestone::training
