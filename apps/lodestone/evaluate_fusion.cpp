#include "evaluate_fusion.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "base/log.hpp"
#include "base/thread_pool.hpp"
#include "evaluation/metrics.hpp"

namespace lodestone::app {
namespace {

using evaluation::Problem;
using evaluation::RankedItem;
using Scale = FusedMethod::Scale;

constexpr std::size_t kBlock = 8;
/// Cases that weights are learned on, and how far each part's list reaches into the candidates: ten are judged.
constexpr std::size_t kCases = 3000;
constexpr std::size_t kDepth = 60;
constexpr std::size_t kJudgedAt = 10;
/// Weights that are tried.
constexpr std::array<double, 11> kWeights{0, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1, 1.5, 2, 3};
/// A part must be worth 1 + this / sqrt(cases) to come in: less is chance, the more so the fewer cases there are.
constexpr double kWorth = 0.03;
/// Weights are found on the cases without each of so many parts of them and averaged, as what a search finds on one sample is partly
/// that sample (Breiman, "Bagging predictors", 1996).
constexpr std::size_t kBags = 5;
constexpr int kRounds = 3;
/// Smaller weights cost a model and change nothing.
constexpr double kLeast = 0.03;

/// Brings scores to one scale; equal scores say nothing and become 0.
void rescale(std::span<float> scores, Scale scale) {
  double sum = 0;
  double squares = 0;
  float largest = 0;
  for (const float s : scores) {
    sum += static_cast<double>(s);
    squares += static_cast<double>(s) * static_cast<double>(s);
    largest = std::max(largest, s);
  }
  const auto n = static_cast<double>(scores.size());
  const double mean = sum / n;
  const double deviation = std::sqrt(std::max(0.0, squares / n - mean * mean));
  float shift = 0;
  float factor = largest > 0 ? 1 / largest : 0;
  if (scale == Scale::kDeviation) {
    shift = static_cast<float>(mean);
    factor = deviation > 1e-7 * std::abs(mean) && deviation > 0 ? static_cast<float>(1 / deviation) : 0;
  }
  for (float& s : scores) s = (s - shift) * factor;
}

/// The candidates of one case, and what each part says of them.
struct FusionCase {
  std::size_t number = 0;                    ///< in the problem
  std::vector<ItemIndex> items;              ///< ascending
  std::array<std::vector<float>, 2> scores;  ///< by scale: [n_parts, n_items] row-major
};

class WeightSearch {
 public:
  WeightSearch(const Problem& problem, const std::vector<std::shared_ptr<TunedMethod>>& parts, int threads)
      : problem_(problem), n_parts_(parts.size()), threads_(threads) {
    const std::size_t n = problem.targets.size();
    cases_.resize(std::min(n, kCases));
    parallel_for(cases_.size(), kBlock, threads, [&](std::size_t begin, std::size_t end, int) {
      for (std::size_t c = begin; c < end; ++c) {
        cases_[c].number = c * n / cases_.size();
        gather(parts, cases_[c]);
      }
    });
  }

  /// Mean NDCG@10 of the weighted sum, over the cases that are not in part `left_out` of kBags; kBags = over all.
  [[nodiscard]] double judge(const std::vector<double>& weights, Scale scale, std::size_t left_out = kBags) const {
    std::vector<double> values(cases_.size(), -1);
    parallel_for(cases_.size(), kBlock * 8, threads_, [&](std::size_t begin, std::size_t end, int) {
      std::vector<float> sums;
      std::vector<RankedItem> list;
      for (std::size_t c = begin; c < end; ++c) {
        if (c % kBags == left_out) continue;
        const FusionCase& one = cases_[c];
        const std::vector<float>& scores = one.scores[static_cast<std::size_t>(scale)];
        const std::size_t n = one.items.size();
        sums.assign(n, 0);
        for (std::size_t p = 0; p < n_parts_; ++p) {
          const auto w = static_cast<float>(weights[p]);
          if (w == 0) continue;
          for (std::size_t i = 0; i < n; ++i) sums[i] += w * scores[p * n + i];
        }
        evaluation::rank(sums, {}, {}, kJudgedAt, list);
        for (RankedItem& entry : list) entry.item = one.items[static_cast<std::size_t>(entry.item)];
        values[c] = evaluation::case_value(evaluation::Metric::kNdcg, list, problem_.targets[one.number], kJudgedAt, {});
      }
    });
    double sum = 0;
    double n = 0;
    for (const double v : values) {
      if (v < 0) continue;
      sum += v;
      n += 1;
    }
    return n > 0 ? sum / n : 0;
  }

  /// The mean of the bags' weights, the largest 1, and what it reaches on all cases.
  double find(std::vector<double>& weights, Scale scale) const {
    weights.assign(n_parts_, 0);
    for (std::size_t bag = 0; bag < kBags; ++bag) {
      const std::vector<double> found = find_without(bag, scale);
      double sum = 0;
      for (const double w : found) sum += w;
      for (std::size_t p = 0; p < n_parts_; ++p) weights[p] += found[p] / sum;
    }
    const double largest = *std::max_element(weights.begin(), weights.end());
    for (double& w : weights) {
      w = std::round(w / largest * 100) / 100;
      if (w < kLeast) w = 0;
    }
    return judge(weights, scale);
  }

