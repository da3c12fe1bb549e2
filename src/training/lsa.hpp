#pragma once
// Latent semantic analysis (Deerwester et al., JASIS 1990): texts as short dense vectors, in which two texts that share no word are alike when their
// words stand with the same others. A truncated SVD by random projections (Halko, Martinsson and Tropp, SIAM Review 2011).

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "models/interactions.hpp"
#include "models/recall/neighbours.hpp"

namespace lodestone::training {

struct LsaOptions {
  std::size_t rank = 64;          ///< numbers of a vector; fewer where the texts do not span as many
  std::size_t oversampling = 16;  ///< further directions while iterating, dropped at the end
  int power_iterations = 2;       ///< each sharpens the spectrum: (A A')^q A
  std::size_t min_items = 2;      ///< tokens in fewer items tie nothing together and are left out
  std::size_t max_tokens =
      250'000;  ///< the ones in most items; two matrices of 4 (rank + oversampling) bytes a token and an item are held
  std::uint64_t seed = 1;
  int threads = 0;  ///< 0 = all cores; the result does not depend on it
};

/// Row i of `values` is item i's vector, of length 1, or of zeros when nothing is known of it.
struct LsaVectors {
  std::size_t n_items = 0;
  std::size_t rank = 0;
  std::vector<float> values;  ///< [n_items, rank]

  [[nodiscard]] std::span<const float> row(std::size_t item) const { return std::span(values).subspan(item * rank, rank); }
};

/// `rows` [n_items, n_tokens]: a weighted bag of tokens an item, of length 1 or empty.
LsaVectors fit_lsa(const models::Interactions& rows, const LsaOptions& options);

/// sum of a_i b_i; both as long.
float dot(std::span<const float> a, std::span<const float> b);

/// For each item up to `k` others of the largest cosine, best first, those below `least` left out. Exact: n_items^2 * rank multiply-adds, and
/// 4 MiB a thread beside the lists.
models::OwnedNeighbours nearest_by_lsa(const LsaVectors& vectors, std::size_t k, float least, int threads);

}  // namespace lodestone::training
