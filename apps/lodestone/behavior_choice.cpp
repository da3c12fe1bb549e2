#include "behavior_choice.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>

#include "base/error.hpp"
#include "base/log.hpp"
#include "base/thread_pool.hpp"
#include "training/ease.hpp"
#include "training/item_knn.hpp"

namespace lodestone::app {
namespace {

using models::Interactions;
using models::OwnedNeighbours;

/// A way to fit lists.
struct Candidate {
  std::string method;
  std::string settings;
  std::function<OwnedNeighbours(const Interactions&)> fit;
};

/// Histories without their newest item, and that item.
struct Holdout {
  Interactions train;
  std::vector<ItemIndex> hidden;  ///< per row of train
};

Holdout make_holdout(const TrainingInteractions& all, std::size_t max_users) {
  std::vector<std::size_t> rows;
  for (std::size_t u = 0; u < all.matrix.n_users(); ++u) {
    if (all.matrix.row(u).items.size() >= 2) rows.push_back(u);
  }
  const std::size_t step = std::max<std::size_t>(1, rows.size() / std::max<std::size_t>(1, max_users));
  Holdout out;
  out.train.n_items = all.matrix.n_items;
  for (std::size_t r = 0; r < rows.size(); r += step) {
    const models::InteractionRow row = all.matrix.row(rows[r]);
    const std::size_t begin = all.matrix.offsets[rows[r]];
    std::size_t newest = 0;
    for (std::size_t k = 1; k < row.items.size(); ++k) {
      if (all.last_at[begin + k] > all.last_at[begin + newest]) newest = k;
    }
    out.hidden.push_back(row.items[newest]);
    for (std::size_t k = 0; k < row.items.size(); ++k) {
      if (k == newest) continue;
      out.train.items.push_back(row.items[k]);
      out.train.weights.push_back(row.weights[k]);
    }
    out.train.offsets.push_back(out.train.items.size());
  }
  return out;
}

/// Rank of the hidden item, from 1, among all items but the history; ties count half, so that a constant score looks like chance.
double rank_of(std::span<const float> scores, ItemIndex hidden, std::span<const ItemIndex> history) {
  const float mine = scores[static_cast<std::size_t>(hidden)];
  double above = 0;
  double equal = 0;
  for (const float score : scores) {
    if (score > mine) above += 1;
    if (score == mine) equal += 1;
  }
  for (const ItemIndex item : history) {
    const float score = scores[static_cast<std::size_t>(item)];
    if (score > mine) above -= 1;
    if (score == mine) equal -= 1;
  }
  return above + (equal + 1) / 2;
}

/// `score` fills [n_items] for row u.
using Scorer = std::function<void(std::size_t row, std::span<float> scores)>;

void judge(const Holdout& holdout, const Scorer& score, int threads, BehaviorTrial& trial) {
  const std::size_t n = holdout.hidden.size();
  std::vector<double> ranks(n);
  parallel_for(n, 64, threads, [&](std::size_t begin, std::size_t end, int) {
    std::vector<float> scores(holdout.train.n_items);
    for (std::size_t u = begin; u < end; ++u) {
      std::fill(scores.begin(), scores.end(), 0.0F);
      score(u, scores);
      ranks[u] = rank_of(scores, holdout.hidden[u], holdout.train.row(u).items);
    }
  });
  double ndcg = 0;
  double hits = 0;
  for (const double rank : ranks) {
    if (rank > 10) continue;
    ndcg += 1 / std::log2(rank + 1);  // one relevant item: the ideal is 1
    hits += 1;
  }
  trial.ndcg_at_10 = ndcg / static_cast<double>(n);
  trial.recall_at_10 = hits / static_cast<double>(n);
}

BehaviorTrial judge_lists(const Holdout& holdout, const Candidate& candidate, int threads) {
  const OwnedNeighbours influence = models::invert(candidate.fit(holdout.train).view());
  BehaviorTrial trial{candidate.method, candidate.settings};
  judge(
      holdout,
      [&](std::size_t u, std::span<float> scores) {
        const models::InteractionRow row = holdout.train.row(u);
        models::add_history_scores(influence.view(), row.items, row.weights, scores);
      },
      threads, trial);
  return trial;
}

BehaviorTrial judge_popular(const Holdout& holdout, int threads) {
  std::vector<float> counts(holdout.train.n_items);
  for (const ItemIndex item : holdout.train.items) counts[static_cast<std::size_t>(item)] += 1;
  BehaviorTrial trial{"pop", "users of an item"};
  judge(
      holdout, [&](std::size_t, std::span<float> scores) { std::copy(counts.begin(), counts.end(), scores.begin()); }, threads,
      trial);
  return trial;
}

std::vector<Candidate> candidates(std::size_t n_users, std::size_t n_items, const BehaviorOptions& options) {
  std::vector<Candidate> out;
  for (const training::Weighting weighting :
       {training::Weighting::kTfIdf, training::Weighting::kCosine, training::Weighting::kBm25}) {
    training::ItemKnnOptions knn;
    knn.weighting = weighting;
    knn.neighbors = options.neighbors;
    knn.threads = options.threads;
    out.push_back({fmt::format("itemknn-{}", training::weighting_name(weighting)), fmt::format("neighbors={}", options.neighbors),
                   [knn](const Interactions& x) { return training::fit_item_knn(x, knn); }});
  }
  if (n_items > options.max_ease_items) return out;
  for (const double lambda : {20.0, 100.0, 500.0}) {
    training::EaseOptions ease;
    ease.lambda = lambda;
    ease.threads = options.threads;
    if (!training::ease_fits(n_users, n_items, ease)) return out;
    out.push_back({"ease", fmt::format("lambda={} neighbors={}", lambda, options.neighbors),
                   [ease, n = options.neighbors](const Interactions& x) {
                     return training::prune(training::fit_ease(x, ease), n, ease.threads);
                   }});
  }
  return out;
}

}  // namespace

BehaviorModel fit_behavior(const TrainingInteractions& interactions, const BehaviorOptions& options) {
  BehaviorModel model;
  const Holdout holdout = make_holdout(interactions, options.max_users);
  model.n_judged = holdout.hidden.size();
  std::vector<Candidate> all = candidates(interactions.matrix.n_users(), interactions.matrix.n_items, options);
  if (options.method != "auto")
    std::erase_if(all, [&](const Candidate& candidate) { return candidate.method != options.method; });
  if (all.empty()) {
    fail(ErrorCode::kInvalidArgument,
         "training.behavior_method {} is not possible for {} items and {} users; raise training.max_ease_items or use auto",
         options.method, interactions.matrix.n_items, interactions.matrix.n_users());
  }
  const Candidate* best = &all.front();
  if (model.n_judged > 0) {
    double best_ndcg = -1;
    for (const Candidate& candidate : all) {
      model.trials.push_back(judge_lists(holdout, candidate, options.threads));
      const BehaviorTrial& trial = model.trials.back();
      log_info("train", "{} {}: NDCG@10 {:.4f}, recall@10 {:.4f} on {} histories", trial.method, trial.settings, trial.ndcg_at_10,
               trial.recall_at_10, model.n_judged);
      if (trial.ndcg_at_10 > best_ndcg) {
        best_ndcg = trial.ndcg_at_10;
        best = &candidate;
      }
    }
    model.trials.push_back(judge_popular(holdout, options.threads));
    std::stable_sort(model.trials.begin(), model.trials.end(),
                     [](const BehaviorTrial& a, const BehaviorTrial& b) { return a.ndcg_at_10 > b.ndcg_at_10; });
  }
  model.method = best->method;
  model.settings = best->settings;
  model.neighbours = best->fit(interactions.matrix);
  model.fit = best->fit;
  return model;
}

}  // namespace lodestone::app
