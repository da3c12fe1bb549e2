#pragma once
// The inner loop of implicit ALS by conjugate gradients, in vectors of sixteen floats; the widest instructions of the processor
// are found at run time, because the product is built for every x86-64.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <span>

namespace lodestone::training {

/// Floats in one step of the loops; rows are padded with zeros to a multiple of it.
inline constexpr std::size_t kLanes = 16;

/// A matrix [n_rows, stride] of zeros whose rows begin at addresses divisible by 64; stride = columns rounded up to kLanes.
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

/// Rows `at` of `factors` that one unknown meets, and the weight of each meeting.
struct Meetings {
  const PaddedRows& factors;
  std::span<const std::int32_t> at;
  std::span<const float> weights;
};

/// out += sum over the meetings of (t + w (t - y . p)) y, y the row, w its weight. With t = 1 and p = x this is the observed part
/// of b - A x; with t = 0 that of -A p, where A holds w y y' and b holds (1 + w) y. `p` and `out` are [stride] and aligned as the
/// rows. Sums have one order whatever the processor; whether a product and a sum are rounded once or twice depends on it.
void add_meetings(const Meetings& meetings, float t, const float* p, float* out);

}  // namespace lodestone::training
