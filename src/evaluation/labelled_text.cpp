#include "evaluation/labelled_text.hpp"

#include <chrono>
#include <optional>
#include <unordered_map>

#include "base/error.hpp"
#include "base/thread_pool.hpp"
#include "evaluation/peak_memory.hpp"
#include "evaluation/splits.hpp"

namespace lodestone::evaluation {
namespace {

using SteadyClock = std::chrono::steady_clock;

double seconds_since(SteadyClock::time_point start) { return std::chrono::duration<double>(SteadyClock::now() - start).count(); }

class Reader {
 public:
  explicit Reader(LabelledSet& set) : set_(set) {}

  LabelledTexts read(const FileSpec& file) {
    LabelledTexts out;
    LineReader lines(file.path);
    for (std::string line; lines.next(line);) {
      if (line.empty()) continue;
      const std::size_t tab = line.rfind('\t');
      if (tab == std::string::npos || tab + 1 == line.size())
        fail(ErrorCode::kCorrupt, "{}:{}: expected text, a tab and a class, found \"{}\"", file.path.string(),
             lines.line_number(), line.substr(0, 80));
      out.texts.push_back(line.substr(0, tab));
      out.labels.push_back(number_of(line.substr(tab + 1)));
    }
    if (out.texts.empty()) fail(ErrorCode::kCorrupt, "{}: holds no line; expected text, a tab and a class", file.path.string());
    return out;
  }

 private:
  std::int32_t number_of(std::string name) {
    const auto [it, added] = numbers_.try_emplace(name, static_cast<std::int32_t>(set_.classes.size()));
    if (added) set_.classes.push_back(std::move(name));
    return it->second;
  }

  LabelledSet& set_;
  std::unordered_map<std::string, std::int32_t> numbers_;
};

void add_all(const LabelledTexts& from, std::vector<std::string_view>& texts, std::vector<std::int32_t>& labels) {
  texts.assign(from.texts.begin(), from.texts.end());
  labels = from.labels;
}

}  // namespace

LabelledSet load_labelled_set(const DatasetSpec& spec) {
  LabelledSet set;
  Reader reader(set);
  if (spec.protocol.split == Split::kKFold) {
    set.train = reader.read(spec.cut_part());
  } else {
    const FileSpec* train = spec.find(Part::kTrain);
    const FileSpec* test = spec.find(Part::kTest);
    LODESTONE_ASSERT(train != nullptr && test != nullptr, "{} was not checked", spec.file.string());
    set.train = reader.read(*train);
    set.test = reader.read(*test);
  }
  return set;
}

std::vector<LabelledProblem> make_problems(const DatasetSpec& spec, const LabelledSet& set) {
  std::vector<LabelledProblem> out;
  if (spec.protocol.split != Split::kKFold) {
    LabelledProblem& problem = out.emplace_back();
    add_all(set.train, problem.train_texts, problem.train_labels);
    add_all(set.test, problem.test_texts, problem.test_labels);
    return out;
  }
  const auto n_folds = static_cast<std::uint64_t>(spec.protocol.folds);
  std::vector<LabelledProblem> folds(n_folds);
  for (std::size_t i = 0; i < set.train.texts.size(); ++i) {
    const std::uint64_t own = row_hash(spec.protocol.seed, i) % n_folds;
    for (std::uint64_t fold = 0; fold < n_folds; ++fold) {
      LabelledProblem& problem = folds[fold];
      (fold == own ? problem.test_texts : problem.train_texts).emplace_back(set.train.texts[i]);
      (fold == own ? problem.test_labels : problem.train_labels).push_back(set.train.labels[i]);
    }
  }
  for (LabelledProblem& problem : folds) {
    if (problem.test_texts.empty()) continue;
    if (problem.train_texts.empty())
      fail(ErrorCode::kInvalidArgument,
           "{}: protocol.folds: {} texts in {} folds leave a fold nothing to fit on; give more texts", spec.file.string(),
           set.train.texts.size(), n_folds);
    out.push_back(std::move(problem));
  }
  return out;
}

MethodResult measure_classifier(const DatasetSpec& spec, const LabelledSet& set, const ClassifyMethod& method,
                                const EvaluateOptions& options) {
  reset_peak_memory();
  MethodResult result;
  result.method = method.name;
  result.settings = method.settings;
  std::vector<FoldValues> folds;
  for (const LabelledProblem& problem : make_problems(spec, set)) {
    SteadyClock::time_point start = SteadyClock::now();
    method.fit(problem.train_texts, problem.train_labels, set.classes.size());
    result.fit_seconds += seconds_since(start);
    const std::size_t n = problem.test_texts.size();
    FoldValues fold{std::vector<double>(n), n};
    start = SteadyClock::now();
    parallel_for(n, 64, options.threads, [&](std::size_t begin, std::size_t end, int) {
      for (std::size_t i = begin; i < end; ++i)
        fold.values[i] = method.classify(problem.test_texts[i]) == problem.test_labels[i] ? 1 : 0;
    });
    result.score_seconds += seconds_since(start);
    result.users += n;
    folds.push_back(std::move(fold));
  }
  result.peak_mib = peak_memory_mib();
  MetricResult accuracy{std::string(name_of(Metric::kAccuracy)), column_means(folds, 1).front(), std::nullopt};
  if (options.draws > 0) accuracy.interval = bootstrap(folds, 1, options.draws, options.seed, options.threads).front();
  result.metrics.push_back(std::move(accuracy));
  return result;
}

}  // namespace lodestone::evaluation
