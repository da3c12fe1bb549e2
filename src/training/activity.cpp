#include "training/activity.hpp"

#include <algorithm>
#include <cmath>

namespace lodestone::training {
namespace {

double median_of_positive(std::vector<double> values) {
  std::erase_if(values, [](double v) { return v <= 0; });
  if (values.empty()) return 1;
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

/// (count / median)^-exponent, 0 for what nobody touched.
std::vector<float> activity_scale(const std::vector<double>& counts, double exponent) {
  const double median = median_of_positive(counts);
  std::vector<float> out(counts.size(), 0);
  for (std::size_t i = 0; i < counts.size(); ++i) {
    if (counts[i] > 0) out[i] = static_cast<float>(std::pow(counts[i] / median, -exponent));
  }
  return out;
}

}  // namespace

std::vector<float> scale_by_activity(models::Interactions& x, double user_exponent, double item_exponent) {
  std::vector<double> users_of(x.n_items, 0);
  std::vector<double> items_of(x.n_users(), 0);
  for (std::size_t u = 0; u < x.n_users(); ++u) {
    for (const ItemIndex item : x.row(u).items) {
      ++users_of[static_cast<std::size_t>(item)];
      ++items_of[u];
    }
  }
  std::vector<float> item_scale = activity_scale(users_of, item_exponent);
  const std::vector<float> user_scale = activity_scale(items_of, user_exponent);
  for (std::size_t u = 0; u < x.n_users(); ++u) {
    for (std::size_t at = x.offsets[u]; at < x.offsets[u + 1]; ++at)
      x.weights[at] *= user_scale[u] * item_scale[static_cast<std::size_t>(x.items[at])];
  }
  return item_scale;
}

}  // namespace lodestone::training
