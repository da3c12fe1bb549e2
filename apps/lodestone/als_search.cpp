#include "als_search.hpp"

#include <algorithm>
#include <cmath>

namespace lodestone::app {
namespace {

constexpr std::size_t kTrialFactors = 64;
constexpr std::size_t kMostFactors = 128;
constexpr int kTrialIterations = 8;
constexpr int kIterations = 15;
/// Of the work; the rest is for the size.
constexpr double kTrialShare = 0.6;
constexpr double kLeastTrials = 6;
constexpr double kMostTrials = 40;  // on small data, where no number of operations ends a climb
constexpr double kMostAlpha = 1000;

/// Finer differences change nothing and read badly.
double two_digits(double value) {
  const double unit = std::pow(10, std::floor(std::log10(value)) - 1);
  return std::round(value / unit) * unit;
}

/// Tries settings in turn and keeps the best. Regularisation is searched as its ratio to the confidence 1 + alpha: on what was
/// met the two pull against each other, so that the best ratio hardly moves with alpha.
class Search {
 public:
  Search(const AlsSearchOptions& options, const std::function<double(const training::AlsOptions&)>& attempt)
      : options_(options), attempt_(attempt), work_(std::max(options.max_work, kLeastTrials * work_of({}) / kTrialShare)) {
    best_.alpha = options.start_alpha;
    if (options.factors > 0) best_.factors = std::min(kTrialFactors, options.factors);
  }

  AlsSettings run(const std::function<double()>& after_first) {
    budget_ = kTrialShare * work_;
    attempt(best_);
    if (after_first) reached_ = after_first();
    climb(&Settings::ratio, 2.5);
    climb(&Settings::alpha, 2.7);
    climb(&Settings::ratio, 1.5);
    climb(&Settings::alpha, 1.6);
    climb(&Settings::ratio, 1.2);
    for (const double exponent : {0.0, 1.0}) {
      Settings settings = best_;
      settings.exponent = exponent;
      attempt(settings);
    }
    Settings settings = best_;
    settings.user_exponent = 0;
    attempt(settings);
    choose_size();
    return {to_options(best_), reached_};
  }

 private:
  struct Settings {
    double alpha = 7;
    double ratio = 8;
    double exponent = 0.5;
    double user_exponent = 0.5;
    std::size_t factors = kTrialFactors;
    int iterations = kTrialIterations;
  };

  static training::AlsOptions to_options(const Settings& settings) {
    training::AlsOptions options;
    options.alpha = two_digits(settings.alpha);
    options.regularization = two_digits(settings.ratio * (1 + options.alpha));
    options.exponent = settings.exponent;
    options.user_exponent = settings.user_exponent;
    options.factors = settings.factors;
    options.iterations = settings.iterations;
    return options;
  }

  /// Multiplies the best `setting` by `step` for as long as that is better, else divides it.
  void climb(double Settings::*setting, double step) {
    for (const double factor : {step, 1 / step}) {
      bool moved = false;
      for (bool better = true; better; moved = moved || better) {
        Settings settings = best_;
        settings.*setting *= factor;
        better = attempt(settings);
      }
      if (moved) return;
    }
  }

  /// The trials were small, what is kept is not; more factors want more regularisation.
  void choose_size() {
    budget_ += (1 - kTrialShare) * work_;
    const double reached = reached_;
    best_.iterations = kIterations;
    Settings settings = best_;
    reached_ = -1;
    if (!attempt(settings)) reached_ = reached;
    if (options_.factors > 0 && options_.factors == best_.factors) return;
    settings.factors = options_.factors > 0 ? options_.factors : kMostFactors;
    const double ratio = settings.ratio;
    for (const double step : {1.0, 1.25, 1 / 1.25, 1.6}) {
      settings.ratio = ratio * step;
      attempt(settings);
    }
  }

  /// Operations of a fit by conjugate gradients and of a validation, which moves its numbers half as fast.
  [[nodiscard]] double work_of(const Settings& settings) const {
    const auto f = static_cast<double>(settings.factors);
    const auto met = static_cast<double>(options_.n_pairs);
    const auto n_items = static_cast<double>(options_.n_items);
    const auto n_users = static_cast<double>(options_.n_users);
    const auto cases = static_cast<double>(options_.n_cases);
    const double row = n_users > 0 ? met / n_users : 0;
    const double work = settings.iterations * (32 * met * f + 8 * (n_users + n_items) * f * f) +
                        2 * cases * (2 * n_items * f + row * f * f + f * f * f / 3);
    return std::max(work, options_.max_work / kMostTrials);
  }

  /// Whether these settings are better than the best so far; they are the best then. False too when they may not be tried.
  bool attempt(const Settings& settings) {
    const double work = work_of(settings);
    if (work > budget_ || settings.alpha > kMostAlpha * options_.start_alpha / Settings{}.alpha) return false;
    budget_ -= work;
    const double reached = attempt_(to_options(settings));
    if (reached <= reached_) return false;
    reached_ = reached;
    best_ = settings;
    return true;
  }

  const AlsSearchOptions& options_;
  const std::function<double(const training::AlsOptions&)>& attempt_;
  double work_;  ///< of the search
  double budget_ = 0;
  Settings best_;
  double reached_ = -1;
};

}  // namespace

AlsSettings search_als(const AlsSearchOptions& search, const std::function<double(const training::AlsOptions&)>& attempt,
                       const std::function<double()>& after_first) {
  return Search(search, attempt).run(after_first);
}

}  // namespace lodestone::app
