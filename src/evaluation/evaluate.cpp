#include "evaluation/evaluate.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <map>
#include <set>

#include "base/error.hpp"
#include "base/thread_pool.hpp"
#include "evaluation/peak_memory.hpp"

namespace lodestone::evaluation {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr std::size_t kBlock = 16;

double seconds_since(SteadyClock::time_point start) { return std::chrono::duration<double>(SteadyClock::now() - start).count(); }

ItemFacts facts_of(const TrainPart& train) {
  const models::Interactions x = to_interactions(train.histories, train.n_items);
  std::vector<double> count(train.n_items, 0);
  for (const ItemIndex item : x.items) ++count[static_cast<std::size_t>(item)];
  ItemFacts facts;
  const auto n_users = static_cast<double>(std::max<std::size_t>(1, x.n_users()));
  std::vector<double> sorted = count;
  std::sort(sorted.begin(), sorted.end());
  for (const double c : count) {
    facts.self_information.push_back(-std::log2(std::max(1.0, c) / n_users));
    const auto below = std::lower_bound(sorted.begin(), sorted.end(), c) - sorted.begin();
    const auto equal = std::upper_bound(sorted.begin(), sorted.end(), c) - sorted.begin() - below;
    facts.popularity.push_back((static_cast<double>(below) + 0.5 * static_cast<double>(equal)) /
                               static_cast<double>(count.size()));
  }
  return facts;
}

/// "ease lambda=200" when all folds agree, else "a (3 folds); b (2 folds)".
std::string join_settings(const std::vector<std::string>& settings) {
  std::map<std::string, std::size_t> counts;
  for (const std::string& s : settings) ++counts[s];
  if (counts.size() <= 1) return settings.empty() ? "" : settings.front();
  std::vector<std::string> parts;
  for (const auto& [text, n] : counts) parts.push_back(fmt::format("{} ({} of {} folds)", text, n, settings.size()));
  return fmt::format("{}", fmt::join(parts, "; "));
}

}  // namespace

/// What all folds of one method gave.
struct Evaluation::Tally {
  std::vector<FoldValues> folds;
  std::vector<double> coverage;  ///< sum over folds, one a cut-off
  std::set<std::int32_t> subjects;
  std::size_t n_cases = 0;
  double fit_seconds = 0;
  double score_seconds = 0;
};

Evaluation::Evaluation(const Dataset& data, models::Interactions content)
    : data_(data), content_(std::move(content)), problems_(make_problems(data)) {
  const auto& metrics = data.spec.protocol.metrics;
  if (std::find(metrics.begin(), metrics.end(), Metric::kDiversity) != metrics.end() && data.texts.empty()) {
    fail(ErrorCode::kInvalidArgument,
         "{}: protocol.metrics: diversity compares texts of items, and there is no files.items with a title",
         data.spec.file.string());
  }
}

double Evaluation::diversity(std::span<const RankedItem> list, std::size_t k) const {
  double sum = 0;
  double pairs = 0;
  for (std::size_t a = 0; a < list.size() && list[a].rank <= static_cast<double>(k); ++a) {
    const models::InteractionRow x = content_.row(static_cast<std::size_t>(list[a].item));
    for (std::size_t b = 0; b < a; ++b) {
      const models::InteractionRow y = content_.row(static_cast<std::size_t>(list[b].item));
      ++pairs;
      for (std::size_t i = 0, j = 0; i < x.items.size() && j < y.items.size();) {
        if (x.items[i] == y.items[j]) sum += static_cast<double>(x.weights[i] * y.weights[j]);
        const ItemIndex token = std::min(x.items[i], y.items[j]);
        if (x.items[i] == token) ++i;
        if (j < y.items.size() && y.items[j] == token) ++j;
      }
    }
  }
  return pairs > 0 ? 1 - sum / pairs : std::numeric_limits<double>::quiet_NaN();
}

void Evaluation::score_cases(const Problem& problem, const Scorer& scorer, const EvaluateOptions& options, Tally& tally) const {
  const Protocol& protocol = data_.spec.protocol;
  const ItemFacts facts = facts_of(problem.train);
  const std::size_t max_k = *std::max_element(protocol.k.begin(), protocol.k.end());
  std::size_t n_columns = 0;
  for (const Metric m : protocol.metrics) n_columns += m == Metric::kCoverage ? 0 : (has_cut_off(m) ? protocol.k.size() : 1);
  const std::size_t n_cases = problem.targets.size();
  FoldValues fold{std::vector<double>(n_cases * n_columns), n_cases};
  const auto n_threads = static_cast<std::size_t>(options.threads > 0 ? options.threads : usable_cores());
  std::vector<std::vector<std::size_t>> listed(
      n_threads);  // smallest cut-off number (of sorted k) that listed an item, per thread
  std::vector<std::vector<float>> scratch(n_threads);
  const SteadyClock::time_point start = SteadyClock::now();
  parallel_for(n_cases, kBlock, static_cast<int>(n_threads), [&](std::size_t begin, std::size_t end, int thread) {
    std::vector<float>& scores = scratch[static_cast<std::size_t>(thread)];
    std::vector<std::size_t>& seen = listed[static_cast<std::size_t>(thread)];
    scores.resize(problem.train.n_items);
    seen.resize(problem.train.n_items, std::numeric_limits<std::size_t>::max());
    std::vector<RankedItem> list;
    for (std::size_t c = begin; c < end; ++c) {
      std::fill(scores.begin(), scores.end(), 0.0F);
      scorer(c, scores);
      rank(scores, problem.hidden[c], problem.candidates, max_k, list);
      for (const RankedItem& entry : list) {
        std::size_t& least = seen[static_cast<std::size_t>(entry.item)];
        least = std::min(least, static_cast<std::size_t>(std::ceil(entry.rank)));
      }
      double* out = fold.values.data() + c * n_columns;
      for (const Metric m : protocol.metrics) {
        if (m == Metric::kCoverage) continue;
        if (m == Metric::kAuc) {
          *out++ = auc(scores, problem.targets[c]);
          continue;
        }
        for (const std::size_t k : protocol.k) {
          *out++ = m == Metric::kDiversity ? diversity(list, k) : case_value(m, list, problem.targets[c], k, facts);
        }
      }
    }
  });
  tally.score_seconds += seconds_since(start);
  tally.coverage.resize(protocol.k.size(), 0);
  for (std::size_t which = 0; which < protocol.k.size(); ++which) {
    double n = 0;
    for (std::size_t i = 0; i < problem.train.n_items; ++i) {
      n += std::any_of(listed.begin(), listed.end(),
                       [&](const auto& seen) { return i < seen.size() && seen[i] <= protocol.k[which]; })
               ? 1
               : 0;
    }
    tally.coverage[which] += n / static_cast<double>(problem.train.n_items);
  }
  tally.subjects.insert(problem.subjects.begin(), problem.subjects.end());
  tally.n_cases += n_cases;
  tally.folds.push_back(std::move(fold));
}

