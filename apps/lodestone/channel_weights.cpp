#include "channel_weights.hpp"

#include <algorithm>
#include <cmath>

#include "base/log.hpp"
#include "base/thread_pool.hpp"
#include "engine/recommender.hpp"

namespace lodestone::app {
namespace {

using models::ChannelWeights;
using models::WeightField;

constexpr std::size_t kJudgedAt = 10;
constexpr std::size_t kBlock = 16;
constexpr std::array<double, 9> kWeights{0, 0.02, 0.05, 0.1, 0.2, 0.4, 0.7, 1, 2};
/// A channel costs time in every request: it must be worth this much to come in.
constexpr double kWorth = 1.002;
constexpr int kRounds = 2;
/// The search takes the best of a hundred weights on the same pages, which flatters it: it must lead the defaults by this many standard errors.
constexpr double kLeadErrors = 2;
/// No split holds items that nobody has touched yet, and for those only texts speak: content always has a say, and so has what is popular.
constexpr double kLeastContent = 0.05;
constexpr double kLeastPopular = 0.02;

/// At most `n`, at even distances.
std::vector<PageCase> thin(const std::vector<PageCase>& cases, std::size_t n) {
  if (cases.size() <= n) return cases;
  std::vector<PageCase> kept;
  for (std::size_t k = 0; k < n; ++k) kept.push_back(cases[k * cases.size() / n]);
  return kept;
}

double ndcg(const engine::Page& page, const std::vector<ItemIndex>& targets) {
  double found = 0;
  double ideal = 0;
  for (std::size_t k = 0; k < kJudgedAt; ++k) {
    const double gain = 1 / std::log2(static_cast<double>(k) + 2);
    if (k < targets.size()) ideal += gain;
    if (k < page.items.size() && std::binary_search(targets.begin(), targets.end(), page.items[k].item)) found += gain;
  }
  return found / ideal;
}

/// The engine's pages for all cases under some weights.
class Judge {
 public:
  Judge(const models::Release& release, std::vector<PageCase> user_pages, std::vector<PageCase> item_pages, int threads)
      : release_(release), user_pages_(std::move(user_pages)), item_pages_(std::move(item_pages)), threads_(threads) {}

  /// Mean over the kinds of page of the mean NDCG@10.
  [[nodiscard]] double operator()(const ChannelWeights& weights) const {
    double sum = 0;
    double kinds = 0;
    for (const auto* cases : {&user_pages_, &item_pages_}) {
      if (cases->empty()) continue;
      sum += mean(*cases, weights);
      ++kinds;
    }
    return kinds > 0 ? sum / kinds : 0;
  }

  /// By how many of its standard errors the figure under `weights` leads that under `others`, page by page.
  [[nodiscard]] double lead(const ChannelWeights& weights, const ChannelWeights& others) const {
    double mean = 0;
    double variance = 0;
    for (const auto* cases : {&user_pages_, &item_pages_}) {
      if (cases->size() < 2) continue;
      const std::vector<double> ours = values(*cases, weights);
      const std::vector<double> theirs = values(*cases, others);
      const auto n = static_cast<double>(cases->size());
      double sum = 0;
      double squares = 0;
      for (std::size_t c = 0; c < cases->size(); ++c) {
        const double gain = ours[c] - theirs[c];
        sum += gain;
        squares += gain * gain;
      }
      mean += sum / n;
      variance += (squares - sum * sum / n) / (n - 1) / n;
    }
    if (variance > 0) return mean / std::sqrt(variance);
    return mean > 0 ? kLeadErrors : 0;
  }

 private:
  [[nodiscard]] double mean(const std::vector<PageCase>& cases, const ChannelWeights& weights) const {
    double sum = 0;
    for (const double v : values(cases, weights)) sum += v;
    return sum / static_cast<double>(cases.size());
  }

  [[nodiscard]] std::vector<double> values(const std::vector<PageCase>& cases, const ChannelWeights& weights) const {
    std::vector<double> values(cases.size());
    parallel_for(cases.size(), kBlock, threads_, [&](std::size_t begin, std::size_t end, int) {
      engine::Page page;
      engine::Scratch& scratch = thread_scratch();
      for (std::size_t c = begin; c < end; ++c) {
        engine::PageRequest request = cases[c].request;
        request.limit = kJudgedAt;
        request.weights = &weights;
        engine::recommend(release_, request, scratch, page);
        values[c] = ndcg(page, cases[c].targets);
      }
    });
    return values;
  }

