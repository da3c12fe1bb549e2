#include "evaluation/metrics.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.hpp"
#include "base/rng.hpp"
#include "base/thread_pool.hpp"

namespace lodestone::evaluation {
namespace {

constexpr float kMasked = -std::numeric_limits<float>::infinity();
constexpr std::size_t kScan = 64;

bool is_target(std::span<const ItemIndex> targets, ItemIndex item) {
  return std::binary_search(targets.begin(), targets.end(), item);
}

/// Puts -inf where no candidate is, and returns how many candidates there are.
std::size_t mask(std::span<float> scores, std::span<const ItemIndex> hidden, std::span<const ItemIndex> candidates) {
  std::size_t n = scores.size();
  if (!candidates.empty()) {
    n = candidates.size();
    std::size_t begin = 0;
    for (const ItemIndex item : candidates) {
      std::fill(scores.begin() + static_cast<std::ptrdiff_t>(begin), scores.begin() + item, kMasked);
      begin = static_cast<std::size_t>(item) + 1;
    }
    std::fill(scores.begin() + static_cast<std::ptrdiff_t>(begin), scores.end(), kMasked);
  }
  for (const ItemIndex item : hidden) {
    if (candidates.empty() || std::binary_search(candidates.begin(), candidates.end(), item)) --n;
    scores[static_cast<std::size_t>(item)] = kMasked;
  }
  return n;
}

/// Ends at the first difference, so it costs little for scores that say something.
bool all_equal(std::span<const float> scores) {
  float first = kMasked;
  for (const float s : scores) {
    if (s == kMasked) continue;
    if (first == kMasked) first = s;
    if (s != first) return false;
  }
  return true;
}

struct Scored {
  float score;
  ItemIndex item;
};

bool before(const Scored& a, const Scored& b) { return a.score != b.score ? a.score > b.score : a.item < b.item; }

double discount(double rank) { return 1 / std::log2(rank + 1); }

double ideal_gain(std::size_t n) {
  double sum = 0;
  for (std::size_t r = 1; r <= n; ++r) sum += discount(static_cast<double>(r));
  return sum;
}

}  // namespace

void rank(std::span<float> scores, std::span<const ItemIndex> hidden, std::span<const ItemIndex> candidates, std::size_t k,
          std::vector<RankedItem>& out) {
  out.clear();
  const std::size_t n = mask(scores, hidden, candidates);
  if (n == 0) return;
  if (all_equal(scores)) {
    const double mean = (static_cast<double>(n) + 1) / 2;
    for (std::size_t i = 0; i < scores.size() && mean <= static_cast<double>(k); ++i) {
      if (scores[i] != kMasked) out.push_back({static_cast<ItemIndex>(i), mean});
    }
    return;
  }
  // The best so far, cut back whenever they are many; what is not above `bar` cannot come into the list any more: an equal score of a
  // higher number stands behind all that are kept. Most blocks have nothing above it, which is seen fast.
  thread_local std::vector<Scored> best;
  best.clear();
  float bar = kMasked;
  const std::size_t room = 4 * k + 64;
  for (std::size_t begin = 0; begin < scores.size(); begin += kScan) {
    const auto block = scores.subspan(begin, std::min(kScan, scores.size() - begin));
    float most = kMasked;
    for (const float s : block) most = s > most ? s : most;
    if (!(most > bar)) continue;
    for (std::size_t i = 0; i < block.size(); ++i) {
      if (!(block[i] > bar)) continue;
      best.push_back({block[i], static_cast<ItemIndex>(begin + i)});
      if (best.size() < room) continue;
      std::nth_element(best.begin(), best.begin() + static_cast<std::ptrdiff_t>(k - 1), best.end(), before);
      best.resize(k);
      bar = best[k - 1].score;
    }
  }
  std::sort(best.begin(), best.end(), before);
  for (std::size_t r = 0; r < std::min(k, best.size()); ++r) out.push_back({best[r].item, static_cast<double>(r + 1)});
}

double auc(std::span<const float> scores, std::span<const ItemIndex> targets) {
  std::vector<Scored> all;
  for (std::size_t i = 0; i < scores.size(); ++i) {
    if (scores[i] != kMasked)
      all.push_back({std::isnan(scores[i]) ? std::numeric_limits<float>::lowest() : scores[i], static_cast<ItemIndex>(i)});
  }
  std::sort(all.begin(), all.end(), before);
  double pairs = 0;
  double right = 0;
  double others_above = 0;
  double others = 0;
  for (const Scored& s : all) others += is_target(targets, s.item) ? 0 : 1;
  for (std::size_t begin = 0, end = 0; begin < all.size(); begin = end) {
    double tied_targets = 0;
    double tied_others = 0;
    for (; end < all.size() && all[end].score == all[begin].score; ++end)
      (is_target(targets, all[end].item) ? tied_targets : tied_others) += 1;
    right += tied_targets * (others - others_above - tied_others + tied_others / 2);
    pairs += tied_targets * others;
    others_above += tied_others;
  }
  return pairs > 0 ? right / pairs : 0.5;
}

double case_value(Metric metric, std::span<const RankedItem> list, std::span<const ItemIndex> targets, std::size_t k,
                  const ItemFacts& facts) {
  double hits = 0;
  double gain = 0;
  double first = 0;
  double precisions = 0;
  double facts_sum = 0;
  double n = 0;
  for (const RankedItem& entry : list) {
    if (entry.rank > static_cast<double>(k)) break;
    ++n;
    if (metric == Metric::kNovelty) facts_sum += facts.self_information[static_cast<std::size_t>(entry.item)];
    if (metric == Metric::kPopularityBias) facts_sum += facts.popularity[static_cast<std::size_t>(entry.item)];
    if (!is_target(targets, entry.item)) continue;
    ++hits;
    gain += discount(entry.rank);
    precisions += hits / entry.rank;
    if (first == 0) first = entry.rank;
  }
  const auto n_targets = static_cast<double>(targets.size());
  const std::size_t ideal = std::min(k, targets.size());
  switch (metric) {
    case Metric::kRecall: return hits / n_targets;
    case Metric::kPrecision: return hits / static_cast<double>(k);
    case Metric::kHitRate: return hits > 0 ? 1 : 0;
    case Metric::kNdcg: return gain / ideal_gain(ideal);
    case Metric::kMrr: return first > 0 ? 1 / first : 0;
    case Metric::kMap: return precisions / static_cast<double>(ideal);
    case Metric::kNovelty:
    case Metric::kPopularityBias: return n > 0 ? facts_sum / n : std::numeric_limits<double>::quiet_NaN();
    case Metric::kAuc:
    case Metric::kCoverage:
    case Metric::kDiversity:
    case Metric::kWordF1:
    case Metric::kAccuracy:
    case Metric::kQueriesPerSecond: break;
  }
  fail(ErrorCode::kInternal, "{} is no metric of one list", name_of(metric));
}

std::string MetricColumn::name() const { return k > 0 ? fmt::format("{}@{}", name_of(metric), k) : std::string(name_of(metric)); }

std::vector<MetricColumn> metric_columns(const Protocol& protocol) {
  std::vector<MetricColumn> out;
  for (const Metric m : protocol.metrics) {
    if (!has_cut_off(m)) {
      out.push_back({m, 0});
      continue;
    }
    for (const std::size_t k : protocol.k) out.push_back({m, k});
  }
  return out;
}

std::vector<double> column_means(const std::vector<FoldValues>& folds, std::size_t n_columns) {
  std::vector<double> out(n_columns, 0);
  for (std::size_t c = 0; c < n_columns; ++c) {
    for (const FoldValues& fold : folds) {
      double sum = 0;
      double n = 0;
      for (std::size_t r = 0; r < fold.n_rows; ++r) {
        const double v = fold.values[r * n_columns + c];
        if (std::isnan(v)) continue;
        sum += v;
        ++n;
      }
      out[c] += (n > 0 ? sum / n : 0) / static_cast<double>(folds.size());
    }
  }
  return out;
}

std::vector<Interval> bootstrap(const std::vector<FoldValues>& folds, std::size_t n_columns, std::size_t n_draws,
                                std::uint64_t seed, int threads) {
  std::vector<double> means(n_draws * n_columns, 0);
  parallel_for(n_draws, 8, threads, [&](std::size_t begin, std::size_t end, int) {
    std::vector<double> sum(n_columns);
    std::vector<double> count(n_columns);
    for (std::size_t draw = begin; draw < end; ++draw) {
      Rng rng(seed, draw);  // a stream of its own, so that threads change nothing
      for (const FoldValues& fold : folds) {
        std::fill(sum.begin(), sum.end(), 0);
        std::fill(count.begin(), count.end(), 0);
        for (std::size_t r = 0; r < fold.n_rows; ++r) {
          const double* row = fold.values.data() + rng.below(fold.n_rows) * n_columns;
          for (std::size_t c = 0; c < n_columns; ++c) {
            if (std::isnan(row[c])) continue;
            sum[c] += row[c];
            ++count[c];
          }
        }
        for (std::size_t c = 0; c < n_columns; ++c) {
          means[draw * n_columns + c] += (count[c] > 0 ? sum[c] / count[c] : 0) / static_cast<double>(folds.size());
        }
      }
    }
  });
  std::vector<Interval> out(n_columns);
  std::vector<double> column(n_draws);
  for (std::size_t c = 0; c < n_columns && n_draws > 0; ++c) {
    for (std::size_t draw = 0; draw < n_draws; ++draw) column[draw] = means[draw * n_columns + c];
    std::sort(column.begin(), column.end());
    const auto at = [&](double share) {
      return column[std::min(n_draws - 1, static_cast<std::size_t>(share * static_cast<double>(n_draws)))];
    };
    out[c] = {at(0.025), at(0.975)};
  }
  return out;
}

}  // namespace lodestone::evaluation
