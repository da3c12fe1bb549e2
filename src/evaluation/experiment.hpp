#pragma once
// What an experiment says: whether visitors were dealt as planned, how large the effect is and how sure that is. A unit is whoever was dealt to a
// variant (a user or a visitor); everything here is computed over units, never over lists, since the lists of one unit are not independent.

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace lodestone::evaluation {

/// What one unit did.
struct UnitOutcome {
  double amount = 0;  ///< clicks, orders, yuan
  double base = 1;    ///< what the amount is measured against: lists seen; 1 = the unit itself
  double before = 0;  ///< the same amount before the experiment began, for CUPED
};

/// p of Pearson's chi-square test of `counts` against the planned `shares`, which are scaled to sum to 1. Below 0.001 the split is broken (Fabijan et
/// al., "Diagnosing sample ratio mismatch", KDD 2019). 1 where there is nothing to test. Both have the same length; a unit where none was planned
/// gives 0.
double sample_ratio_p(std::span<const std::uint64_t> counts, std::span<const double> shares);

struct Effect {
  std::size_t n_control = 0;  ///< units
  std::size_t n_treatment = 0;
  double control = 0;  ///< sum of amounts / sum of bases, as observed
  double treatment = 0;
  double difference = 0;  ///< treatment - control, after CUPED where it was used
  double low = 0;         ///< interval of the difference
  double high = 0;
  double p = 1;              ///< two-sided
  double variance_left = 1;  ///< of the difference by CUPED, against without; 1 = not used
  /// difference / control, and so on; NaN when the control is 0.
  [[nodiscard]] double relative(double value) const;
};

struct EffectOptions {
  double confidence = 0.95;
  /// CUPED (Deng, Xu, Kohavi and Walker, "Improving the sensitivity of online controlled experiments by utilizing pre-experiment data", WSDM 2013):
  /// takes off what `before` tells already. Used where it leaves less variance; the expected difference is the same.
  bool use_before = true;
};

/// Welch's t interval of the difference of two means; of ratios by the delta method, that is by each unit's linear part (amount - ratio * base) / mean
/// base (Deng, Knoblich and Lu, "Applying the delta method in metric analytics", KDD 2018). Throws invalid_argument for fewer than two units on a side
/// and for a side whose bases sum to 0.
Effect compare_variants(std::span<const UnitOutcome> control, std::span<const UnitOutcome> treatment,
                        const EffectOptions& options = {});

enum class Verdict { kBrokenSplit, kTooFew, kBetter, kWorse, kNoDifference };
/// In that order: a broken split (p below 0.001) makes everything else worthless; fewer than kFewUnits a side decide nothing.
inline constexpr std::size_t kFewUnits = 100;
Verdict judge(const Effect& effect, double split_p);
/// A plain sentence, "treatment is better: +3.2 % (+0.4 % to +6.0 %)".
std::string verdict_sentence(Verdict verdict, const Effect& effect, double split_p, const std::string& treatment);

}  // namespace lodestone::evaluation
