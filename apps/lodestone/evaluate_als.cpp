#include "evaluate_als.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace lodestone::app {
namespace {

using evaluation::HistoryOrder;
using evaluation::Problem;
using evaluation::TrainPart;

constexpr std::size_t kTrialFactors = 64;
constexpr std::size_t kMostFactors = 128;
constexpr int kTrialIterations = 8;
constexpr int kIterations = 15;
/// Floating point operations of all trials together, which holds a search near ten seconds on two cores; enough for kLeastTrials
/// of the first kind at any rate. What kTrialShare leaves is for the size.
constexpr double kMostWork = 6e11;
constexpr double kTrialShare = 0.6;
constexpr double kLeastTrials = 6;
constexpr double kMostTrials = 40;  // on small data, where no number of operations ends a climb
constexpr double kMostAlpha = 1000;
constexpr double kCases = 5000;  // of a validation, at most

struct Weighted {
  ItemIndex item;
  float weight;
};

/// Finer differences change nothing and read badly.
double two_digits(double value) {
  const double unit = std::pow(10, std::floor(std::log10(value)) - 1);
  return std::round(value / unit) * unit;
}

}  // namespace

/// Tries settings in turn and keeps the best. Regularisation is searched as its ratio to the confidence 1 + alpha: on what was
/// met the two pull against each other, so that the best ratio hardly moves with alpha.
class AlsMethod::Search {
 public:
  Search(AlsMethod& method, const Problem& tuning)
      : method_(method),
        tuning_(tuning),
        x_(evaluation::to_interactions(tuning.train.histories, tuning.train.n_items)),
        work_(std::max(kMostWork, kLeastTrials * work_of({}) / kTrialShare)) {}

  /// Leaves the best settings set, and returns what they reached.
  double run() {
    budget_ = kTrialShare * work_;
    attempt({});
    // How far back a history counts decides what the rest should be.
    if (tuning_.train.order != HistoryOrder::kNone) reached_ = method_.choose_decay(tuning_, method_.decay_);
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
    apply(best_);
    return reached_;
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

  void apply(const Settings& settings) {
    training::AlsOptions& options = method_.options_;
    options.alpha = two_digits(settings.alpha);
    options.regularization = two_digits(settings.ratio * (1 + options.alpha));
    options.exponent = settings.exponent;
    options.user_exponent = settings.user_exponent;
    options.factors = settings.factors;
    options.iterations = settings.iterations;
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
    settings.factors = kMostFactors;
    const double ratio = settings.ratio;
    for (const double step : {1.0, 1.25, 1 / 1.25, 1.6}) {
      settings.ratio = ratio * step;
      attempt(settings);
    }
  }

  /// Operations of a fit by conjugate gradients and of a validation, which moves its numbers half as fast.
  [[nodiscard]] double work_of(const Settings& settings) const {
    const auto f = static_cast<double>(settings.factors);
    const auto met = static_cast<double>(x_.items.size());
    const auto n_items = static_cast<double>(x_.n_items);
    const auto n_users = static_cast<double>(x_.n_users());
    const double cases = std::min(kCases, static_cast<double>(tuning_.targets.size()));
    const double row = n_users > 0 ? met / n_users : 0;
    const double work = settings.iterations * (32 * met * f + 8 * (n_users + n_items) * f * f) +
                        2 * cases * (2 * n_items * f + row * f * f + f * f * f / 3);
    return std::max(work, kMostWork / kMostTrials);
  }

  /// Whether these settings are better than the best so far; they are the best then. False too when they may not be tried.
  bool attempt(const Settings& settings) {
    const double work = work_of(settings);
    if (work > budget_ || settings.alpha > kMostAlpha) return false;
    budget_ -= work;
    apply(settings);
    method_.model_ = training::fit_als(x_, method_.options_);
    const double reached = method_.validate(tuning_);
    if (reached <= reached_) return false;
    reached_ = reached;
    best_ = settings;
    return true;
  }

  AlsMethod& method_;
  const Problem& tuning_;
  models::Interactions x_;
  double work_;  ///< of the search
  double budget_ = 0;
  Settings best_;
  double reached_ = -1;
};

AlsMethod::AlsMethod(int threads) : TunedMethod(threads) { options_.threads = threads; }

std::string AlsMethod::settings() const {
  return fmt::format("factors={} regularization={:g} alpha={:g} exponent={:g} user_exponent={:g} iterations={}{}",
                     options_.factors, options_.regularization, options_.alpha, options_.exponent, options_.user_exponent,
                     options_.iterations, decay_ < 1 ? fmt::format(" decay={}", decay_) : "");
}

void AlsMethod::score(std::span<const ItemIndex> history, std::span<float> scores) const {
  thread_local std::vector<Weighted> met;
  thread_local std::vector<ItemIndex> items;
  thread_local std::vector<float> weights;
  met.clear();
  for_each_weighted(history, decay_, [](ItemIndex item, float weight) { met.push_back({item, weight}); });
  // The heaviest, which is the newest, of each item.
  std::sort(met.begin(), met.end(),
            [](const Weighted& a, const Weighted& b) { return a.item != b.item ? a.item < b.item : a.weight > b.weight; });
  met.erase(std::unique(met.begin(), met.end(), [](const Weighted& a, const Weighted& b) { return a.item == b.item; }),
            met.end());
  items.clear();
  weights.clear();
  for (const Weighted& one : met) {
    items.push_back(one.item);
    weights.push_back(one.weight);
  }
  model_.add_scores(model_.fold_in(items, weights), scores);
}

double AlsMethod::choose(const Problem& tuning) {
  decay_ = 1;
  const double reached = Search(*this, tuning).run();
  if (tuning.train.order == HistoryOrder::kNone) return reached;
  fit_as_set(tuning.train);
  return choose_decay(tuning, decay_);
}

void AlsMethod::fit_as_set(const TrainPart& train) {
  model_ = training::fit_als(evaluation::to_interactions(train.histories, train.n_items), options_);
}

}  // namespace lodestone::app
