#include "evaluation/off_policy.hpp"

#include <algorithm>
#include <cmath>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/error.hpp"

namespace lodestone::evaluation {
namespace {

void check(const LoggedChoice& choice) {
  const auto is_probability = [](double p) { return p >= 0 && p <= 1; };
  if (!is_probability(choice.logged) || choice.logged == 0)
    fail(ErrorCode::kInvalidArgument, "a logged propensity is {}, expected above 0 and up to 1", choice.logged);
  if (!is_probability(choice.target))
    fail(ErrorCode::kInvalidArgument, "a target propensity is {}, expected 0 to 1", choice.target);
}

/// The place of each choice's cluster, numbered without gaps.
struct Clusters {
  std::vector<std::size_t> of;  // beside the choices
  std::size_t n = 0;
};

Clusters number_clusters(std::span<const LoggedChoice> choices) {
  Clusters out;
  std::unordered_map<std::size_t, std::size_t> numbers;
  for (const LoggedChoice& choice : choices) out.of.push_back(numbers.try_emplace(choice.cluster, numbers.size()).first->second);
  out.n = numbers.size();
  return out;
}

/// Standard error of the sum of parts whose mean is 0, when only the sums of clusters are independent.
double error_of_sum(const std::vector<double>& parts, const Clusters& clusters) {
  std::vector<double> sums(clusters.n);
  for (std::size_t i = 0; i < parts.size(); ++i) sums[clusters.of[i]] += parts[i];
  double squares = 0;
  for (const double sum : sums) squares += sum * sum;
  const auto n = static_cast<double>(clusters.n);
  return std::sqrt(squares * n / (n - 1));
}

PolicyValue mean_of(std::vector<double> values, const Clusters& clusters) {
  const auto n = static_cast<double>(values.size());
  PolicyValue out;
  for (const double value : values) out.value += value / n;
  for (double& value : values) value -= out.value;
  out.error = error_of_sum(values, clusters) / n;
  return out;
}

}  // namespace

OffPolicyEstimate estimate_off_policy(std::span<const LoggedChoice> choices, double clip) {
  const Clusters clusters = number_clusters(choices);
  if (clusters.n < 2)
    fail(ErrorCode::kInvalidArgument, "{} logged choices in {} clusters, at least 2 clusters are needed", choices.size(),
         clusters.n);
  std::vector<double> weights;
  std::vector<double> ips;
  std::vector<double> robust;
  double sum = 0;
  double squares = 0;
  double weighted = 0;
  OffPolicyEstimate out;
  out.n_clusters = clusters.n;
  for (const LoggedChoice& choice : choices) {
    check(choice);
    double weight = choice.target / choice.logged;
    if (clip > 0) weight = std::min(weight, clip);
    weights.push_back(weight);
    ips.push_back(weight * choice.reward);
    robust.push_back(choice.model_of_target + weight * (choice.reward - choice.model));
    sum += weight;
    squares += weight * weight;
    weighted += weight * choice.reward;
    out.largest_weight = std::max(out.largest_weight, weight);
  }
  out.ips = mean_of(std::move(ips), clusters);
  out.doubly_robust = mean_of(std::move(robust), clusters);
  if (sum == 0) return out;  // the policies have nothing in common: effective_size 0 says so
  out.effective_size = sum * sum / squares;
  out.snips.value = weighted / sum;
  std::vector<double> parts(choices.size());  // by the delta method for a ratio
  for (std::size_t i = 0; i < choices.size(); ++i) parts[i] = weights[i] * (choices[i].reward - out.snips.value);
  out.snips.error = error_of_sum(parts, clusters) / sum;
  return out;
}

}  // namespace lodestone::evaluation
