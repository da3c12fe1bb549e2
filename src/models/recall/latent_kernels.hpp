#pragma once
// The inner loops of implicit ALS by conjugate gradients, for its fit and for histories that are folded in while somebody waits, in
// vectors of sixteen floats; the widest instructions of the processor are found at run time, because the product is built for every x86-64.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <span>

namespace lodestone::models {

/// Floats in one step of the loops; rows are padded with zeros to a multiple of it.
inline constexpr std::size_t kLatentLanes = 16;

/// A matrix [n_rows, stride] of zeros whose rows begin at addresses divisible by 64; stride = columns rounded up to kLatentLanes.
class PaddedRows {
 public:
  PaddedRows(std::size_t n_rows, std::size_t columns);
  [[nodiscard]] std::size_t stride() const { return stride_; }
  [[nodiscard]] std::size_t n_rows() const { return n_rows_; }
  [[nodiscard]] float* row(std::size_t r) { return data_.get() + r * stride_; }
  [[nodiscard]] const float* row(std::size_t r) const { return data_.get() + r * stride_; }

 private:
  struct Release {
    void operator()(float* data) const { operator delete[](data, std::align_val_t{64}); }
  };
  std::size_t n_rows_ = 0;
  std::size_t stride_ = 0;
  std::unique_ptr<float[], Release> data_;
};

/// Rows `at` of a matrix that one unknown meets, and the weight of each meeting.
struct Meetings {
  const float* rows = nullptr;
  std::size_t stride = 0;  ///< floats of a row, a multiple of kLatentLanes
  std::span<const std::int32_t> at;
  std::span<const float> weights;
};

/// out += sum over the meetings of (t + w (t - y . p)) y, y the row, w its weight. With t = 1 and p = x this is the observed part
/// of b - A x; with t = 0 that of -A p, where A holds w y y' and b holds (1 + w) y. `p` and `out` are [stride]; any alignment, that
/// of a cache line is fastest. Sums have one order whatever the processor; whether a product and a sum are rounded once or twice
/// depends on it.
void add_meetings(const Meetings& meetings, float t, const float* p, float* out);

/// out -= M p for a symmetric M [n, stride], row-major, zeros behind column n; `p` and `out` are [stride].
void subtract_product(const float* matrix, std::size_t n, std::size_t stride, const float* p, float* out);

/// The product of two rows of [stride], in sixteen sums.
float dot(const float* a, const float* b, std::size_t stride);

}  // namespace lodestone::models
