#pragma once
// Vectors in a byte a coordinate, for a scan of all: it reads a quarter of the memory, by instructions for whole numbers, and leaves few rows to be
// measured by the vectors themselves. No row is left out that could be among the nearest: how far codes can be off is known.

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace lodestone::models {

/// Codes of vectors that are all of one length, so that the nearest are those with the largest products. Const after construction, safe from many
/// threads; each needs a scratch of its own.
class ScanCodes {
 public:
  /// Memory of a scan, kept between scans so that they allocate nothing.
  struct Scratch {
    std::vector<std::int16_t> query;
    std::vector<std::int32_t> products;
    std::vector<std::uint64_t> keys;
    std::vector<std::int32_t> rows;
  };

  /// Of `vectors` [n, stride], by their first `width` numbers; behind those a query has zeros. Empty where that would not do: lengths differ, all numbers
  /// are alike, or the processor lacks the instructions (AVX2).
  ScanCodes(std::span<const float> vectors, std::size_t stride, std::size_t width);

  [[nodiscard]] bool empty() const { return codes_.empty(); }
  /// Rows among which are the `k` nearest to `query` [stride] of those that are `allowed`, ascending, in the scratch. All that are allowed for a query of
  /// zeros, and where they are fewer than k. Bit i of word i / 64 of `allowed` is row i; empty allows all. 1 <= k <= n.
  [[nodiscard]] std::span<const std::int32_t> candidates(std::span<const float> query, std::size_t k,
                                                         std::span<const std::uint64_t> allowed, Scratch& scratch) const;

 private:
  /// Takes rows out of the products.
  void forbid(std::span<const std::uint64_t> allowed, std::span<std::int32_t> products) const;
  /// By how much the product with row i may differ from unit * products[i] + a constant, in units.
  void code_query(std::span<const float> query, Scratch& scratch, double& most_off) const;

  std::size_t n_ = 0;
  std::size_t width_ = 0;           ///< of a row of codes: rounded up to a step of the instructions
  std::vector<std::int8_t> codes_;  ///< [n rounded up, width]
  float step_ = 0;                  ///< coordinate j is about a centre + step * code
  double square_ = 0;               ///< of the length of a vector
};

}  // namespace lodestone::models
