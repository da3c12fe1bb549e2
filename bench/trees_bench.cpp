// Figures of scoring a tree ensemble: our TreeScorer beside LightGBM's own calls, on one thread.
//
//   trees_bench make FOLDER TREES      fits TREES trees of 31 leaves on 60 features; writes FOLDER/model.txt,
//                                      FOLDER/rows ([2000, 60] floats) and FOLDER/scores (the raw scores, doubles)
//   trees_bench time FOLDER SECONDS    median microseconds of a call of each kind, the kinds in turn, for about SECONDS in all
//
// One JSON object on stdout.
#include <LightGBM/c_api.h>
#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/rng.hpp"
#include "models/ranking/tree_scorer.hpp"
#include "models/ranking/tree_shap.hpp"

namespace lodestone {
namespace {

using Time = std::chrono::steady_clock;
using models::TreeKernel;
using models::TreeScorer;

constexpr std::size_t kFeatures = 60;
constexpr std::size_t kCandidates = 200;
constexpr std::size_t kRows = 10 * kCandidates;  // each call takes others, or branch predictors would learn them by heart
constexpr std::size_t kTrainRows = 40'000;
constexpr std::size_t kConstantFeatures = 20;  // of the user and the request
constexpr const char* kOneThread = "num_threads=1 verbosity=-1";

void check(int status) {
  if (status != 0) fail(ErrorCode::kInternal, "LightGBM: {}", LGBM_GetLastError());
}

std::vector<float> random_rows(std::size_t n_rows, std::uint64_t seed) {
  Rng rng(seed);
  std::vector<float> rows(n_rows * kFeatures);
  for (float& value : rows) value = static_cast<float>(rng.normal());
  return rows;
}

void make(const fs::path& folder, std::size_t trees) {
  const std::vector<float> rows = random_rows(kTrainRows, 7);
  Rng rng(8);
  std::vector<float> labels(kTrainRows);
  for (std::size_t r = 0; r < kTrainRows; ++r) {
    const float* row = rows.data() + r * kFeatures;
    double score = rng.normal();
    for (std::size_t f = 0; f + 1 < kFeatures; ++f) score += std::sin(row[f] * 2.0) * row[f + 1] * 0.3;
    labels[r] = score > 0 ? 1 : 0;
  }
  const std::string parameters =
      "objective=binary num_leaves=31 learning_rate=0.1 deterministic=true force_row_wise=true verbosity=-1";
  DatasetHandle data = nullptr;
  BoosterHandle booster = nullptr;
  check(
      LGBM_DatasetCreateFromMat(rows.data(), C_API_DTYPE_FLOAT32, kTrainRows, kFeatures, 1, parameters.c_str(), nullptr, &data));
  check(LGBM_DatasetSetField(data, "label", labels.data(), kTrainRows, C_API_DTYPE_FLOAT32));
  check(LGBM_BoosterCreate(data, parameters.c_str(), &booster));
  int finished = 0;
  for (std::size_t tree = 0; tree < trees && finished == 0; ++tree) check(LGBM_BoosterUpdateOneIter(booster, &finished));
  check(LGBM_BoosterSaveModel(booster, 0, -1, C_API_FEATURE_IMPORTANCE_SPLIT, (folder / "model.txt").c_str()));
  const std::vector<float> candidates = random_rows(kRows, 9);
  std::vector<double> scores(kRows);
  std::int64_t n = 0;
  check(LGBM_BoosterPredictForMat(booster, candidates.data(), C_API_DTYPE_FLOAT32, kRows, kFeatures, 1, C_API_PREDICT_RAW_SCORE,
                                  0, -1, kOneThread, &n, scores.data()));
  check(LGBM_BoosterFree(booster));
  check(LGBM_DatasetFree(data));
  write_file_atomic(folder / "scores", {reinterpret_cast<const char*>(scores.data()), scores.size() * sizeof(double)});
  write_file_atomic(folder / "rows", {reinterpret_cast<const char*>(candidates.data()), candidates.size() * sizeof(float)});
  fmt::print("{{\"trees\":{}}}\n", trees);
}

/// A call to be timed; it is told its number, to take other rows each time.
struct Kind {
  const char* name;
  std::size_t calls;  ///< in a turn: as many as warm the caches, which a few calls would not
  std::function<void(std::size_t number)> call;
  std::vector<double> microseconds{};
};

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

/// Kinds in turn, so that what else the machine does meets them alike.
void time_kinds(std::vector<Kind>& kinds, double seconds) {
  const auto end = Time::now() + std::chrono::duration<double>(seconds);
  do {
    for (Kind& kind : kinds) {
      const auto start = Time::now();
      for (std::size_t i = 0; i < kind.calls; ++i) kind.call(i);
      const double microseconds = std::chrono::duration<double, std::micro>(Time::now() - start).count();
      kind.microseconds.push_back(microseconds / static_cast<double>(kind.calls));
    }
  } while (Time::now() < end);
}

/// The library with a model in memory.
struct Library {
  explicit Library(const std::string& text) {
    int n = 0;
    check(LGBM_BoosterLoadModelFromString(text.c_str(), &n, &booster));
    check(LGBM_BoosterPredictForMatSingleRowFastInit(booster, C_API_PREDICT_RAW_SCORE, 0, -1, C_API_DTYPE_FLOAT32, kFeatures,
                                                     kOneThread, &fast));
  }
  ~Library() {
    (void)LGBM_FastConfigFree(fast);
    (void)LGBM_BoosterFree(booster);
  }
  Library(const Library&) = delete;
  Library& operator=(const Library&) = delete;

