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
/// Interactions that all trials may go through, which holds a search near ten seconds on two cores; enough for kLeastTrials at
/// any rate.
constexpr std::size_t kMostInteractions = 16'000'000;
constexpr std::size_t kLeastTrials = 6;

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
        budget_(std::max(kLeastTrials * x_.items.size(), kMostInteractions)) {}

  /// Leaves the best settings set, and returns what they reached.
  double run() {
    for (const double ratio : {8.0, 3.0, 20.0, 1.0}) attempt({.ratio = ratio});
    for (const double alpha : {2.0, 20.0}) attempt({.alpha = alpha, .ratio = best_.ratio});
    for (const double step : {1.6, 1.25}) {
      const double middle = best_.ratio;
      for (const double ratio : {middle / step, middle * step}) attempt({.alpha = best_.alpha, .ratio = ratio});
    }
    for (const double step : {1.7, 1 / 1.7}) attempt({.alpha = best_.alpha * step, .ratio = best_.ratio});
    for (const double exponent : {0.5, 1.0}) attempt({.alpha = best_.alpha, .ratio = best_.ratio, .exponent = exponent});
    choose_size();
    apply(best_);
    return reached_;
  }

 private:
  struct Settings {
    double alpha = 7;
    double ratio = 8;
    double exponent = 0;
    std::size_t factors = kTrialFactors;
    int iterations = kTrialIterations;
  };

  void apply(const Settings& settings) {
    training::AlsOptions& options = method_.options_;
    options.alpha = two_digits(settings.alpha);
    options.regularization = two_digits(settings.ratio * (1 + options.alpha));
    options.exponent = settings.exponent;
    options.factors = settings.factors;
    options.iterations = settings.iterations;
  }

  /// The trials were small; what is kept is not, and the best ratio for more factors may lie a little beside.
  void choose_size() {
    best_.iterations = kIterations;
    Settings settings = best_;
    reached_ = -1;
    attempt(settings);
    settings.factors = kMostFactors;
    attempt(settings);
    if (best_.factors != kMostFactors) return;
    for (const double step : {1.25, 1 / 1.25}) {
      settings.ratio = best_.ratio * step;
      attempt(settings);
    }
  }

  void attempt(const Settings& settings) {
    const std::size_t cost =
        x_.items.size() * settings.factors / kTrialFactors * static_cast<std::size_t>(settings.iterations) / kTrialIterations;
    if (cost > budget_) return;
    budget_ -= cost;
    apply(settings);
    method_.model_ = training::fit_als(x_, method_.options_);
    const double reached = method_.validate(tuning_);
    if (reached <= reached_) return;
    reached_ = reached;
    best_ = settings;
  }

  AlsMethod& method_;
  const Problem& tuning_;
  models::Interactions x_;
  std::size_t budget_;
  Settings best_;
  double reached_ = -1;
};

AlsMethod::AlsMethod(int threads) : TunedMethod(threads) { options_.threads = threads; }

std::string AlsMethod::settings() const {
  return fmt::format("factors={} regularization={:g} alpha={:g} exponent={:g} iterations={}{}", options_.factors,
                     options_.regularization, options_.alpha, options_.exponent, options_.iterations,
                     decay_ < 1 ? fmt::format(" decay={}", decay_) : "");
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
