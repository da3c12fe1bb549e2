#pragma once
// Item-item neighbours from behaviour: sparse similarity by inverted index, for each candidate its own top K. Lists kept from the
// candidate's side beat lists kept from the history item's side by 10 % on ml-1m, whatever the weighting (measured).

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "models/interactions.hpp"
#include "models/recall/neighbours.hpp"

namespace lodestone::training {

/// What stands in the matrix before items are multiplied. n_u = items of user u, w = the interaction's weight:
///   cosine  w, each item's column scaled to length 1
///   tf-idf  sqrt(w) * (log n_items - log(1 + n_u)), scaled to length 1: users of many items say less
///   BM25    w (k1 + 1) / (w + k1 (1 - b + b n_i / mean n_i)) * (log n_items - log(1 + n_u)), not scaled
/// after the `implicit` library (nearest_neighbours.py), whose users are BM25's terms and whose items are its documents.
enum class Weighting { kCosine, kTfIdf, kBm25 };
std::string_view weighting_name(Weighting weighting);

struct ItemKnnOptions {
  Weighting weighting = Weighting::kTfIdf;
  std::size_t neighbors = 200;  ///< kept for each candidate; more answers stricter filters and costs memory
  double shrinkage = 0;         ///< s becomes s * n / (n + shrinkage), n = users in common; damps chance pairs
  double bm25_k1 = 1.2;
  double bm25_b = 0.75;
  std::size_t max_history = 500;  ///< items of one user that count: the heaviest (by time decay: the newest)
  /// Products summed over all users, sum of n_u^2; beyond it histories are cut shorter still, all to one length. 4e9 is about 10 s on two cores.
  std::uint64_t max_pairs = 4'000'000'000;
  int threads = 0;  ///< 0 = all cores; the result does not depend on it
};

/// Row i of the answer: the items j that count for candidate i, best first, s(i, j) > 0. Never holds an n_items x n_items matrix: memory is
/// the input, its transpose, one float an item and thread, and the lists. Throws invalid_argument when a weight is negative or not finite.
models::OwnedNeighbours fit_item_knn(const models::Interactions& interactions, const ItemKnnOptions& options);

/// Throws invalid_argument when a weight is negative or not finite, naming it.
void check_weights(const models::Interactions& interactions);
/// The longest history length, at most `max_history`, under which the sum of min(n_u, length)^2 stays within `max_pairs`; at least 2, or no pair
/// would be left.
std::size_t affordable_history(const models::Interactions& interactions, std::size_t max_history, std::uint64_t max_pairs);
/// The interactions with each user's row cut to the `max_history` heaviest items (ties fall by a hash, the same in every run).
models::Interactions cap_histories(const models::Interactions& interactions, std::size_t max_history);

}  // namespace lodestone::training
