#pragma once
// What another policy would have earned, from the log of one that explored: before anybody sees it.

#include <cstddef>
#include <span>

namespace lodestone::evaluation {

/// One logged decision with its reward.
struct LoggedChoice {
  double reward = 0;
  double logged = 1;           ///< probability with which the logging policy showed it, above 0
  double target = 0;           ///< probability with which the other one would
  double model = 0;            ///< reward that a model predicts for what was shown
  double model_of_target = 0;  ///< mean of the model's rewards over what the other policy would show
  std::size_t cluster = 0;     ///< choices of one number may depend on each other, as those that one visitor saw
};

struct PolicyValue {
  double value = 0;  ///< mean reward a decision
  double error = 0;  ///< standard error, over clusters (Liang and Zeger 1986)
};

struct OffPolicyEstimate {
  PolicyValue ips;            ///< inverse propensity scores (Horvitz and Thompson 1952): unbiased, wide
  PolicyValue snips;          ///< self-normalised (Swaminathan and Joachims 2015): a little bias, much narrower
  PolicyValue doubly_robust;  ///< Dudik, Langford and Li 2011: right when the propensities or the model are
  double effective_size = 0;  ///< (sum of weights)^2 / sum of their squares: how many decisions the estimate rests on (Kish 1965)
  double largest_weight = 0;
  std::size_t n_clusters = 0;
};

/// Weights above `clip` count as `clip` (0 = never), which trades variance for bias. Throws invalid_argument for fewer than two clusters, a
/// probability outside [0, 1], and a logged one of 0: what could never be shown says nothing about what would have been.
OffPolicyEstimate estimate_off_policy(std::span<const LoggedChoice> choices, double clip = 0);

}  // namespace lodestone::evaluation
