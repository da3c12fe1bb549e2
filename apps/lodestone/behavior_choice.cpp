#include "behavior_choice.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <optional>

#include "base/error.hpp"
#include "base/log.hpp"
#include "base/thread_pool.hpp"
#include "training/ease.hpp"
#include "training/item_knn.hpp"
#include "training/slim.hpp"

namespace lodestone::app {
namespace {

using models::Interactions;
using models::OwnedNeighbours;

}  // namespace

struct BehaviorJudge::Holdout {
  Interactions train;
  std::vector<ItemIndex> hidden;  ///< per row of train
  static Holdout make(const TrainingInteractions& all, std::size_t max_users);
};

BehaviorJudge::Holdout BehaviorJudge::Holdout::make(const TrainingInteractions& all, std::size_t max_users) {
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

namespace {

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

/// Every `step`th history.
void judge(const Interactions& train, std::span<const ItemIndex> hidden, std::size_t step, const BehaviorJudge::Scorer& score,
           int threads, BehaviorTrial& trial) {
  const std::size_t n = hidden.size() / step;
  std::vector<double> ranks(n);
  parallel_for(n, 64, threads, [&](std::size_t begin, std::size_t end, int) {
    std::vector<float> scores(train.n_items);
    for (std::size_t k = begin; k < end; ++k) {
      const std::size_t u = k * step;
      std::fill(scores.begin(), scores.end(), 0.0F);
      score(u, scores);
      ranks[k] = rank_of(scores, hidden[u], train.row(u).items);
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

std::optional<training::Weighting> weighting_of(std::string_view method) {
  for (const training::Weighting weighting :
       {training::Weighting::kTfIdf, training::Weighting::kCosine, training::Weighting::kBm25}) {
    if (method == fmt::format("itemknn-{}", training::weighting_name(weighting))) return weighting;
  }
  return std::nullopt;
}

/// Lists as they are served.
OwnedNeighbours fit(const BehaviorSettings& settings, const Interactions& x, const BehaviorOptions& options) {
  if (const auto weighting = weighting_of(settings.method)) {
    training::ItemKnnOptions knn;
    knn.weighting = *weighting;
    knn.neighbors = options.neighbors;
    knn.shrinkage = settings.shrinkage;
    knn.bm25_k1 = settings.bm25_k1;
    knn.bm25_b = settings.bm25_b;
    knn.threads = options.threads;
    return training::fit_item_knn(x, knn);
  }
  if (settings.method == "slim") {
    training::SlimOptions slim;
    slim.lambda = settings.lambda;
    slim.user_exponent = settings.user_exponent;
    slim.item_exponent = settings.item_exponent;
    slim.neighbors = options.neighbors;
    slim.threads = options.threads;
    return training::fit_slim(x, slim);
  }
  LODESTONE_ASSERT(settings.method == "ease", "no method {}", settings.method);
  training::EaseOptions ease;
  ease.lambda = settings.lambda;
  ease.user_exponent = settings.user_exponent;
  ease.item_exponent = settings.item_exponent;
  ease.threads = options.threads;
  return training::prune(training::fit_ease(x, ease), options.neighbors, options.threads);
}

}  // namespace

std::vector<BehaviorSettings> behavior_candidates(const Interactions& interactions, const BehaviorOptions& options) {
  std::vector<BehaviorSettings> out;
  for (const char* method : {"itemknn-tfidf", "itemknn-cosine", "itemknn-bm25"}) out.push_back({.method = method});
  for (const double lambda : {20.0, 100.0, 500.0}) out.push_back({.method = "ease", .lambda = lambda});
  for (const double lambda : {100.0, 500.0}) out.push_back({.method = "slim", .lambda = lambda});
  // Where everybody has met much, more is held back from those who met most.
  out.push_back({.method = "slim", .lambda = 1500, .user_exponent = 0.35, .item_exponent = 0.35});
  out.insert(out.end(), options.further.begin(), options.further.end());
  std::erase_if(out, [&](const BehaviorSettings& settings) { return !behavior_fits(settings, interactions, options); });
  return out;
}

std::string BehaviorSettings::text() const {
  if (method == "ease" || method == "slim")
    return fmt::format("lambda={:.4g} user_exponent={:.3g} item_exponent={:.3g}", lambda, user_exponent, item_exponent);
  std::string out;
  if (method == "itemknn-bm25") out = fmt::format("k1={:.3g} b={:.3g} ", bm25_k1, bm25_b);
  return out + fmt::format("shrinkage={:.3g}", shrinkage);
}

bool behavior_fits(const BehaviorSettings& settings, const Interactions& interactions, const BehaviorOptions& options) {
  if (settings.method == "slim") return options.with_slim;
  if (settings.method != "ease") return true;
  return interactions.n_items <= options.max_ease_items && training::ease_fits(interactions.n_users(), interactions.n_items, {});
}

BehaviorJudge::BehaviorJudge(const TrainingInteractions& interactions, const BehaviorOptions& options)
    : holdout_(std::make_unique<Holdout>(Holdout::make(interactions, options.max_users))), options_(options) {}
BehaviorJudge::~BehaviorJudge() = default;

std::size_t BehaviorJudge::n_judged() const { return holdout_->hidden.size(); }

BehaviorTrial BehaviorJudge::judge(const BehaviorSettings& settings) const {
  const OwnedNeighbours influence = models::invert(fit(settings, holdout_->train, options_).view());
  BehaviorTrial trial{settings.method, settings.text()};
  app::judge(
      holdout_->train, holdout_->hidden, 1,
      [&](std::size_t u, std::span<float> scores) {
        const models::InteractionRow row = holdout_->train.row(u);
        models::add_history_scores(influence.view(), row.items, row.weights, scores);
      },
      options_.threads, trial);
  return trial;
}

BehaviorTrial BehaviorJudge::judge_popular() const {
  std::vector<float> counts(holdout_->train.n_items);
  for (const ItemIndex item : holdout_->train.items) counts[static_cast<std::size_t>(item)] += 1;
  BehaviorTrial trial{"pop", "users of an item"};
  app::judge(
      holdout_->train, holdout_->hidden, 1,
      [&](std::size_t, std::span<float> scores) { std::copy(counts.begin(), counts.end(), scores.begin()); }, options_.threads,
      trial);
  return trial;
}

const Interactions& BehaviorJudge::train() const { return holdout_->train; }

double BehaviorJudge::judge_scores(const Scorer& score, std::size_t max_cases) const {
  BehaviorTrial trial;
  if (n_judged() == 0) return 0;
  app::judge(holdout_->train, holdout_->hidden, (n_judged() + max_cases - 1) / max_cases, score, options_.threads, trial);
  return trial.ndcg_at_10;
}

BehaviorModel fit_behavior(const TrainingInteractions& interactions, const BehaviorOptions& options) {
  BehaviorModel model;
  std::vector<BehaviorSettings> all = behavior_candidates(interactions.matrix, options);
  if (options.method != "auto")
    std::erase_if(all, [&](const BehaviorSettings& candidate) { return candidate.method != options.method; });
  if (all.empty()) {
    fail(ErrorCode::kInvalidArgument,
         "training.behavior_method {} is not possible for {} items and {} users; raise training.max_ease_items or use auto",
         options.method, interactions.matrix.n_items, interactions.matrix.n_users());
  }
  BehaviorSettings best = all.front();
  const BehaviorJudge judge(interactions, options);
  model.n_judged = judge.n_judged();
  if (model.n_judged > 0) {
    double best_ndcg = -1;
    for (const BehaviorSettings& candidate : all) {
      const BehaviorTrial trial = judge.judge(candidate);
      log_info("train", "{} {}: NDCG@10 {:.4f}, recall@10 {:.4f} on {} histories", trial.method, trial.settings, trial.ndcg_at_10,
               trial.recall_at_10, model.n_judged);
      if (trial.ndcg_at_10 > best_ndcg) {
        best_ndcg = trial.ndcg_at_10;
        best = candidate;
      }
      model.trials.push_back(trial);
    }
    model.trials.push_back(judge.judge_popular());
    std::stable_sort(model.trials.begin(), model.trials.end(),
                     [](const BehaviorTrial& a, const BehaviorTrial& b) { return a.ndcg_at_10 > b.ndcg_at_10; });
  }
  model.method = best.method;
  model.settings = fmt::format("{} neighbors={}", best.text(), options.neighbors);
  model.fit = [best, options](const Interactions& x) { return fit(best, x, options); };
  model.neighbours = model.fit(interactions.matrix);
  return model;
}

}  // namespace lodestone::app