 private:
  /// Starts from the best part alone and then moves one weight at a time for as long as that is worth it.
  [[nodiscard]] std::vector<double> find_without(std::size_t bag, Scale scale) const {
    std::vector<double> weights;
    std::size_t first = 0;
    double best = -1;
    for (std::size_t p = 0; p < n_parts_; ++p) {
      weights.assign(n_parts_, 0);
      weights[p] = 1;
      const double reached = judge(weights, scale, bag);
      if (reached > best) {
        best = reached;
        first = p;
      }
    }
    const double worth = 1 + kWorth / std::sqrt(static_cast<double>(std::max<std::size_t>(1, cases_.size())));
    weights.assign(n_parts_, 0);
    weights[first] = 1;
    for (int round = 0; round < kRounds; ++round) {
      const double before = best;
      for (std::size_t p = 0; p < n_parts_; ++p) {
        if (p == first) continue;
        double chosen = weights[p];
        for (const double w : kWeights) {
          weights[p] = w;
          const double reached = judge(weights, scale, bag);
          if (reached <= best * (chosen == 0 ? worth : 1)) continue;
          best = reached;
          chosen = w;
        }
        weights[p] = chosen;
      }
      if (best <= before) break;
    }
    return weights;
  }

  void gather(const std::vector<std::shared_ptr<TunedMethod>>& parts, FusionCase& one) const {
    const std::size_t n_items = problem_.train.n_items;
    std::vector<std::vector<float>> all(n_parts_);
    std::vector<float> masked;
    std::vector<RankedItem> list;
    for (std::size_t p = 0; p < n_parts_; ++p) {
      all[p].assign(n_items, 0);
      parts[p]->score(problem_.inputs[one.number], all[p]);
      masked = all[p];
      evaluation::rank(masked, problem_.hidden[one.number], problem_.candidates, kDepth, list);
      for (const RankedItem& entry : list) one.items.push_back(entry.item);
    }
    std::sort(one.items.begin(), one.items.end());
    one.items.erase(std::unique(one.items.begin(), one.items.end()), one.items.end());
    for (const Scale scale : {Scale::kDeviation, Scale::kLargest}) {
      std::vector<float>& out = one.scores[static_cast<std::size_t>(scale)];
      for (std::size_t p = 0; p < n_parts_; ++p) {
        masked = all[p];
        rescale(masked, scale);
        for (const ItemIndex item : one.items) out.push_back(masked[static_cast<std::size_t>(item)]);
      }
    }
  }

  const Problem& problem_;
  std::size_t n_parts_;
  int threads_;
  std::vector<FusionCase> cases_;
};

}  // namespace

FusedMethod::FusedMethod(std::vector<std::shared_ptr<TunedMethod>> parts, int threads)
    : TunedMethod(threads), parts_(std::move(parts)), weights_(parts_.size(), 0) {
  weights_.front() = 1;
}

std::string FusedMethod::settings() const {
  std::string out;
  for (std::size_t p = 0; p < parts_.size(); ++p) {
    if (weights_[p] == 0) continue;
    out += fmt::format("{}{}{} ({})", out.empty() ? "" : " + ", weights_[p] == 1 ? "" : fmt::format("{} ", weights_[p]),
                       parts_[p]->name(), parts_[p]->settings());
  }
  return out;
}

void FusedMethod::score(std::span<const ItemIndex> history, std::span<float> scores) const {
  thread_local std::vector<float> part;
  for (std::size_t p = 0; p < parts_.size(); ++p) {
    if (weights_[p] == 0) continue;
    part.assign(scores.size(), 0);
    parts_[p]->score(history, part);
    rescale(part, scale_);
    const auto w = static_cast<float>(weights_[p]);
    for (std::size_t i = 0; i < scores.size(); ++i) scores[i] += w * part[i];
  }
}

double FusedMethod::choose(const Problem& tuning) {
  for (const auto& part : parts_) {
    const double reached = part->tune(tuning);
    log_info("evaluate", "{}: NDCG@10 {:.4f} without the test part ({})", part->name(), reached, part->settings());
    part->fit_as_set(tuning.train);
  }
  const WeightSearch search(tuning, parts_, threads());
  double best = -1;
  for (const Scale scale : {Scale::kDeviation, Scale::kLargest}) {
    std::vector<double> weights;
    const double reached = search.find(weights, scale);
    if (reached <= best) continue;
    best = reached;
    scale_ = scale;
    weights_ = weights;
  }
  log_info("evaluate", "fused: NDCG@10 {:.4f} without the test part ({})", best, settings());
  return best;
}

void FusedMethod::fit_as_set(const evaluation::TrainPart& train) {
  for (std::size_t p = 0; p < parts_.size(); ++p) {
    if (weights_[p] != 0) parts_[p]->fit_as_set(train);
  }
}

void AutoMethod::fit(const evaluation::TrainPart& train) {
  fused_.fit(train);
  popular_.fit({train.n_items, train.histories, train.order, train.texts, nullptr});
}

void AutoMethod::score(std::span<const ItemIndex> history, std::span<float> scores) const {
  fused_.score(history, scores);
  const bool says_nothing = std::all_of(scores.begin(), scores.end(), [&](float s) { return s == scores[0]; });
  if (says_nothing) popular_.score(history, scores);
}

}  // namespace lodestone::app
