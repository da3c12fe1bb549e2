#include "evaluation/off_policy.hpp"

#include <algorithm>
#include <cmath>
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

PolicyValue mean_of(const std::vector<double>& values) {
  const auto n = static_cast<double>(values.size());
  PolicyValue out;
  for (const double value : values) out.value += value / n;
  double squares = 0;
  for (const double value : values) squares += (value - out.value) * (value - out.value);
  out.error = std::sqrt(squares / (n - 1) / n);
  return out;
}

}  // namespace

OffPolicyEstimate estimate_off_policy(std::span<const LoggedChoice> choices, double clip) {
  if (choices.size() < 2) fail(ErrorCode::kInvalidArgument, "{} logged choices, at least 2 are needed", choices.size());
  std::vector<double> weights;
  std::vector<double> ips;
  std::vector<double> robust;
  double sum = 0;
  double squares = 0;
  double weighted = 0;
  OffPolicyEstimate out;
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
  out.ips = mean_of(ips);
  out.doubly_robust = mean_of(robust);
  if (sum == 0) return out;  // the policies have nothing in common: effective_size 0 says so
  out.effective_size = sum * sum / squares;
  out.snips.value = weighted / sum;
  double spread = 0;  // by the delta method for a ratio
  for (std::size_t i = 0; i < choices.size(); ++i) {
    const double part = weights[i] * (choices[i].reward - out.snips.value);
    spread += part * part;
  }
  out.snips.error = std::sqrt(spread) / sum;
  return out;
}

}  // namespace lodestone::evaluation
