#include "evaluation/vectors.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstring>
#include <string_view>

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/thread_pool.hpp"
#include "evaluation/metrics.hpp"
#include "evaluation/peak_memory.hpp"

namespace lodestone::evaluation {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr std::int32_t kMaxDimension = 65'536;
/// An item counts as near as another when its nearness is within this share of its scale: the truth was made in floats.
constexpr double kTie = 1e-5;

double length(std::span<const float> x) {
  double squares = 0;
  for (const float v : x) squares += static_cast<double>(v) * static_cast<double>(v);
  return std::sqrt(squares);
}

template <typename T>
Matrix<T> load_rows(const FileSpec& file) {
  static_assert(sizeof(T) == 4);
  const std::string bytes = read_text_file(file.path);
  Matrix<T> out;
  std::size_t at = 0;
  std::size_t row = 0;
  for (; at < bytes.size(); ++row) {
    std::int32_t length = 0;
    if (bytes.size() - at < sizeof(length))
      fail(ErrorCode::kCorrupt, "{}: row {} is cut: its length is missing", file.path.string(), row);
    std::memcpy(&length, bytes.data() + at, sizeof(length));
    at += sizeof(length);
    if (length < 1 || length > kMaxDimension) {
      fail(ErrorCode::kCorrupt, "{}: row {} has the length {}, expected 1 to {}; is it the format that dataset.yaml says?",
           file.path.string(), row, length, kMaxDimension);
    }
    const auto n = static_cast<std::size_t>(length);
    if (row == 0) out.dimension = n;
    if (n != out.dimension)
      fail(ErrorCode::kCorrupt, "{}: row {} has {} values, the first has {}", file.path.string(), row, n, out.dimension);
    if (bytes.size() - at < n * sizeof(T))
      fail(ErrorCode::kCorrupt, "{}: row {} is cut: {} of {} bytes", file.path.string(), row, bytes.size() - at, n * sizeof(T));
    out.values.resize((row + 1) * n);
    std::memcpy(out.values.data() + row * n, bytes.data() + at, n * sizeof(T));
    at += n * sizeof(T);
  }
  if (row == 0) fail(ErrorCode::kCorrupt, "{}: holds no vector", file.path.string());
  return out;
}

/// Share of the first k found that are as near as the k-th true one.
double recall_of(const VectorSet& set, std::size_t query, std::span<const std::int32_t> found, std::size_t k) {
  const auto q = set.queries[query];
  const auto farthest = set.base[static_cast<std::size_t>(set.truth[query][k - 1])];
  const double last = nearness(set, q, farthest);
  // A cosine is of the scale of 1, a product of that of the two lengths, a distance of its own; so no unit of the data moves recall.
  const double scale = set.distance == "ip" ? length(q) * length(farthest) : set.distance == "l2" ? std::abs(last) : 1;
  const double least = last - kTie * scale;
  double hits = 0;
  for (std::size_t i = 0; i < std::min(k, found.size()); ++i)
    hits += nearness(set, q, set.base[static_cast<std::size_t>(found[i])]) >= least ? 1 : 0;
  return hits / static_cast<double>(k);
}

}  // namespace

Matrix<float> load_fvecs(const FileSpec& file) {
  Matrix<float> out = load_rows<float>(file);
  for (std::size_t i = 0; i < out.values.size(); ++i) {
    if (!std::isfinite(out.values[i])) {
      fail(ErrorCode::kCorrupt, "{}: row {} has the value {} at {}, expected a finite number", file.path.string(),
           i / out.dimension, out.values[i], i % out.dimension);
    }
  }
  return out;
}

Matrix<std::int32_t> load_ivecs(const FileSpec& file) { return load_rows<std::int32_t>(file); }