  void predict(const float* rows, std::size_t n_rows, double* out) const {
    std::int64_t n = 0;
    check(LGBM_BoosterPredictForMat(booster, rows, C_API_DTYPE_FLOAT32, static_cast<int>(n_rows), kFeatures, 1,
                                    C_API_PREDICT_RAW_SCORE, 0, -1, kOneThread, &n, out));
  }
  void explain(const float* row, double* out) const {
    std::int64_t n = 0;
    check(LGBM_BoosterPredictForMat(booster, row, C_API_DTYPE_FLOAT32, 1, kFeatures, 1, C_API_PREDICT_CONTRIB, 0, -1, kOneThread,
                                    &n, out));
  }
  void predict_one(const float* row, double* out) const {
    std::int64_t n = 0;
    check(LGBM_BoosterPredictForMatSingleRowFast(fast, row, &n, out));
  }

  BoosterHandle booster = nullptr;
  FastConfigHandle fast = nullptr;
};

/// Our side, with what its calls write into.
struct Ours {
  explicit Ours(const models::TreeEnsemble& model)
      : best(model),
        avx2(model, models::has_tree_kernel(TreeKernel::kAvx2) ? TreeKernel::kAvx2 : TreeKernel::kScalar),
        scalar(model, TreeKernel::kScalar),
        shap(model) {
    std::fill_n(constant.begin(), kConstantFeatures, std::uint8_t{1});
  }

  TreeScorer best, avx2, scalar;
  models::TreeShap shap;
  TreeScorer::Scratch scratch;
  models::TreeShap::Scratch shap_scratch;
  std::vector<double> scores = std::vector<double>(kCandidates);
  std::vector<double> contributions = std::vector<double>(kFeatures);
  std::vector<std::uint8_t> constant = std::vector<std::uint8_t>(kFeatures);
};

/// [kRows, kFeatures]; `shared` is the same, but each 200 candidates have the first features in common.
struct Rows {
  explicit Rows(const fs::path& path) : all(kRows * kFeatures) {
    const std::string bytes = read_file(path);
    if (bytes.size() != all.size() * sizeof(float)) fail(ErrorCode::kCorrupt, "the file of rows holds {} bytes", bytes.size());
    std::memcpy(all.data(), bytes.data(), bytes.size());
    shared = all;
    for (std::size_t r = 0; r < kRows; ++r) {
      const std::size_t first = r / kCandidates * kCandidates;
      std::memcpy(shared.data() + r * kFeatures, all.data() + first * kFeatures, kConstantFeatures * sizeof(float));
    }
  }
  /// n rows, others for each number; n divides kRows.
  static std::span<const float> take(const std::vector<float>& rows, std::size_t number, std::size_t n) {
    return std::span(rows).subspan(number * n % kRows * kFeatures, n * kFeatures);
  }

