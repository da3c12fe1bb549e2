#include "evaluate_als.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <vector>

#include "als_search.hpp"

namespace lodestone::app {
namespace {

using evaluation::HistoryOrder;
using evaluation::Problem;
using evaluation::TrainPart;

constexpr std::size_t kCases = 5000;  // of a validation, at most

struct Weighted {
  ItemIndex item;
  float weight;
};

}  // namespace

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
  const models::Interactions x = evaluation::to_interactions(tuning.train.histories, tuning.train.n_items);
  AlsSearchOptions search;
  search.n_users = x.n_users();
  search.n_items = x.n_items;
  search.n_pairs = x.items.size();
  search.n_cases = std::min(kCases, tuning.targets.size());
  const auto attempt = [&](const training::AlsOptions& options) {
    set(options);
    model_ = training::fit_als(x, options_);
    return validate(tuning);
  };
  // How far back a history counts decides what the rest should be.
  const bool ordered = tuning.train.order != HistoryOrder::kNone;
  const std::function<double()> choose_first = ordered ? [&] { return choose_decay(tuning, decay_); } : std::function<double()>{};
  const AlsSettings best = search_als(search, attempt, choose_first);
  set(best.options);
  if (!ordered) return best.reached;
  fit_as_set(tuning.train);
  return choose_decay(tuning, decay_);
}

void AlsMethod::set(const training::AlsOptions& options) {
  const int threads = options_.threads;
  options_ = options;
  options_.threads = threads;
}

void AlsMethod::fit_as_set(const TrainPart& train) {
  model_ = training::fit_als(evaluation::to_interactions(train.histories, train.n_items), options_);
}

}  // namespace lodestone::app
