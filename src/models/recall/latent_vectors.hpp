#pragma once
// The vector channel: items as vectors of implicit ALS, a history folded into a vector of its own while its owner waits, and the items whose
// product with it is largest. The training side is training/als.hpp, which gives the papers.

#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

#include "base/ids.hpp"
#include "models/recall/neighbours.hpp"
#include "models/recall/vector_index.hpp"

namespace lodestone::models {

/// What a history's vector depends on besides the items' vectors; meanings as in training::AlsOptions.
struct FoldInParameters {
  double alpha = 0;
  double regularization = 1;
  double exponent = 0;
  double user_exponent = 0;
  double mean_user_frequency = 1;
  double median_user_items = 1;
};

/// Observed confidence beyond 1 of an interaction; 0 means that it did not happen. Throws invalid_argument for a weight that is negative,
/// not finite or beyond 1e9 / alpha.
float confidence(float weight, double alpha);
/// a_u of training::AlsOptions: how much less, or more, the meetings of somebody with so many say.
float activity_scale(std::size_t n_items_met, double median, double exponent);
/// lambda_u of training::AlsOptions.
double row_ridge(double frequency, double mean, double regularization, double exponent);

/// A history as the equations take it; its memory is used again.
struct ObservedHistory {
  std::vector<ItemIndex> items;  ///< with a weight above 0
  std::vector<float> confidences;
  float ridge = 0;
  /// Takes any finite weights: what confidence() refuses counts as its limit, because a page is made of it while somebody waits.
  void read(std::span<const ItemIndex> history, std::span<const float> weights, std::size_t n_items,
            const FoldInParameters& parameters);
};

/// Views of what a release holds of the channel; they may lie in a mapped file. Const, safe from many threads; each needs a scratch of
/// its own.
class LatentVectors {
 public:
  /// Memory of a fold-in and a search, kept so that they allocate nothing.
  struct Scratch {
    VectorIndex::Scratch search;
    ObservedHistory observed;
    std::vector<float> user;  ///< of the last fold-in, [stride], zeros behind the factors
    std::vector<float> residual;
    std::vector<float> direction;
    std::vector<float> product;
    std::vector<VectorHit> hits;
  };

  /// A release without the channel.
  LatentVectors() = default;
  /// `index` is over inner products; `gram` is Y'Y, [f, g], g the number of factors f rounded up to kLatentLanes. Throws corrupt, naming
  /// `name`, where they do not fit.
  LatentVectors(const VectorIndex& index, std::span<const float> gram, const FoldInParameters& parameters, std::string_view name);

  [[nodiscard]] bool empty() const { return index_.size() == 0; }
  [[nodiscard]] const VectorIndex& index() const { return index_; }

  /// Puts the vector of a history into scratch.user, by conjugate gradients from zero: near what the exact solution is, at a twentieth of
  /// its cost. `history` holds each item once. Zero for an empty history, and where numbers leave the range of a float.
  void fold_in(std::span<const ItemIndex> history, std::span<const float> weights, Scratch& scratch) const;

  /// The items with the largest products with scratch.user, best first, into `items` and `scores`: those above 0 among the `options.k` that
  /// the index finds.
  NeighbourRow recall(const VectorSearchOptions& options, Scratch& scratch, std::vector<ItemIndex>& items,
                      std::vector<float>& scores) const;

 private:
  VectorIndex index_;
  std::span<const float> gram_;
  FoldInParameters parameters_;
};

/// The same with its memory, as training makes it. Empty when it has no vectors.
struct OwnedLatentVectors {
  OwnedVectorIndex index;
  std::vector<float> gram;
  FoldInParameters parameters;
  OwnedNeighbours neighbours;  ///< item -> its nearest by the cosine of their vectors
};

}  // namespace lodestone::models
