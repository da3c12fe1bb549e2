#include "evaluation/experiment.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <boost/math/distributions/chi_squared.hpp>
#include <boost/math/distributions/students_t.hpp>
#include <cmath>
#include <limits>
#include <numeric>

#include "base/error.hpp"

namespace lodestone::evaluation {
namespace {

constexpr double kBrokenSplit = 0.001;

struct Moments {
  double mean = 0;
  double variance = 0;  ///< of one unit
};

Moments moments_of(std::span<const double> values) {
  const auto n = static_cast<double>(values.size());
  Moments out;
  out.mean = std::accumulate(values.begin(), values.end(), 0.0) / n;
  for (const double value : values) out.variance += (value - out.mean) * (value - out.mean);
  out.variance /= n - 1;
  return out;
}

/// One side: its ratio, and each unit's share in it.
struct Side {
  double ratio = 0;
  std::vector<double> linear;  ///< mean is the ratio
  std::vector<double> before;
};

Side side_of(std::span<const UnitOutcome> units, const char* name) {
  if (units.size() < 2) fail(ErrorCode::kInvalidArgument, "{} has {} units, at least 2 are needed", name, units.size());
  double amount = 0;
  double base = 0;
  for (const UnitOutcome& unit : units) {
    amount += unit.amount;
    base += unit.base;
  }
  if (!(base > 0)) fail(ErrorCode::kInvalidArgument, "{}: what its amounts are measured against sums to {}", name, base);
  Side out;
  out.ratio = amount / base;
  const double mean_base = base / static_cast<double>(units.size());
  for (const UnitOutcome& unit : units) {
    out.linear.push_back(out.ratio + (unit.amount - out.ratio * unit.base) / mean_base);
    out.before.push_back(unit.before);
  }
  return out;
}

/// Covariance / variance over both sides, each around its own mean, so that an effect of the treatment does not enter.
double slope(const Side& a, const Side& b) {
  double covariance = 0;
  double variance = 0;
  for (const Side* side : {&a, &b}) {
    const double mean_y = moments_of(side->linear).mean;
    const double mean_x = moments_of(side->before).mean;
    for (std::size_t i = 0; i < side->linear.size(); ++i) {
      covariance += (side->linear[i] - mean_y) * (side->before[i] - mean_x);
      variance += (side->before[i] - mean_x) * (side->before[i] - mean_x);
    }
  }
  return variance > 0 ? covariance / variance : 0;
}

std::vector<double> adjusted(const Side& side, double theta, double mean_before) {
  std::vector<double> out(side.linear.size());
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = side.linear[i] - theta * (side.before[i] - mean_before);
  return out;
}

double variance_of_difference(const Moments& a, std::size_t n_a, const Moments& b, std::size_t n_b) {
  return a.variance / static_cast<double>(n_a) + b.variance / static_cast<double>(n_b);
}

/// Degrees of freedom of Welch and Satterthwaite.
double welch_freedom(const Moments& a, std::size_t n_a, const Moments& b, std::size_t n_b) {
  const double x = a.variance / static_cast<double>(n_a);
  const double y = b.variance / static_cast<double>(n_b);
  return (x + y) * (x + y) / (x * x / static_cast<double>(n_a - 1) + y * y / static_cast<double>(n_b - 1));
}

std::string percent(double share) { return fmt::format("{:+.1f} %", 100 * share); }

}  // namespace

double sample_ratio_p(std::span<const std::uint64_t> counts, std::span<const double> shares) {
  const double n = static_cast<double>(std::accumulate(counts.begin(), counts.end(), std::uint64_t{0}));
  const double sum = std::accumulate(shares.begin(), shares.end(), 0.0);
  if (n == 0 || sum <= 0) return 1;
  double chi_square = 0;
  int n_planned = 0;
  for (std::size_t v = 0; v < counts.size(); ++v) {
    const auto observed = static_cast<double>(counts[v]);
    if (shares[v] <= 0) {
      if (observed > 0) return 0;
      continue;
    }
    const double expected = n * shares[v] / sum;
    chi_square += (observed - expected) * (observed - expected) / expected;
    ++n_planned;
  }
  if (n_planned < 2) return 1;
  return boost::math::cdf(boost::math::complement(boost::math::chi_squared(n_planned - 1), chi_square));
}

double Effect::relative(double value) const {
  return control == 0 ? std::numeric_limits<double>::quiet_NaN() : value / std::abs(control);
}

Effect compare_variants(std::span<const UnitOutcome> control, std::span<const UnitOutcome> treatment,
                        const EffectOptions& options) {
  const Side a = side_of(control, "control");
  const Side b = side_of(treatment, "treatment");
  Effect out;
  out.n_control = control.size();
  out.n_treatment = treatment.size();
  out.control = a.ratio;
  out.treatment = b.ratio;
  Moments of_a = moments_of(a.linear);
  Moments of_b = moments_of(b.linear);
  double variance = variance_of_difference(of_a, out.n_control, of_b, out.n_treatment);
  if (const double theta = options.use_before ? slope(a, b) : 0; theta != 0) {
    const double n = static_cast<double>(out.n_control + out.n_treatment);
    const double mean =
        (std::accumulate(a.before.begin(), a.before.end(), 0.0) + std::accumulate(b.before.begin(), b.before.end(), 0.0)) / n;
    const Moments less_a = moments_of(adjusted(a, theta, mean));
    const Moments less_b = moments_of(adjusted(b, theta, mean));
    const double less = variance_of_difference(less_a, out.n_control, less_b, out.n_treatment);
    if (less < variance) {
      out.variance_left = less / variance;
      of_a = less_a;
      of_b = less_b;
      variance = less;
    }
  }
  out.difference = of_b.mean - of_a.mean;
  out.low = out.high = out.difference;
  if (!(variance > 0)) {
    out.p = out.difference == 0 ? 1 : 0;
    return out;
  }
  const boost::math::students_t t(welch_freedom(of_a, out.n_control, of_b, out.n_treatment));
  const double half = boost::math::quantile(boost::math::complement(t, (1 - options.confidence) / 2)) * std::sqrt(variance);
  out.low -= half;
  out.high += half;
  out.p = 2 * boost::math::cdf(boost::math::complement(t, std::abs(out.difference) / std::sqrt(variance)));
  return out;
}

Verdict judge(const Effect& effect, double split_p) {
  if (split_p < kBrokenSplit) return Verdict::kBrokenSplit;
  if (std::min(effect.n_control, effect.n_treatment) < kFewUnits) return Verdict::kTooFew;
  if (effect.low > 0) return Verdict::kBetter;
  return effect.high < 0 ? Verdict::kWorse : Verdict::kNoDifference;
}

std::string verdict_sentence(Verdict verdict, const Effect& effect, double split_p, const std::string& treatment) {
  const std::string interval = fmt::format("{} ({} to {})", percent(effect.relative(effect.difference)),
                                           percent(effect.relative(effect.low)), percent(effect.relative(effect.high)));
  switch (verdict) {
    case Verdict::kBrokenSplit:
      return fmt::format("the split is broken (p = {:.2g}): visitors were not dealt as planned, so no number here can be trusted",
                         split_p);
    case Verdict::kTooFew:
      return fmt::format("too few visitors yet: {} and {}, at least {} a side are needed", effect.n_control, effect.n_treatment,
                         kFewUnits);
    case Verdict::kBetter: return fmt::format("{} is better: {}", treatment, interval);
    case Verdict::kWorse: return fmt::format("{} is worse: {}", treatment, interval);
    case Verdict::kNoDifference: return fmt::format("no difference can be told: {}", interval);
  }
  return "";
}

}  // namespace lodestone::evaluation
