// Figures of implicit ALS and of the linear models:
//
//   als_bench fit FILE FACTORS ITERATIONS THREADS   median seconds of an iteration by conjugate gradients, the first left out
//   als_bench invert N_ITEMS THREADS                seconds of the inverse that EASE takes, and of the same by LAPACK's own calls
//   als_bench slim N_USERS N_ITEMS N_EVENTS THREADS seconds of the sparse linear model on made-up events, and how many pairs they are
//
// FILE holds little-endian integers: n_users, n_items (8 bytes each), n_users + 1 offsets (8 bytes), then item numbers (4 bytes).
// One JSON object on stdout.
#include <cblas.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/rng.hpp"
#include "training/als.hpp"
#include "training/dense.hpp"
#include "training/slim.hpp"

extern "C" void spotrf_(const char* uplo, const blasint* n, float* a, const blasint* lda, blasint* info);
extern "C" void spotri_(const char* uplo, const blasint* n, float* a, const blasint* lda, blasint* info);

namespace lodestone {
namespace {

using Time = std::chrono::steady_clock;

double seconds_since(Time::time_point start) { return std::chrono::duration<double>(Time::now() - start).count(); }

std::size_t parse_count(std::string_view text) {
  std::size_t n = 0;
  if (std::from_chars(text.data(), text.data() + text.size(), n).ec != std::errc() || n == 0) {
    fail(ErrorCode::kInvalidArgument, "\"{}\" is no count", text);
  }
  return n;
}

/// Takes `n` numbers off the front of `bytes`.
template <typename Number>
std::vector<Number> take(std::string_view& bytes, std::size_t n) {
  if (bytes.size() / sizeof(Number) < n) fail(ErrorCode::kCorrupt, "the file of interactions ends too early");
  std::vector<Number> out(n);
  std::memcpy(out.data(), bytes.data(), n * sizeof(Number));
  bytes.remove_prefix(n * sizeof(Number));
  return out;
}

models::Interactions read_interactions(const fs::path& path) {
  const std::string text = read_file(path);
  std::string_view bytes = text;
  const std::vector<std::uint64_t> sizes = take<std::uint64_t>(bytes, 2);
  models::Interactions x;
  x.n_items = sizes[1];
  x.offsets = take<std::uint64_t>(bytes, sizes[0] + 1);
  x.items = take<ItemIndex>(bytes, x.offsets.back());
  x.weights.assign(x.items.size(), 1.0F);
  return x;
}

void time_fit(const fs::path& path, std::size_t factors, std::size_t iterations, std::size_t threads) {
  const models::Interactions x = read_interactions(path);
  training::AlsOptions options;
  options.factors = factors;
  options.iterations = static_cast<int>(iterations) + 1;
  options.threads = static_cast<int>(threads);
  options.solver = training::AlsSolver::kConjugateGradient;
  std::vector<double> seconds;
  auto start = Time::now();
  options.progress = [&](int) {
    seconds.push_back(seconds_since(start));
    start = Time::now();
  };
  (void)training::fit_als(x, options);
  seconds.erase(seconds.begin());
  const auto middle = seconds.begin() + static_cast<std::ptrdiff_t>(seconds.size() / 2);
  std::nth_element(seconds.begin(), middle, seconds.end());
  fmt::print("{{\"iteration_seconds\":{:.6f}}}\n", *middle);
}

/// A symmetric positive definite matrix as the linear model's: counts in common, popular items first, and a ridge.
std::vector<float> item_matrix(std::size_t n) {
  std::vector<float> matrix(n * n);
  Rng rng(7);
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      const double common = std::sqrt(1 / (static_cast<double>(i + 1) * static_cast<double>(j + 1)));
      matrix[i * n + j] = matrix[j * n + i] = static_cast<float>(common * rng.uniform());
    }
    matrix[i * n + i] = 50;
  }
  return matrix;
}

