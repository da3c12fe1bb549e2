#include "channel_weights.hpp"

#include <algorithm>
#include <cmath>
#include <optional>

#include "base/log.hpp"
#include "base/thread_pool.hpp"
#include "bundle/bundle.hpp"
#include "engine/recommender.hpp"
#include "release_models.hpp"

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
/// No split holds items that nobody has touched yet, and for those only texts speak: content always has a say, and so has what is popular.
constexpr double kLeastContent = 0.05;
constexpr double kLeastPopular = 0.02;

/// A page and what should stand on it.
struct PageCase {
  engine::PageRequest request;
  std::vector<ItemIndex> targets;
};

struct Split {
  TrainingInteractions train;
  std::vector<PageCase> user_pages;
  std::vector<PageCase> item_pages;
};

/// Row of the matrix without the pairs from `moment` on, and what those were.
void split_row(const TrainingInteractions& all, std::size_t u, std::int64_t moment, TrainingInteractions& train,
               PageCase& user_page, PageCase& item_page) {
  const models::Interactions& x = all.matrix;
  std::int64_t newest = 0;
  for (std::uint64_t at = x.offsets[u]; at < x.offsets[u + 1]; ++at) {
    if (all.last_at[at] >= moment) {
      user_page.targets.push_back(x.items[at]);
      continue;
    }
    train.matrix.items.push_back(x.items[at]);
    train.matrix.weights.push_back(x.weights[at]);
    train.last_at.push_back(all.last_at[at]);
    if (!item_page.request.item || all.last_at[at] > newest) {
      newest = all.last_at[at];
      item_page.request.item = x.items[at];
    }
  }
  train.matrix.offsets.push_back(train.matrix.items.size());
}

/// At most `n`, at even distances.
void thin(std::vector<PageCase>& cases, std::size_t n) {
  if (cases.size() <= n) return;
  std::vector<PageCase> kept;
  for (std::size_t k = 0; k < n; ++k) kept.push_back(std::move(cases[k * cases.size() / n]));
  cases = std::move(kept);
}

Split split(const TrainingInteractions& all, const ChannelWeightOptions& options) {
  Split out;
  if (all.last_at.empty()) return out;
  std::vector<std::int64_t> times = all.last_at;
  const auto place = static_cast<std::size_t>((1 - options.later_share) * static_cast<double>(times.size() - 1));
  std::nth_element(times.begin(), times.begin() + static_cast<std::ptrdiff_t>(place), times.end());
  const std::int64_t moment = times[place];
  out.train.user_ids = all.user_ids;
  out.train.matrix.n_items = all.matrix.n_items;
  for (std::size_t u = 0; u < all.matrix.n_users(); ++u) {
    PageCase user_page;
    PageCase item_page;
    split_row(all, u, moment, out.train, user_page, item_page);
    if (user_page.targets.empty() || !item_page.request.item) continue;
    item_page.request.kind = engine::PageKind::kSimilar;
    item_page.targets = user_page.targets;
    out.item_pages.push_back(std::move(item_page));
    if (u >= all.user_ids.size()) continue;  // a guest has no page of his own
    user_page.request.kind = engine::PageKind::kUser;
    user_page.request.user = UserId(all.user_ids[u]);
    out.user_pages.push_back(std::move(user_page));
  }
  thin(out.user_pages, options.max_cases);
  thin(out.item_pages, options.max_cases);
  return out;
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
  Judge(const models::Release& release, const Split& split, int threads) : release_(release), split_(split), threads_(threads) {}

  /// Mean over the kinds of page of the mean NDCG@10.
  [[nodiscard]] double operator()(const ChannelWeights& weights) const {
    double sum = 0;
    double kinds = 0;
    for (const auto* cases : {&split_.user_pages, &split_.item_pages}) {
      if (cases->empty()) continue;
      sum += mean(*cases, weights);
      ++kinds;
    }
    return kinds > 0 ? sum / kinds : 0;
  }

 private:
  [[nodiscard]] double mean(const std::vector<PageCase>& cases, const ChannelWeights& weights) const {
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
    double sum = 0;
    for (const double v : values) sum += v;
    return sum / static_cast<double>(values.size());
  }

  static engine::Scratch& thread_scratch() {
    thread_local engine::Scratch scratch;
    return scratch;
  }

  const models::Release& release_;
  const Split& split_;
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

/// A bundle that is gone with this object.
class PassingBundle {
 public:
  PassingBundle(const models::ReleaseData& data, const fs::path& folder) : folder_(folder) {
    fs::remove_all(folder_);
    bundle_ = bundle::Bundle::open(folder_ / bundle::pack(data, {}, folder_));
  }
  ~PassingBundle() {
    bundle_.reset();
    std::error_code ignored;  // the next pack removes what is left
    fs::remove_all(folder_, ignored);
  }
  PassingBundle(const PassingBundle&) = delete;
  PassingBundle& operator=(const PassingBundle&) = delete;
  [[nodiscard]] const models::Release& release() const { return bundle_->release(); }

 private:
  fs::path folder_;
  std::shared_ptr<const bundle::Bundle> bundle_;
};

}  // namespace

ChannelChoice learn_channel_weights(const TrainingInteractions& interactions, const BehaviorModel& behavior,
                                    models::ReleaseData& shared, const ChannelWeightOptions& options) {
  ChannelChoice choice;
  Split parts = split(interactions, options);
  if (parts.item_pages.size() < options.min_cases) {
    log_info("train", "channel weights: {} histories go on after the split, {} are needed to learn from; the defaults stand",
             parts.item_pages.size(), options.min_cases);
    return choice;
  }
  if (parts.user_pages.size() < options.min_cases) parts.user_pages.clear();
  std::optional<PassingBundle> before;
  {
    models::ReleaseData data = std::move(shared);
    fit_channels(parts.train, behavior.fit(parts.train.matrix), options.latent, options.neighbors, options.threads, data);
    data.users = make_users(parts.train);
    sample_near_users(parts.train, data);
    before.emplace(data, options.folder / fmt::format("{}weights", bundle::kUnfinishedPrefix));
    shared.items = std::move(data.items);
    shared.content = std::move(data.content);
    shared.text = std::move(data.text);
    shared.words = std::move(data.words);
    shared.trending = std::move(data.trending);
  }
  parts.train = {};
  choice.n_user_pages = parts.user_pages.size();
  choice.n_item_pages = parts.item_pages.size();
  const Judge judge(before->release(), parts, options.threads);
  search(judge, choice);
  choice.ndcg_at_10_of_defaults = judge(ChannelWeights{});
  return choice;
}

}  // namespace lodestone::app