  std::vector<float> all, shared;
};

void compare(const Library& library, const Rows& rows, Ours& ours) {
  std::vector<double> theirs(kRows);
  std::vector<double> scores(kRows);
  library.predict(rows.all.data(), kRows, theirs.data());
  ours.best.score(rows.all, kRows, scores, ours.scratch);
  if (std::memcmp(theirs.data(), scores.data(), kRows * sizeof(double)) != 0)
    fail(ErrorCode::kInternal, "our scores differ from the library's; there is nothing to compare");
}

void time_all(const fs::path& folder, double seconds) {
  const std::string text = read_file(folder / "model.txt");
  const Rows rows(folder / "rows");
  const Library library(text);
  Ours ours(models::parse_tree_ensemble(text, (folder / "model.txt").string()));
  compare(library, rows, ours);
  std::vector<double> theirs(kCandidates);
  const auto library_batch = [&](std::size_t n) {
    return [&, n](std::size_t i) { library.predict(Rows::take(rows.all, i, n).data(), n, theirs.data()); };
  };
  const auto our_batch = [&](const TreeScorer& scorer, const std::vector<float>& of, std::size_t n) {
    return [&, n](std::size_t i) { scorer.score(Rows::take(of, i, n), n, std::span(ours.scores).first(n), ours.scratch); };
  };
  std::vector<Kind> kinds = {
      {"library_200", kRows / kCandidates, library_batch(kCandidates)},
      {"ours_200", kRows / kCandidates, our_batch(ours.best, rows.all, kCandidates)},
      {"ours_200_avx2", kRows / kCandidates, our_batch(ours.avx2, rows.all, kCandidates)},
      {"ours_200_scalar", kRows / kCandidates, our_batch(ours.scalar, rows.all, kCandidates)},
      {"ours_200_shared", kRows / kCandidates, our_batch(ours.best, rows.shared, kCandidates)},
      {"ours_200_constant", kRows / kCandidates,
       [&](std::size_t i) {
         ours.best.score(Rows::take(rows.shared, i, kCandidates), kCandidates, ours.constant, ours.scores, ours.scratch);
       }},
      {"library_20", kRows / 20, library_batch(20)},
      {"ours_20", kRows / 20, our_batch(ours.best, rows.all, 20)},
      {"library_1", kRows, [&](std::size_t i) { library.predict_one(Rows::take(rows.all, i, 1).data(), theirs.data()); }},
      {"ours_1", kRows, our_batch(ours.best, rows.all, 1)},
      {"library_contributions", 20, [&](std::size_t i) { library.explain(Rows::take(rows.all, i, 1).data(), theirs.data()); }},
      {"ours_contributions", 20,
       [&](std::size_t i) { ours.shap.explain(Rows::take(rows.all, i, 1), ours.contributions, ours.shap_scratch); }},
  };
  time_kinds(kinds, seconds);
  std::string out;
  for (const Kind& kind : kinds)
    out += fmt::format("{}\"{}\":{:.4f}", out.empty() ? "" : ",", kind.name, median(kind.microseconds));
  fmt::print("{{{}}}\n", out);
}

std::size_t parse_count(std::string_view text) {
  std::size_t n = 0;
  if (std::from_chars(text.data(), text.data() + text.size(), n).ec != std::errc() || n == 0)
    fail(ErrorCode::kInvalidArgument, "\"{}\" is no count", text);
  return n;
}

int run(const std::vector<std::string>& arguments) {
  check(LGBM_RegisterLogCallback([](const char*) {}));
  if (arguments.size() == 3 && arguments[0] == "make") {
    make(arguments[1], parse_count(arguments[2]));
  } else if (arguments.size() == 3 && arguments[0] == "time") {
    time_all(arguments[1], static_cast<double>(parse_count(arguments[2])));
  } else {
    fmt::print(stderr, "usage: trees_bench make FOLDER TREES | time FOLDER SECONDS\n");
    return 2;
  }
  return 0;
}

}  // namespace
}  // namespace lodestone

int main(int argc, char** argv) {
  try {
    return lodestone::run({argv + 1, argv + argc});
  } catch (const lodestone::Error& error) {
    fmt::print(stderr, "trees_bench: {}\n", error.message());
    return lodestone::exit_code(error.code());
  }
}
