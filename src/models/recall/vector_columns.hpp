#pragma once
// Some vectors side by side, so that others are multiplied with all of them while each is read once.

#include <array>
#include <cstddef>
#include <memory>
#include <span>

#include "models/recall/latent_kernels.hpp"

namespace lodestone::models {

/// Up to kMost vectors of length 1. One thread.
class VectorColumns {
 public:
  static constexpr std::size_t kMost = 2 * kLatentLanes;
  using Products = std::array<float, kMost>;

  /// Empties it for vectors of `dimension`.
  void begin(std::size_t dimension);
  [[nodiscard]] std::size_t size() const { return n_; }
  /// Puts a vector [dimension] behind the others, made 1 long. False, and it is not kept, for one of zeros. Requires size() < kMost.
  bool add(std::span<const float> vector);
  /// out[v] = the products of vectors[v] [dimension] with each of them, in their order; what stands behind is undefined. The numbers at even and at odd
  /// places are each summed in their order, so that the bits are the same on every processor that fuses products and sums (AVX2 with FMA, AVX-512).
  /// `vectors` and `out` are of one size; by fours they are fastest.
  void multiply(std::span<const float* const> vectors, std::span<Products> out) const;

 private:
  std::size_t dimension_ = 0;
  std::size_t n_ = 0;
  std::unique_ptr<PaddedRows> columns_;  // [dimension, kMost]
};

}  // namespace lodestone::models
