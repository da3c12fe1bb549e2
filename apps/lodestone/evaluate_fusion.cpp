// The two methods made of others: fused, and auto.

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/log.hpp"
#include "evaluate_models.hpp"

namespace lodestone::app {
namespace {

/// Items of each list that take part, and what is added to a rank: as in the paper, so that the very first places do not decide alone.
constexpr std::size_t kDepth = 300;
constexpr double kRankOffset = 60;

}  // namespace

FusedMethod::FusedMethod(std::vector<std::shared_ptr<TunedMethod>> parts, int threads)
    : TunedMethod(threads), parts_(std::move(parts)), weights_(parts_.size(), 0.1) {
  weights_.front() = 1;
}

std::string FusedMethod::settings() const {
  std::string out;
  for (std::size_t p = 0; p < parts_.size(); ++p) {
    out += fmt::format("{}{} x {} ({})", p > 0 ? " + " : "", weights_[p], parts_[p]->name(), parts_[p]->settings());
  }
  return out;
}

void FusedMethod::score(std::span<const ItemIndex> history, std::span<float> scores) const {
  thread_local std::vector<ItemIndex> order;
  std::vector<float> part(scores.size());
  for (std::size_t p = 0; p < parts_.size(); ++p) {
    if (weights_[p] == 0) continue;
    std::fill(part.begin(), part.end(), 0.0F);
    parts_[p]->score(history, part);
    order.clear();
    for (std::size_t i = 0; i < part.size(); ++i) {
      if (part[i] > 0) order.push_back(static_cast<ItemIndex>(i));
    }
    // The history takes places in most lists and is hidden in most protocols, so it does not count into the depth.
    const std::size_t depth = std::min(order.size(), kDepth + history.size());
    const auto better = [&](ItemIndex a, ItemIndex b) {
      const float x = part[static_cast<std::size_t>(a)];
      const float y = part[static_cast<std::size_t>(b)];
      return x != y ? x > y : a < b;
    };
    std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(depth), order.end(), better);
    for (std::size_t r = 0; r < depth; ++r) {
      scores[static_cast<std::size_t>(order[r])] += static_cast<float>(weights_[p] / (kRankOffset + static_cast<double>(r) + 1));
    }
  }
}

double FusedMethod::choose(const evaluation::Problem& tuning) {
  static constexpr std::array<double, 4> kWeights{0, 0.1, 0.3, 0.6};
  for (const auto& part : parts_) {
    if (!part->tuned_) (void)part->tune(tuning);
    part->fit_as_set(tuning.train);
  }
  std::fill(weights_.begin() + 1, weights_.end(), 0);
  double best = validate(tuning);
  for (std::size_t p = 1; p < parts_.size(); ++p) {  // one part after the other, the most trusted first
    double chosen = 0;
    for (const double w : kWeights) {
      if (w == 0) continue;
      weights_[p] = w;
      const double reached = validate(tuning);
      if (reached > best) {
        best = reached;
        chosen = w;
      }
    }
    weights_[p] = chosen;
  }
  return best;
}

void FusedMethod::fit_as_set(const evaluation::TrainPart& train) {
  for (const auto& part : parts_) part->fit_as_set(train);
}

AutoMethod::AutoMethod(std::vector<std::shared_ptr<TunedMethod>> candidates, int threads)
    : candidates_(std::move(candidates)), popular_(threads) {}

std::string AutoMethod::settings() const {
  return chosen_ == nullptr ? "" : fmt::format("{}: {}", chosen_->name(), chosen_->settings());
}

void AutoMethod::fit(const evaluation::TrainPart& train) {
  chosen_ = candidates_.front();
  if (train.tuning != nullptr && candidates_.size() > 1) {
    double best = -1;
    for (const auto& candidate : candidates_) {
      const double reached = candidate->tune(*train.tuning);
      log_info("evaluate", "auto: {} ({}) reaches NDCG@10 {:.4f} without the test part", candidate->name(), candidate->settings(),
               reached);
      if (reached > best) {
        best = reached;
        chosen_ = candidate;
      }
    }
  }
  chosen_->fit(train);
  popular_.fit({train.n_items, train.histories, train.order, train.texts, nullptr});
}

void AutoMethod::score(std::span<const ItemIndex> history, std::span<float> scores) const {
  chosen_->score(history, scores);
  const bool says_nothing = std::all_of(scores.begin(), scores.end(), [&](float s) { return s == scores[0]; });
  if (says_nothing) popular_.score(history, scores);
}

}  // namespace lodestone::app