  static engine::Scratch& thread_scratch() {
    thread_local engine::Scratch scratch;
    return scratch;
  }

  const models::Release& release_;
  std::vector<PageCase> user_pages_;
  std::vector<PageCase> item_pages_;
  int threads_;
};

ChannelWeights none() {
  ChannelWeights weights;
  for (const WeightField& field : models::kWeightFields) weights.*field.field = 0;
  return weights;
}

/// Moves one weight along the ladder for as long as pages get better; from 0 it may jump onto it at two places. Fewer pages are made than by
/// trying every rung, and the maximum is nearly always the same, as the figure has one peak in a weight.
void climb(const Judge& judge, const WeightField& field, double least, ChannelWeights& weights, double& best) {
  double& weight = weights.*field.field;
  const auto attempt = [&](double value, double worth) {
    if (value < least) return false;
    const double before = weight;
    weight = value;
    const double reached = judge(weights);
    if (reached > best * worth) {
      best = reached;
      return true;
    }
    weight = before;
    return false;
  };
  if (weight == 0) {
    if (!attempt(kWeights[3], kWorth) && !attempt(kWeights[5], kWorth)) return;
  }
  for (const int direction : {1, -1}) {
    const double start = weight;
    auto rung = std::find(kWeights.begin(), kWeights.end(), weight) - kWeights.begin();
    for (rung += direction; rung >= 0 && rung < std::ssize(kWeights); rung += direction) {
      if (!attempt(kWeights[static_cast<std::size_t>(rung)], 1)) break;
    }
    if (weight != start) return;
  }
}

/// From the best channel alone, one weight at a time for as long as that is worth it.
void search(const Judge& judge, ChannelChoice& choice) {
  const WeightField* first = nullptr;
  double best = -1;
  for (const WeightField& field : models::kWeightFields) {
    ChannelWeights alone = none();
    alone.*field.field = 1;
    choice.alone.push_back({std::string(field.name), judge(alone)});
    if (choice.alone.back().ndcg_at_10 <= best) continue;
    best = choice.alone.back().ndcg_at_10;
    first = &field;
  }
  ChannelWeights weights = none();
  weights.*first->field = 1;
  weights.content = std::max(weights.content, kLeastContent);
  weights.popular = std::max(weights.popular, kLeastPopular);
  best = judge(weights);
  for (int round = 0; round < kRounds; ++round) {
    const double before = best;
    for (const WeightField& field : models::kWeightFields) {
      if (&field == first) continue;
      const double least = field.field == &ChannelWeights::content   ? kLeastContent
                           : field.field == &ChannelWeights::popular ? kLeastPopular
                                                                     : 0;
      climb(judge, field, least, weights, best);
    }
    if (best <= before) break;
  }
  choice.weights = weights;
  choice.ndcg_at_10 = best;
}

}  // namespace

ChannelChoice learn_channel_weights(const SplitRelease& split, const ChannelWeightOptions& options) {
  ChannelChoice choice;
  std::vector<PageCase> item_pages = thin(split.item_pages(), options.max_cases);
  std::vector<PageCase> user_pages = thin(split.user_pages(), options.max_cases);
  if (item_pages.size() < options.min_cases) {
    log_info("train", "channel weights: {} histories go on after the split, {} are needed to learn from; the defaults stand",
             item_pages.size(), options.min_cases);
    return choice;
  }
  if (user_pages.size() < options.min_cases) user_pages.clear();
  choice.n_user_pages = user_pages.size();
  choice.n_item_pages = item_pages.size();
  const Judge judge(split.release(), std::move(user_pages), std::move(item_pages), options.threads);
  search(judge, choice);
  choice.ndcg_at_10_of_defaults = judge(ChannelWeights{});
  choice.lead_errors = judge.lead(choice.weights, ChannelWeights{});
  if (choice.lead_errors < kLeadErrors) {
    choice.weights = {};
    choice.ndcg_at_10 = choice.ndcg_at_10_of_defaults;
  }
  return choice;
}

}  // namespace lodestone::app
