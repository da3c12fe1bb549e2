#pragma once
// Builds vector indexes: brings vectors to their stored form, and links them into a graph of small worlds (HNSW: Malkov and Yashunin, IEEE
// TPAMI 2018), all cores at once.

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "models/recall/vector_index.hpp"

namespace lodestone::training {

struct VectorIndexOptions {
  std::size_t m = 32;                 ///< links of a node on the upper levels, twice as many on the lowest; 0 = no graph
  std::size_t ef_construction = 200;  ///< candidates that a new node's links are chosen from
  std::uint64_t seed = 1;             ///< of the levels
  int threads = 0;  ///< 0 = all cores; with 1 the graph is the same in every run, with more it depends on their meeting
};

/// `vectors` [n, dimension] row-major. Under cosine they are scaled to length 1 (a vector of zeros stays and is as far from everything), under inner
/// product they get their further coordinate. Throws invalid_argument for a dimension of 0 or over 65,536, a size that is no multiple of it, for
/// a value that is not finite, naming row and column, and, but for cosine, for a vector longer than 9e18.
models::OwnedVectorIndex build_vector_index(std::span<const float> vectors, std::size_t dimension,
                                            models::VectorDistance distance, const VectorIndexOptions& options);

}  // namespace lodestone::training
