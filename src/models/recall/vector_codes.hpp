#pragma once
// Vectors in a byte a coordinate, for the walk through a graph: it waits for memory, and reads a quarter of it this way. What a walk finds is measured
// again by the vectors themselves.

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "models/recall/vector_kernels.hpp"

namespace lodestone::models {

/// Coordinate j of a vector is about centre[j] + step * code.
class VectorCodes {
 public:
  VectorCodes() = default;
  /// Codes of `vectors` [n, stride].
  VectorCodes(std::span<const float> vectors, std::size_t stride);

  [[nodiscard]] bool empty() const { return lines_.empty(); }
  [[nodiscard]] const std::int8_t* rows() const { return lines_.empty() ? nullptr : lines_.front().codes; }
  [[nodiscard]] std::size_t row_bytes() const { return row_bytes_; }
  /// Brings a query [stride] to the steps of the codes.
  void scale(std::span<float> query) const;
  /// Mean of |distance by code / distance - 1| between vectors and those that they are linked to, `links` [n, width], over some vectors.
  /// 0 without links. Distances of 0 are left out.
  [[nodiscard]] double link_error(std::span<const float> vectors, std::size_t stride, std::span<const std::int32_t> links,
                                  std::size_t width) const;

 private:
  struct alignas(64) Line {
    std::int8_t codes[64];
  };
  std::vector<Line> lines_;
  std::size_t row_bytes_ = 0;
  std::vector<float> centre_;  ///< [stride]
  float step_ = 0;
};

}  // namespace lodestone::models
