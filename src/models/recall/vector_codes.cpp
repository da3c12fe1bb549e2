#include "models/recall/vector_codes.hpp"

#include <algorithm>
#include <cmath>

namespace lodestone::models {
namespace {

constexpr float kMostCode = 127;
constexpr std::size_t kLine = 64;
/// Vectors whose links tell how good the codes are.
constexpr std::size_t kSample = 256;

}  // namespace

VectorCodes::VectorCodes(std::span<const float> vectors, std::size_t stride) {
  const std::size_t n = vectors.size() / stride;
  // Rows of more than a line begin with one, so that they touch as few as they can.
  row_bytes_ = stride > kLine ? (stride + kLine - 1) / kLine * kLine : stride;
  std::vector<double> sums(stride, 0);
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < stride; ++j) sums[j] += static_cast<double>(vectors[i * stride + j]);
  }
  for (const double sum : sums) centre_.push_back(static_cast<float>(sum / static_cast<double>(std::max<std::size_t>(1, n))));
  float largest = 0;
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < stride; ++j) largest = std::max(largest, std::fabs(vectors[i * stride + j] - centre_[j]));
  }
  if (!(largest > 0) || !std::isfinite(kMostCode / largest)) return;
  step_ = largest / kMostCode;
  lines_.resize((n * row_bytes_ + kLine - 1) / kLine);
  std::int8_t* row = lines_.front().codes;
  for (std::size_t i = 0; i < n; ++i, row += row_bytes_) {
    for (std::size_t j = 0; j < stride; ++j)
      row[j] =
          static_cast<std::int8_t>(std::lrint(std::clamp((vectors[i * stride + j] - centre_[j]) / step_, -kMostCode, kMostCode)));
  }
}

void VectorCodes::scale(std::span<float> query) const {
  for (std::size_t j = 0; j < query.size(); ++j) query[j] = (query[j] - centre_[j]) / step_;
}

double VectorCodes::link_error(std::span<const float> vectors, std::size_t stride, std::span<const std::int32_t> links,
                               std::size_t width) const {
  const VectorKernels kernels = find_vector_kernels();
  const std::size_t n = vectors.size() / stride;
  std::vector<float> query(stride);
  std::vector<float> exact(width);
  std::vector<float> coded(width);
  double error = 0;
  std::size_t count = 0;
  for (std::size_t i = 0; i < n; i += std::max<std::size_t>(1, n / kSample)) {
    const auto row = links.subspan(i * width, width);
    const auto n_links = static_cast<std::size_t>(std::find(row.begin(), row.end(), -1) - row.begin());
    const auto from = vectors.subspan(i * stride, stride);
    std::copy(from.begin(), from.end(), query.begin());
    kernels.distances(query.data(), vectors.data(), stride, row.data(), n_links, exact.data());
    scale(query);
    kernels.code_distances(query.data(), rows(), row_bytes_, stride, row.data(), n_links, coded.data());
    for (std::size_t k = 0; k < n_links; ++k) {
      if (!(exact[k] > 0)) continue;
      error += std::fabs(static_cast<double>(coded[k]) * static_cast<double>(step_) * static_cast<double>(step_) /
                             static_cast<double>(exact[k]) -
                         1);
      ++count;
    }
  }
  return count == 0 ? 0 : error / static_cast<double>(count);
}

}  // namespace lodestone::models
