#include "evaluate_sequence.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace lodestone::app {
namespace {

using evaluation::Problem;
using evaluation::TrainPart;

/// Rules look at the last items only; by then a decay of .5 has left 1 %.
constexpr std::size_t kRuleItems = 8;

models::Sequences sequences_of(const TrainPart& train) { return {train.n_items, train.histories.offsets, train.histories.items}; }

}  // namespace

RulesMethod::RulesMethod(int threads) : TunedMethod(threads) { options_.threads = threads; }

std::string RulesMethod::settings() const {
  return fmt::format("distance={} source_exponent={} target_exponent={} backward={} decay={}", options_.max_distance,
                     options_.source_exponent, options_.target_exponent, options_.backward, decay_);
}

void RulesMethod::score(std::span<const ItemIndex> history, std::span<float> scores) const {
  const models::Neighbours rules = rules_.view();
  for_each_weighted(history.last(std::min(history.size(), kRuleItems)), decay_, [&](ItemIndex item, float weight) {
    models::add_history_scores(rules, std::span(&item, 1), std::span(&weight, 1), scores);
  });
}

double RulesMethod::choose(const Problem& tuning) {
  const auto refit = [&] {
    fit_as_set(tuning.train);
    return validate(tuning);
  };
  double best = refit();
  try_values(options_.target_exponent, {0.0, 0.25, 0.75}, best, refit);
  try_values(options_.source_exponent, {0.0, 0.25, 0.75}, best, refit);
  try_values(options_.backward, {0.3}, best, refit);
  fit_as_set(tuning.train);
  try_values(decay_, {0.3, 0.7, 0.85}, best, [&] { return validate(tuning); });
  return best;
}

void RulesMethod::fit_as_set(const TrainPart& train) { rules_ = training::fit_sequence_rules(sequences_of(train), options_); }

HistoryNeighboursMethod::HistoryNeighboursMethod(Form form, int threads) : TunedMethod(threads), form_(form) {
  if (form == Form::kUsers) return;
  options_.neighbors = 500;
  options_.decay = 0.7;
  options_.recent = 10;
  options_.reach = 4;
  options_.item_exponent = 0.25;
  options_.max_histories = 5000;
}

std::string HistoryNeighboursMethod::settings() const {
  const std::string common = fmt::format("neighbors={} item_exponent={} target_exponent={}", options_.neighbors,
                                         options_.item_exponent, options_.target_exponent);
  return form_ == Form::kUsers ? common : fmt::format("{} decay={} reach={}", common, options_.decay, options_.reach);
}

void HistoryNeighboursMethod::score(std::span<const ItemIndex> history, std::span<float> scores) const {
  thread_local models::HistoryNeighbours::Scratch scratch;
  model_.add_scores(history, scratch, scores);
}

double HistoryNeighboursMethod::choose(const Problem& tuning) {
  fit_as_set(tuning.train);
  const auto attempt = [&] {
    model_.set_options(options_);
    return validate(tuning);
  };
  double best = attempt();
  if (form_ == Form::kSessions) {
    try_values(options_.decay, {0.5, 0.85}, best, attempt);
    try_values(options_.reach, {1.0, 2.0, 8.0}, best, attempt);
  }
  try_values(options_.item_exponent, {0.0, 0.25, 0.5}, best, attempt);
  try_values(options_.target_exponent, {0.25, 0.5}, best, attempt);
  if (form_ == Form::kSessions) {
    try_values(options_.neighbors, {std::size_t{150}, std::size_t{1500}}, best, attempt);
  } else {
    try_values(options_.neighbors, {std::size_t{50}, std::size_t{200}, std::size_t{400}}, best, attempt);
  }
  model_.set_options(options_);
  return best;
}

void HistoryNeighboursMethod::fit_as_set(const TrainPart& train) {
  model_ = models::HistoryNeighbours(sequences_of(train), options_);
}

}  // namespace lodestone::app
