#include "models/recall/latent_vectors.hpp"

#include <algorithm>
#include <cmath>

#include "base/error.hpp"
#include "base/key_order.hpp"
#include "models/recall/latent_kernels.hpp"

namespace lodestone::models {
namespace {

constexpr double kMostConfidence = 1e9;  // of float's 7 digits nothing else would be left
/// The residual falls by about four each step; eight leave what changes no rank that matters (als_test compares with the exact solution).
constexpr int kSteps = 8;
constexpr float kSolved = 1e-6F;  // of the first squared residual

std::size_t padded(std::size_t n) { return (n + kLatentLanes - 1) / kLatentLanes * kLatentLanes; }

void add_scaled(float* a, float s, const float* b, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) a[i] += s * b[i];
}

}  // namespace

float confidence(float weight, double alpha) {
  const double c = static_cast<double>(weight) * alpha;
  if (!(weight >= 0) || !(c <= kMostConfidence)) {
    fail(ErrorCode::kInvalidArgument, "an interaction has weight {}, expected a number from 0 to {:g}; mend the weights", weight,
         alpha > 0 ? kMostConfidence / alpha : kMostConfidence);
  }
  return static_cast<float>(c);
}

float activity_scale(std::size_t n_items_met, double median, double exponent) {
  return static_cast<float>(std::pow(static_cast<double>(n_items_met) / median, -exponent));
}

double row_ridge(double frequency, double mean, double regularization, double exponent) {
  return regularization * std::pow(frequency / mean, exponent);
}

void ObservedHistory::read(std::span<const ItemIndex> history, std::span<const float> weights, std::size_t n_items,
                           const FoldInParameters& parameters) {
  items.clear();
  confidences.clear();
  for (std::size_t k = 0; k < history.size(); ++k) {
    if (!(weights[k] > 0)) continue;
    const auto c = static_cast<float>(std::min(static_cast<double>(weights[k]) * parameters.alpha, kMostConfidence));
    items.push_back(history[k]);
    confidences.push_back(c);
  }
  if (items.empty()) return;
  const float scale = activity_scale(items.size(), parameters.median_user_items, parameters.user_exponent);
  auto frequency = static_cast<double>(n_items);
  for (float& c : confidences) {
    c *= scale;
    frequency += static_cast<double>(c);
  }
  ridge =
      static_cast<float>(row_ridge(frequency, parameters.mean_user_frequency, parameters.regularization, parameters.exponent));
}

LatentVectors::LatentVectors(const VectorIndex& index, std::span<const float> gram, const FoldInParameters& parameters,
                             std::string_view name)
    : index_(index), gram_(gram), parameters_(parameters) {
  const VectorArrays& a = index.arrays();
  const auto require = [&](bool holds, std::string_view what) {
    if (!holds) fail(ErrorCode::kCorrupt, "{}: {}; roll back or publish again", name, what);
  };
  require(a.distance == VectorDistance::kInnerProduct, "the index of the vector channel is not over inner products");
  require(gram.size() == a.dimension * padded(a.dimension), "the products of the vectors do not fit their dimension");
  for (const float v : gram) require(std::isfinite(v), "a product of vectors is not finite");
  const auto positive = [&](double v, std::string_view what) { require(v > 0 && std::isfinite(v), what); };
  positive(parameters.regularization, "the regularization of the fold-in is not above 0");
  positive(parameters.mean_user_frequency, "the mean frequency of the fold-in is not above 0");
  positive(parameters.median_user_items, "the median of the fold-in is not above 0");
  require(parameters.alpha >= 0 && std::isfinite(parameters.alpha), "alpha of the fold-in is no number from 0");
  require(std::isfinite(parameters.exponent) && std::isfinite(parameters.user_exponent),
          "an exponent of the fold-in is not finite");
}

void LatentVectors::fold_in(std::span<const ItemIndex> history, std::span<const float> weights, Scratch& s) const {
  const VectorArrays& a = index_.arrays();
  const std::size_t f = a.dimension;
  const std::size_t g = padded(f);
  for (auto* v : {&s.user, &s.residual, &s.direction, &s.product}) v->assign(a.stride, 0);
  s.observed.read(history, weights, index_.size(), parameters_);
  if (s.observed.items.empty()) return;
  const Meetings met{a.vectors.data(), a.stride, s.observed.items, s.observed.confidences};
  // The coordinate behind the factors belongs to the index, not to the equations.
  const auto clear_rest = [&](std::vector<float>& v) { std::fill(v.begin() + static_cast<std::ptrdiff_t>(f), v.end(), 0.0F); };
  add_meetings(met, 1, s.user.data(), s.residual.data());
  clear_rest(s.residual);
  s.direction = s.residual;
  float norm = dot(s.residual.data(), s.residual.data(), g);
  const float solved = kSolved * norm;
  for (int step = 0; step < kSteps && norm > solved; ++step) {
    std::fill(s.product.begin(), s.product.end(), 0.0F);
    add_meetings(met, 0, s.direction.data(), s.product.data());
    clear_rest(s.product);
    subtract_product(gram_.data(), f, g, s.direction.data(), s.product.data());
    add_scaled(s.product.data(), -s.observed.ridge, s.direction.data(), g);
    const float curvature = -dot(s.direction.data(), s.product.data(), g);
    if (!(curvature > 0)) break;
    const float length = norm / curvature;
    add_scaled(s.user.data(), length, s.direction.data(), g);
    add_scaled(s.residual.data(), length, s.product.data(), g);
    const float next = dot(s.residual.data(), s.residual.data(), g);
    const float share = next / norm;
    for (std::size_t i = 0; i < g; ++i) s.direction[i] = s.residual[i] + share * s.direction[i];
    norm = next;
  }
  if (!std::all_of(s.user.begin(), s.user.end(), [](float v) { return std::isfinite(v); })) s.user.assign(a.stride, 0);
}

NeighbourRow LatentVectors::recall(const VectorSearchOptions& options, Scratch& s, std::vector<ItemIndex>& items,
                                   std::vector<float>& scores) const {
  const VectorArrays& a = index_.arrays();
  items.clear();
  scores.clear();
  index_.search(std::span(s.user).first(a.dimension), options, s.search, s.hits);
  // The distance holds the product, but with the digits that the norms leave.
  auto& keys = s.search.keys;
  keys.clear();
  for (const VectorHit& hit : s.hits) {
    const float product =
        dot(s.user.data(), a.vectors.data() + static_cast<std::size_t>(hit.item) * a.stride, padded(a.dimension));
    if (product > 0) keys.push_back(score_key(product, hit.item));
  }
  sort_largest_first(keys);
  for (const std::uint64_t key : keys) {
    items.push_back(key_item(key));
    scores.push_back(key_score(key));
  }
  return {items, scores};
}

}  // namespace lodestone::models