void time_inverse(std::size_t n, std::size_t threads) {
  const std::vector<float> matrix = item_matrix(n);
  std::vector<float> ours = matrix;
  auto start = Time::now();
  training::invert_spd(ours, n, static_cast<int>(threads));
  const double our_seconds = seconds_since(start);
  std::vector<float> theirs = matrix;
  openblas_set_num_threads(static_cast<int>(threads));
  start = Time::now();
  const auto order = static_cast<blasint>(n);
  blasint info = 0;
  spotrf_("L", &order, theirs.data(), &order, &info);
  if (info == 0) spotri_("L", &order, theirs.data(), &order, &info);
  const double their_seconds = seconds_since(start);
  if (info != 0) fail(ErrorCode::kInternal, "LAPACK could not invert the matrix: {}", info);
  float difference = 0;
  for (std::size_t i = 0; i < n; ++i) {
    // Column-major lower is row-major upper.
    for (std::size_t j = i; j < n; ++j) difference = std::max(difference, std::fabs(ours[i * n + j] - theirs[i * n + j]));
  }
  fmt::print("{{\"ours_seconds\":{:.6f},\"lapack_seconds\":{:.6f},\"largest_difference\":{:.3g}}}\n", our_seconds, their_seconds,
             difference);
}

/// Users of all sizes, items of all popularities, and tastes: of three events two fall into the user's own part of the catalogue.
models::Interactions made_up_events(std::size_t n_users, std::size_t n_items, std::size_t n_events) {
  constexpr std::size_t kTastes = 100;
  Rng rng(7);
  models::Interactions x;
  x.n_items = n_items;
  std::vector<ItemIndex> row;
  for (std::size_t u = 0; u < n_users; ++u) {
    const double share = -std::log(1 - rng.uniform());  // mean 1
    const auto n = static_cast<std::size_t>(std::lround(share * static_cast<double>(n_events) / static_cast<double>(n_users)));
    row.clear();
    for (std::size_t k = 0; k < n; ++k) {
      auto item = static_cast<std::size_t>(static_cast<double>(n_items) * std::pow(rng.uniform(), 3));
      if (rng.chance(2.0 / 3)) item = std::min(n_items - 1, item / kTastes * kTastes + u % kTastes);
      row.push_back(static_cast<ItemIndex>(item));
    }
    std::sort(row.begin(), row.end());
    row.erase(std::unique(row.begin(), row.end()), row.end());
    x.items.insert(x.items.end(), row.begin(), row.end());
    x.offsets.push_back(x.items.size());
  }
  x.weights.assign(x.items.size(), 1.0F);
  return x;
}

void time_slim(const models::Interactions& x, std::size_t threads) {
  training::SlimOptions options;
  options.threads = static_cast<int>(threads);
  const auto start = Time::now();
  const models::OwnedNeighbours lists = training::fit_slim(x, options);
  fmt::print("{{\"seconds\":{:.6f},\"pairs\":{},\"weights\":{}}}\n", seconds_since(start), x.items.size(), lists.items.size());
}

int run(const std::vector<std::string>& arguments) {
  if (arguments.size() == 5 && arguments[0] == "fit") {
    time_fit(arguments[1], parse_count(arguments[2]), parse_count(arguments[3]), parse_count(arguments[4]));
  } else if (arguments.size() == 3 && arguments[0] == "invert") {
    time_inverse(parse_count(arguments[1]), parse_count(arguments[2]));
  } else if (arguments.size() == 5 && arguments[0] == "slim") {
    time_slim(made_up_events(parse_count(arguments[1]), parse_count(arguments[2]), parse_count(arguments[3])),
              parse_count(arguments[4]));
  } else {
    fmt::print(stderr,
               "usage: als_bench fit FILE FACTORS ITERATIONS THREADS | invert N_ITEMS THREADS | slim N_USERS N_ITEMS N_EVENTS "
               "THREADS\n");
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
    fmt::print(stderr, "als_bench: {}\n", error.message());
    return lodestone::exit_code(error.code());
  }
}
