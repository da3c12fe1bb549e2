// Figures of the ranker configurations (config/rankers.yaml) on simulated requests whose true relevance is known: fitted on clicks that the place
// on the page decided too, measured by the relevance.
//
//   rankers_bench REQUESTS SECONDS     fits each on REQUESTS of 20 rows, with as many trees as it may have, and baseline once more on the
//                                      30 features that it gained most from; times them in turn for about SECONDS in all
//
// One JSON object on stdout: {name: {trees, features, bytes, auc, ndcg, fit_seconds, microseconds}}; auc and ndcg@10 of 1,000 other requests.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/rng.hpp"
#include "evaluation/ranker_metrics.hpp"
#include "models/ranking/tree_scorer.hpp"
#include "training/feature_selection.hpp"
#include "training/ranker_config.hpp"

namespace lodestone {
namespace {

using Time = std::chrono::steady_clock;
using training::RankerConfig;
using training::RankerRows;

constexpr std::size_t kFeatures = 80;
constexpr std::size_t kShown = 20;
constexpr std::size_t kTestRequests = 1000;
constexpr std::size_t kCandidates = 200;

struct Requests {
  std::vector<float> values;  ///< [rows, kFeatures]
  std::vector<float> clicks;  ///< 1 click, 2 order
  std::vector<float> relevance;
  std::vector<std::int32_t> positions;
  std::vector<std::uint64_t> groups{0};
};

/// Half of the features say something, ever less; every third has gaps, every tenth is a category.
float draw(Rng& rng, std::size_t feature) {
  if (feature % 10 == 9) return static_cast<float>(rng.below(12));
  if (feature % 3 == 0 && rng.chance(0.3)) return std::numeric_limits<float>::quiet_NaN();
  return static_cast<float>(rng.normal());
}

double taste(const float* row, Rng& rng) {
  double out = 1.2 * rng.normal();
  for (std::size_t f = 0; f < kFeatures / 2; ++f) {
    const double weight = 1.2 / std::sqrt(static_cast<double>(f + 1));
    const double value = std::isnan(row[f]) ? -0.5 : row[f];
    const double other = std::isnan(row[f + 1]) ? 0 : row[f + 1];
    out += weight * (f % 10 == 9  ? (static_cast<int>(value) % 3 - 1)
                     : f % 4 == 0 ? std::sin(2 * value)
                                  : value * (other > 0 ? 1 : 0.3));
  }
  return out;
}

Requests make(std::size_t n, std::uint64_t seed) {
  Rng rng(seed);
  Requests out;
  for (std::size_t g = 0; g < n; ++g) {
    for (std::size_t p = 0; p < kShown; ++p) {
      for (std::size_t f = 0; f < kFeatures; ++f) out.values.push_back(draw(rng, f));
      // The last feature is what the page was ordered by, and means nothing.
      out.values.back() = static_cast<float>(static_cast<double>(p) + 3 * rng.normal());
      const double liking = taste(out.values.data() + (out.values.size() - kFeatures), rng);
      const float relevance = liking > 5 ? 2.0F : liking > 3 ? 1.0F : 0.0F;
      out.relevance.push_back(relevance);
      out.clicks.push_back(rng.chance(1 / static_cast<double>(p + 1)) ? relevance : 0.0F);
      out.positions.push_back(static_cast<std::int32_t>(p + 1));
    }
    out.groups.push_back(out.relevance.size());
  }
  return out;
}

/// The columns in `kept`.
std::vector<float> select(const std::vector<float>& values, const std::vector<std::size_t>& kept) {
  std::vector<float> out;
  for (std::size_t r = 0; r < values.size() / kFeatures; ++r) {
    for (const std::size_t f : kept) out.push_back(values[r * kFeatures + f]);
  }
  return out;
}

struct Measured {
  std::string name;
  training::FittedRanker ranker;
  double auc = 0;
  double ndcg = 0;
  double fit_seconds = 0;
  std::size_t n_features = 0;
  std::vector<float> test_values;
  std::vector<double> microseconds;
};

Measured measure(const RankerConfig& config, std::string name, const Requests& train, const Requests& test,
                 const std::vector<std::size_t>& kept) {
  std::vector<std::string> names;
  std::vector<std::uint8_t> is_category;
  for (const std::size_t f : kept) {
    names.push_back(fmt::format("f{}", f));
    is_category.push_back(f % 10 == 9 && f + 1 < kFeatures ? 1 : 0);
  }
  const std::vector<float> train_values = select(train.values, kept);
  const RankerRows rows{train_values, train.clicks, train.groups, train.positions, names, is_category};
  Measured out;
  out.name = std::move(name);
  out.n_features = kept.size();
  const Time::time_point start = Time::now();
  out.ranker = training::fit_ranker(rows, nullptr, config, 1);
  out.fit_seconds = std::chrono::duration<double>(Time::now() - start).count();
  out.test_values = select(test.values, kept);
  const models::TreeScorer scorer(models::parse_tree_ensemble(out.ranker.text, out.name));
  models::TreeScorer::Scratch scratch;
  std::vector<double> scores(test.relevance.size());
  scorer.score(out.test_values, scores.size(), scores, scratch);
  out.auc = evaluation::binary_auc(test.relevance, scores);
  out.ndcg = evaluation::mean_ndcg(test.relevance, scores, test.groups, 10);
  return out;
}

/// Rankers in turn, so that what else the machine does meets them alike; a turn takes all test rows, 200 at once.
void time_all(std::vector<Measured>& all, double seconds) {
  const auto end = Time::now() + std::chrono::duration<double>(seconds);
  models::TreeScorer::Scratch scratch;
  std::vector<double> scores(kCandidates);
  std::vector<models::TreeScorer> scorers;
  for (const Measured& m : all) scorers.emplace_back(models::parse_tree_ensemble(m.ranker.text, m.name));
  do {
    for (std::size_t i = 0; i < all.size(); ++i) {
      const std::size_t stride = kCandidates * all[i].n_features;
      const std::size_t calls = all[i].test_values.size() / stride;
      const auto start = Time::now();
      for (std::size_t c = 0; c < calls; ++c)
        scorers[i].score(std::span(all[i].test_values).subspan(c * stride, stride), kCandidates, scores, scratch);
      const double microseconds = std::chrono::duration<double, std::micro>(Time::now() - start).count();
      all[i].microseconds.push_back(microseconds / static_cast<double>(calls));
    }
  } while (Time::now() < end);
}

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

void run(std::size_t n_requests, double seconds) {
  const Requests train = make(n_requests, 1);
  const Requests test = make(kTestRequests, 2);
  std::vector<std::size_t> every(kFeatures);
  for (std::size_t f = 0; f < kFeatures; ++f) every[f] = f;
  std::vector<Measured> all;
  const std::vector<RankerConfig> configs = training::default_ranker_configs();
  for (const RankerConfig& config : configs) all.push_back(measure(config, config.name, train, test, every));
  std::vector<std::string> names;
  for (const std::size_t f : every) names.push_back(fmt::format("f{}", f));
  const std::vector<std::size_t> best = training::select_features(all[0].ranker.gain, names, 30);
  all.push_back(measure(configs[0], configs[0].name + "-top-30", train, test, best));
  time_all(all, seconds);
  std::string out;
  for (const Measured& m : all) {
    out += fmt::format(
        "{}\"{}\":{{\"trees\":{},\"features\":{},\"bytes\":{},\"auc\":{:.5f},\"ndcg\":{:.5f},\"fit_seconds\":{:.3f},"
        "\"microseconds\":{:.2f}}}",
        out.empty() ? "" : ",", m.name, m.ranker.trees, m.n_features, m.ranker.text.size(), m.auc, m.ndcg, m.fit_seconds,
        median(m.microseconds));
  }
  fmt::print("{{{}}}\n", out);
}

}  // namespace
}  // namespace lodestone

int main(int argc, char** argv) {
  using namespace lodestone;
  try {
    std::size_t n = 0;
    double seconds = 0;
    const auto parse = [](std::string_view text, auto& value) {
      return std::from_chars(text.data(), text.data() + text.size(), value).ec == std::errc();
    };
    if (argc != 3 || !parse(argv[1], n) || n < 10 || !parse(argv[2], seconds))
      fail(ErrorCode::kInvalidArgument, "usage: rankers_bench REQUESTS SECONDS, at least 10 requests");
    run(n, seconds);
  } catch (const Error& error) {
    fmt::print(stderr, "rankers_bench: {}\n", error.message());
    return exit_code(error.code());
  }
  return 0;
}
