#include "evaluation/evaluate.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <limits>
#include <map>
#include <set>

#include "base/error.hpp"
#include "base/thread_pool.hpp"
#include "evaluation/peak_memory.hpp"
#include "evaluation/slices.hpp"

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
  std::array<SliceTally, kSlices> slices;
};

/// One fold while its cases are scored. Each case writes to a row of its own.
struct Evaluation::Fold {
  const Problem& problem;
  std::vector<MetricColumn> columns;
  ItemFacts facts;
  FoldValues values;
  std::vector<char> cold;        ///< items; empty when slices are not wanted
  FoldValues cold_values;        ///< against the cold targets alone
  std::vector<char> cold_cases;  ///< those that have such targets
};

std::vector<MetricColumn> Evaluation::case_columns() const {
  std::vector<MetricColumn> out = metric_columns(data_.spec.protocol);
  std::erase_if(out, [](const MetricColumn& column) { return column.metric == Metric::kCoverage; });
  return out;
}

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

void Evaluation::judge(std::size_t which, std::span<const float> scores, std::span<const RankedItem> list, Fold& fold) const {
  const auto value = [&](const MetricColumn& column, std::span<const ItemIndex> targets) {
    if (column.metric == Metric::kAuc) return auc(scores, targets);
    if (column.metric == Metric::kDiversity) return diversity(list, column.k);
    return case_value(column.metric, list, targets, column.k, fold.facts);
  };
  const std::size_t n_columns = fold.columns.size();
  const auto targets = fold.problem.targets[which];
  for (std::size_t c = 0; c < n_columns; ++c) fold.values.values[which * n_columns + c] = value(fold.columns[c], targets);
  if (fold.cold.empty()) return;
  std::vector<ItemIndex> few;
  keep_cold(targets, fold.cold, few);
  if (few.empty()) return;
  fold.cold_cases[which] = 1;
  for (std::size_t c = 0; c < n_columns; ++c) {
    if (compares_targets(fold.columns[c].metric)) fold.cold_values.values[which * n_columns + c] = value(fold.columns[c], few);
  }
}

void Evaluation::score_cases(const Problem& problem, const Scorer& scorer, const EvaluateOptions& options, Tally& tally) const {
  const Protocol& protocol = data_.spec.protocol;
  const std::size_t max_k = *std::max_element(protocol.k.begin(), protocol.k.end());
  const std::size_t n_cases = problem.targets.size();
  Fold fold{problem, case_columns(), facts_of(problem.train), {}, {}, {}, {}};
  fold.values = {std::vector<double>(n_cases * fold.columns.size()), n_cases};
  if (options.slices && has_slices(data_.spec.kind)) {
    fold.cold = cold_items(problem.train);
    fold.cold_values = fold.values;
    fold.cold_cases.assign(n_cases, 0);
  }
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
      judge(c, scores, list, fold);
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
  if (!fold.cold.empty()) add_slices(fold, tally);
  tally.folds.push_back(std::move(fold.values));
}

void Evaluation::add_slices(const Fold& fold, Tally& tally) const {
  const Problem& problem = fold.problem;
  std::vector<char> few(problem.targets.size());
  for (std::size_t c = 0; c < few.size(); ++c) few[c] = problem.inputs[c].size() <= kColdInteractions ? 1 : 0;
  const std::size_t n_columns = fold.columns.size();
  tally.slices[static_cast<std::size_t>(Slice::kColdUsers)].add(fold.values, n_columns, few, problem.subjects);
  tally.slices[static_cast<std::size_t>(Slice::kColdItems)].add(fold.cold_values, n_columns, fold.cold_cases, problem.subjects);
}

std::vector<SliceResult> Evaluation::slice_results(const Tally& tally, const EvaluateOptions& options) const {
  std::vector<SliceResult> out;
  const std::vector<MetricColumn> columns = case_columns();
  for (const Slice slice : {Slice::kColdUsers, Slice::kColdItems}) {
    const SliceTally& part = tally.slices[static_cast<std::size_t>(slice)];
    SliceResult& result = out.emplace_back();
    result.name = name_of(slice);
    result.users = data_.spec.kind == Kind::kSessions ? part.n_cases : part.subjects.size();
    if (part.folds.empty()) continue;
    const std::vector<double> means = column_means(part.folds, columns.size());
    const std::vector<Interval> intervals =
        options.draws > 0 ? bootstrap(part.folds, columns.size(), options.draws, options.seed, options.threads)
                          : std::vector<Interval>{};
    for (std::size_t c = 0; c < columns.size(); ++c) {
      if (!compares_targets(columns[c].metric)) continue;
      MetricResult& value = result.metrics.emplace_back();
      value.name = columns[c].name();
      value.value = means[c];
      if (!intervals.empty()) value.interval = intervals[c];
    }
  }
  return out;
}

MethodResult Evaluation::summary(const Tally& tally, const EvaluateOptions& options) const {
  const Protocol& protocol = data_.spec.protocol;
  MethodResult result;
  result.fit_seconds = tally.fit_seconds;
  result.score_seconds = tally.score_seconds;
  result.users = data_.spec.kind == Kind::kSessions ? tally.n_cases : tally.subjects.size();
  const std::size_t n_columns = case_columns().size();
  const std::vector<double> means = column_means(tally.folds, n_columns);
  const std::vector<Interval> intervals = options.draws > 0
                                              ? bootstrap(tally.folds, n_columns, options.draws, options.seed, options.threads)
                                              : std::vector<Interval>{};
  std::size_t at = 0;
  for (const MetricColumn& column : metric_columns(protocol)) {
    MetricResult& value = result.metrics.emplace_back();
    value.name = column.name();
    if (column.metric == Metric::kCoverage) {
      const auto which = static_cast<std::size_t>(std::find(protocol.k.begin(), protocol.k.end(), column.k) - protocol.k.begin());
      value.value = tally.coverage[which] / static_cast<double>(tally.folds.size());
      continue;
    }
    value.value = means[at];
    if (!intervals.empty()) value.interval = intervals[at];
    ++at;
  }
  if (options.slices && has_slices(data_.spec.kind)) result.slices = slice_results(tally, options);
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
