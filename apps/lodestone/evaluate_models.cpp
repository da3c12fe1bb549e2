#include "evaluate_models.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "base/log.hpp"

namespace lodestone::app {
namespace {

using evaluation::HistoryOrder;
using evaluation::Problem;
using evaluation::TrainPart;

constexpr std::size_t kTuneCases = 5000;
constexpr std::size_t kTuneAt = 10;
std::size_t index(ItemIndex item) { return static_cast<std::size_t>(item); }

/// Finer differences of lambda change nothing and read badly.
double two_digits(double value) {
  const double unit = std::pow(10, std::floor(std::log10(value)) - 1);
  return std::round(value / unit) * unit;
}

std::string decay_text(double decay) { return decay < 1 ? fmt::format(" decay={}", decay) : ""; }

/// Lists cut to their best `k`.
models::OwnedNeighbours shorten(const models::Neighbours& lists, std::size_t k) {
  models::OwnedNeighbours out;
  for (std::size_t i = 0; i < lists.n_items(); ++i) {
    const models::NeighbourRow row = lists.row(static_cast<ItemIndex>(i));
    const auto n = static_cast<std::ptrdiff_t>(std::min(k, row.items.size()));
    out.items.insert(out.items.end(), row.items.begin(), row.items.begin() + n);
    out.scores.insert(out.scores.end(), row.scores.begin(), row.scores.begin() + n);
    out.offsets.push_back(out.items.size());
  }
  return out;
}

}  // namespace

void TunedMethod::fit(const TrainPart& train) {
  if (!tuned_ && train.tuning != nullptr) (void)tune(*train.tuning);
  fit_as_set(train);
}

double TunedMethod::tune(const Problem& tuning) {
  tuned_ = true;
  return choose(tuning);
}

double TunedMethod::validate(const Problem& tuning) const {
  return evaluation::measure_one(tuning, *this, evaluation::Metric::kNdcg, kTuneAt, kTuneCases, threads_);
}

double TunedMethod::choose_decay(const Problem& tuning, double& decay) const {
  static constexpr std::array<double, 5> kDecays{1, 0.8, 0.6, 0.4, 0.2};
  double best = -1;
  double chosen = 1;
  for (const double d : kDecays) {
    if (d < 1 && tuning.train.order == HistoryOrder::kNone) break;
    decay = d;
    const double reached = validate(tuning);
    if (reached > best) {
      best = reached;
      chosen = d;
    }
  }
  decay = chosen;
  return best;
}

void PopularMethod::score(std::span<const ItemIndex>, std::span<float> scores) const {
  std::copy(scores_.begin(), scores_.end(), scores.begin());
}

double PopularMethod::choose(const Problem& tuning) {
  fit_as_set(tuning.train);
  return validate(tuning);
}

void PopularMethod::fit_as_set(const TrainPart& train) {
  scores_.assign(train.n_items, 0);
  for (const ItemIndex item : evaluation::to_interactions(train.histories, train.n_items).items) ++scores_[index(item)];
}

ItemKnnMethod::ItemKnnMethod(training::Weighting weighting, int threads) : TunedMethod(threads) {
  options_.weighting = weighting;
  options_.threads = threads;
}

std::string ItemKnnMethod::name() const { return fmt::format("itemknn-{}", training::weighting_name(options_.weighting)); }

std::string ItemKnnMethod::settings() const { return fmt::format("neighbors={}{}", options_.neighbors, decay_text(decay_)); }

void ItemKnnMethod::score(std::span<const ItemIndex> history, std::span<float> scores) const {
  const models::Neighbours influence = influence_.view();
  for_each_weighted(history, decay_, [&](ItemIndex item, float weight) {
    models::add_history_scores(influence, std::span(&item, 1), std::span(&weight, 1), scores);
  });
}

double ItemKnnMethod::choose(const Problem& tuning) {
  static constexpr std::array<std::size_t, 3> kLengths{200, 100, 50};
  options_.neighbors = kLengths[0];
  const models::OwnedNeighbours lists =
      training::fit_item_knn(evaluation::to_interactions(tuning.train.histories, tuning.train.n_items), options_);
  double best = -1;
  std::size_t chosen = kLengths[0];
  double chosen_decay = 1;
  for (const std::size_t k : kLengths) {
    influence_ = models::invert(shorten(lists.view(), k).view());
    const double reached = k == kLengths[0] ? choose_decay(tuning, decay_) : validate(tuning);
    if (reached > best) {
      best = reached;
      chosen = k;
      chosen_decay = decay_;
    }
  }
  options_.neighbors = chosen;
  decay_ = chosen_decay;
  return best;
}

void ItemKnnMethod::fit_as_set(const TrainPart& train) {
  influence_ =
      models::invert(training::fit_item_knn(evaluation::to_interactions(train.histories, train.n_items), options_).view());
}

EaseMethod::EaseMethod(int threads) : TunedMethod(threads) { options_.threads = threads; }

std::string EaseMethod::settings() const {
  return fmt::format("lambda={:g} user_exponent={} item_exponent={}{}", options_.lambda, options_.user_exponent,
                     options_.item_exponent, decay_text(decay_));
}

void EaseMethod::score(std::span<const ItemIndex> history, std::span<float> scores) const {
  thread_local std::vector<ItemIndex> items;
  thread_local std::vector<float> weights;
  items.clear();
  weights.clear();
  for_each_weighted(history, decay_, [](ItemIndex item, float weight) {
    items.push_back(item);
    weights.push_back(weight);
  });
  model_.add_scores(items, weights, scores);
}

double EaseMethod::choose(const Problem& tuning) {
  const training::EaseFitter fitter(evaluation::to_interactions(tuning.train.histories, tuning.train.n_items), options_);
  double best = -1;
  double chosen = options_.lambda;
  decay_ = 1;
  const auto attempt = [&](double lambda) {
    model_ = fitter.fit(lambda);
    const double reached = validate(tuning);
    if (reached <= best) return;
    best = reached;
    chosen = lambda;
  };
  for (const double lambda : {10.0, 50.0, 200.0, 1000.0}) attempt(lambda);
  for (const double step : {2.0, 1.4}) {
    const double middle = chosen;
    attempt(two_digits(middle / step));
    attempt(two_digits(middle * step));
  }
  options_.lambda = chosen;
  if (tuning.train.order != HistoryOrder::kNone) {
    model_ = fitter.fit(chosen);
    best = choose_decay(tuning, decay_);
  }
  return best;
}

void EaseMethod::fit_as_set(const TrainPart& train) {
  model_ = {};  // its memory first
  model_ = training::fit_ease(evaluation::to_interactions(train.histories, train.n_items), options_);
}

SlimMethod::SlimMethod(int threads) : TunedMethod(threads) {
  options_.threads = threads;
  options_.neighbors = options_.support;
}

std::string SlimMethod::settings() const {
  return fmt::format("lambda={:g} support={} user_exponent={} item_exponent={}{}", options_.lambda, options_.support,
                     options_.user_exponent, options_.item_exponent, decay_text(decay_));
}

void SlimMethod::score(std::span<const ItemIndex> history, std::span<float> scores) const {
  const models::Neighbours influence = influence_.view();
  for_each_weighted(history, decay_, [&](ItemIndex item, float weight) {
    models::add_history_scores(influence, std::span(&item, 1), std::span(&weight, 1), scores);
  });
}

double SlimMethod::choose(const Problem& tuning) {
  const training::SlimFitter fitter(evaluation::to_interactions(tuning.train.histories, tuning.train.n_items), options_);
  double best = -1;
  double chosen = options_.lambda;
  decay_ = 1;
  const auto attempt = [&](double lambda) {
    influence_ = models::invert(fitter.fit(lambda, options_.support).view());
    const double reached = validate(tuning);
    if (reached <= best) return;
    best = reached;
    chosen = lambda;
  };
  for (const double lambda : {20.0, 120.0}) attempt(lambda);
  attempt(chosen > 20 ? 400 : 5);
  options_.lambda = chosen;
  if (tuning.train.order != HistoryOrder::kNone) {
    influence_ = models::invert(fitter.fit(chosen, options_.support).view());
    best = choose_decay(tuning, decay_);
  }
  return best;
}

void SlimMethod::fit_as_set(const TrainPart& train) {
  influence_ = models::invert(training::fit_slim(evaluation::to_interactions(train.histories, train.n_items), options_).view());
}

}  // namespace lodestone::app