MethodResult Evaluation::summary(const Tally& tally, const EvaluateOptions& options) const {
  const Protocol& protocol = data_.spec.protocol;
  MethodResult result;
  result.fit_seconds = tally.fit_seconds;
  result.score_seconds = tally.score_seconds;
  result.users = data_.spec.kind == Kind::kSessions ? tally.n_cases : tally.subjects.size();
  const std::size_t n_columns =
      tally.folds.front().n_rows == 0 ? 0 : tally.folds.front().values.size() / tally.folds.front().n_rows;
  const std::vector<double> means = column_means(tally.folds, n_columns);
  const std::vector<Interval> intervals = options.draws > 0
                                              ? bootstrap(tally.folds, n_columns, options.draws, options.seed, options.threads)
                                              : std::vector<Interval>{};
  std::size_t column = 0;
  for (const Metric m : protocol.metrics) {
    for (std::size_t which = 0; which < (has_cut_off(m) ? protocol.k.size() : 1); ++which) {
      MetricResult value;
      value.name = has_cut_off(m) ? fmt::format("{}@{}", name_of(m), protocol.k[which]) : std::string(name_of(m));
      if (m == Metric::kCoverage) {
        value.value = tally.coverage[which] / static_cast<double>(tally.folds.size());
      } else {
        value.value = means[column];
        if (!intervals.empty()) value.interval = intervals[column];
        ++column;
      }
      result.metrics.push_back(std::move(value));
    }
  }
  return result;
}

MethodResult Evaluation::measure(const MethodFactory& make, const EvaluateOptions& options) const {
  reset_peak_memory();
  Tally tally;
  std::string name;
  std::vector<std::string> settings;
  for (const Problem& problem : problems_) {
    const std::unique_ptr<Method> method = make();
    const SteadyClock::time_point start = SteadyClock::now();
    method->fit(problem.train);
    tally.fit_seconds += seconds_since(start);
    score_cases(
        problem, [&](std::size_t c, std::span<float> scores) { method->score(problem.inputs[c], scores); }, options, tally);
    name = method->name();
    settings.push_back(method->settings());
  }
  const double peak = peak_memory_mib();
  MethodResult result = summary(tally, options);
  result.method = name;
  result.settings = join_settings(settings);
  result.peak_mib = peak;
  return result;
}

MethodResult Evaluation::measure(const SearchMethod& method, const EvaluateOptions& options) const {
  reset_peak_memory();
  Tally tally;
  for (const Problem& problem : problems_) {
    const SteadyClock::time_point start = SteadyClock::now();
    method.fit(problem.train.texts);
    tally.fit_seconds += seconds_since(start);
    score_cases(
        problem,
        [&](std::size_t c, std::span<float> scores) {
          method.score(data_.queries[static_cast<std::size_t>(problem.subjects[c])], scores);
        },
        options, tally);
  }
  const double peak = peak_memory_mib();
  MethodResult result = summary(tally, options);
  result.method = method.name;
  result.settings = method.settings;
  result.peak_mib = peak;
  return result;
}

double measure_one(const Problem& problem, const Method& method, Metric metric, std::size_t k, std::size_t max_cases,
                   int threads) {
  const std::size_t n = problem.targets.size();
  const std::size_t taken = std::min(n, max_cases);
  std::vector<double> values(taken, 0);
  const auto n_threads = static_cast<std::size_t>(threads > 0 ? threads : usable_cores());
  std::vector<std::vector<float>> scratch(n_threads);
  parallel_for(taken, kBlock, static_cast<int>(n_threads), [&](std::size_t begin, std::size_t end, int thread) {
    std::vector<float>& scores = scratch[static_cast<std::size_t>(thread)];
    scores.resize(problem.train.n_items);
    std::vector<RankedItem> list;
    for (std::size_t t = begin; t < end; ++t) {
      const std::size_t c = t * n / taken;
      std::fill(scores.begin(), scores.end(), 0.0F);
      method.score(problem.inputs[c], scores);
      rank(scores, problem.hidden[c], problem.candidates, k, list);
      values[t] = case_value(metric, list, problem.targets[c], k, {});
    }
  });
  double sum = 0;
  for (const double v : values) sum += v;
  return taken > 0 ? sum / static_cast<double>(taken) : 0;
}

}  // namespace lodestone::evaluation