VectorSet load_vector_set(const DatasetSpec& spec) {
  const FileSpec& base = *spec.find(Part::kBase);
  const FileSpec& query = *spec.find(Part::kQuery);
  const FileSpec& truth = *spec.find(Part::kTruth);
  VectorSet set{load_fvecs(base), load_fvecs(query), load_ivecs(truth), truth.distance};
  if (set.queries.dimension != set.base.dimension) {
    fail(ErrorCode::kCorrupt, "{}: its vectors have {} values, those of {} have {}", query.path.string(), set.queries.dimension,
         base.path.string(), set.base.dimension);
  }
  if (set.truth.size() != set.queries.size()) {
    fail(ErrorCode::kCorrupt, "{}: has {} rows, {} has {} queries", truth.path.string(), set.truth.size(), query.path.string(),
         set.queries.size());
  }
  for (std::size_t i = 0; i < set.truth.values.size(); ++i) {
    const std::int32_t item = set.truth.values[i];
    if (item < 0 || static_cast<std::size_t>(item) >= set.base.size()) {
      fail(ErrorCode::kCorrupt, "{}: row {} names vector {}, {} has {}", truth.path.string(), i / set.truth.dimension, item,
           base.path.string(), set.base.size());
    }
  }
  const std::size_t k = *std::max_element(spec.protocol.k.begin(), spec.protocol.k.end());
  if (k > set.truth.dimension) {
    fail(ErrorCode::kInvalidArgument, "{}: protocol.k: {} is more than the {} true neighbours of {}", spec.file.string(), k,
         set.truth.dimension, truth.path.string());
  }
  return set;
}

double nearness(const VectorSet& set, std::span<const float> query, std::span<const float> item) {
  double dot = 0;
  double squares = 0;
  double item_squares = 0;
  double distance = 0;
  for (std::size_t i = 0; i < query.size(); ++i) {
    const auto a = static_cast<double>(query[i]);
    const auto b = static_cast<double>(item[i]);
    dot += a * b;
    squares += a * a;
    item_squares += b * b;
    distance += (a - b) * (a - b);
  }
  if (set.distance == "l2") return -distance;
  if (set.distance == "ip") return dot;
  return squares > 0 && item_squares > 0 ? dot / std::sqrt(squares * item_squares) : 0;
}

MethodResult measure_vectors(const DatasetSpec& spec, const VectorSet& set, const VectorMethod& method,
                             const EvaluateOptions& options) {
  reset_peak_memory();
  MethodResult result;
  result.method = method.name;
  result.settings = method.settings;
  SteadyClock::time_point start = SteadyClock::now();
  method.fit();
  result.fit_seconds = std::chrono::duration<double>(SteadyClock::now() - start).count();
  const std::size_t largest = *std::max_element(spec.protocol.k.begin(), spec.protocol.k.end());
  const std::size_t n = set.queries.size();
  std::vector<std::vector<std::int32_t>> found(n);
  method.search(set.queries[0], largest, found[0]);  // what is measured is a warm index
  start = SteadyClock::now();
  for (std::size_t q = 0; q < n; ++q) method.search(set.queries[q], largest, found[q]);
  result.score_seconds = std::chrono::duration<double>(SteadyClock::now() - start).count();
  result.users = n;
  result.peak_mib = peak_memory_mib();
  std::vector<FoldValues> folds{{std::vector<double>(n * spec.protocol.k.size()), n}};
  parallel_for(n, 16, options.threads, [&](std::size_t begin, std::size_t end, int) {
    for (std::size_t q = begin; q < end; ++q) {
      for (std::size_t which = 0; which < spec.protocol.k.size(); ++which)
        folds[0].values[q * spec.protocol.k.size() + which] = recall_of(set, q, found[q], spec.protocol.k[which]);
    }
  });
  const std::vector<double> means = column_means(folds, spec.protocol.k.size());
  const std::vector<Interval> intervals =
      options.draws > 0 ? bootstrap(folds, spec.protocol.k.size(), options.draws, options.seed, options.threads)
                        : std::vector<Interval>{};
  for (const Metric metric : spec.protocol.metrics) {
    if (metric == Metric::kQueriesPerSecond) {
      result.metrics.push_back(
          {std::string(name_of(metric)), static_cast<double>(n) / std::max(1e-9, result.score_seconds), std::nullopt});
      continue;
    }
    for (std::size_t which = 0; which < spec.protocol.k.size(); ++which) {
      MetricResult value{fmt::format("{}@{}", name_of(metric), spec.protocol.k[which]), means[which], std::nullopt};
      if (!intervals.empty()) value.interval = intervals[which];
      result.metrics.push_back(std::move(value));
    }
  }
  return result;
}

}  // namespace lodestone::evaluation
