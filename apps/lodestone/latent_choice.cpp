#include "latent_choice.hpp"

#include <algorithm>

#include "als_search.hpp"
#include "base/log.hpp"

namespace lodestone::app {
namespace {

/// Histories an attempt is judged on: fewer where each of them has many items to score.
std::size_t n_cases(std::size_t n_items) {
  return std::clamp<std::size_t>(100'000'000 / std::max<std::size_t>(1, n_items), 1'000, 3'000);
}
/// Of AlsSearchOptions: a release is made every day, and a third of what an evaluation spends finds nearly the same.
constexpr double kWork = 2e11;

double mean_weight(const models::Interactions& x) {
  double sum = 0;
  for (const float w : x.weights) sum += static_cast<double>(w);
  return sum > 0 ? sum / static_cast<double>(x.weights.size()) : 1;
}

}  // namespace

std::optional<LatentChoice> choose_latent(const TrainingInteractions& interactions, const BehaviorOptions& behavior,
                                          std::size_t factors) {
  if (factors == 0) return std::nullopt;
  LatentChoice choice;
  choice.options.neighbors = behavior.neighbors;
  choice.options.threads = behavior.threads;
  AlsSearchOptions search;
  search.factors = factors;
  // Decayed weights are small numbers; confidence counts in meetings.
  search.start_alpha /= mean_weight(interactions.matrix);
  choice.options.als.factors = factors;
  choice.options.als.alpha = search.start_alpha;
  const BehaviorJudge judge(interactions, behavior);
  if (judge.n_judged() == 0) return choice;
  const models::Interactions& x = judge.train();
  search.n_users = x.n_users();
  search.n_items = x.n_items;
  search.n_pairs = x.items.size();
  const std::size_t cases = n_cases(x.n_items);
  search.n_cases = std::min(cases, judge.n_judged());
  search.max_work = kWork;
  const AlsSettings best = search_als(search, [&](training::AlsOptions options) {
    options.threads = behavior.threads;
    const training::AlsModel model = training::fit_als(x, options);
    ++choice.n_attempts;
    return judge.judge_scores(
        [&](std::size_t u, std::span<float> scores) {
          const models::InteractionRow row = x.row(u);
          model.add_scores(model.fold_in(row.items, row.weights), scores);
        },
        cases);
  });
  choice.options.als = best.options;
  choice.ndcg_at_10 = best.reached;
  log_info("train",
           "vectors: factors={} alpha={:g} regularization={:g} exponent={:g} user_exponent={:g}: NDCG@10 {:.4f}, best of {}",
           best.options.factors, best.options.alpha, best.options.regularization, best.options.exponent,
           best.options.user_exponent, best.reached, choice.n_attempts);
  return choice;
}

}  // namespace lodestone::app
