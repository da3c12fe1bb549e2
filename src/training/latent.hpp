#pragma once
// The vector channel of a release: implicit ALS fitted, its items put into an index over inner products, and each item's nearest by cosine.

#include <cstddef>

#include "models/interactions.hpp"
#include "models/recall/latent_vectors.hpp"
#include "training/als.hpp"
#include "training/vector_build.hpp"

namespace lodestone::training {

struct LatentOptions {
  AlsOptions als;
  VectorIndexOptions index;
  std::size_t neighbors = 100;  ///< of an item's list; longer costs disk and the time of opening
  int threads = 0;              ///< 0 = all cores; goes before those of the parts
};

/// Fitted on rows of two items and more; without vectors when there is none. The index has no graph where a scan is as fast (is_walk_faster); up to 20,000 items
/// every run gives the same bits; beyond, the graph depends on how threads meet. Throws as fit_als.
models::OwnedLatentVectors fit_latent(const models::Interactions& interactions, LatentOptions options);

}  // namespace lodestone::training
