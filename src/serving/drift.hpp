#pragma once
// Whether the rows that a release's ranker scores look like those it was fitted on: counts of sampled rows by the bins of the fit, and the population
// stability index of each feature over the last day.

#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "engine/recommender.hpp"
#include "metrics/registry.hpp"

namespace lodestone::serving {

/// Rows of one release. Each thread counts in memory of its own, without a lock; anyone reads.
class DriftCounts {
 public:
  /// Of a page, so many rows are counted at most, spread over it: a page has 100 candidates, of which the user's features are the same in all.
  static constexpr std::size_t kRowsOfPage = 16;

  /// Null for a release whose preferred ranker has no reference.
  static std::shared_ptr<DriftCounts> make(const models::Release& release, std::size_t n_threads);

  /// The rows that count of a page, one after the other, which `scratch` has made: none of one that another than the preferred ranker put in order.
  /// Where the fit was on what was shown, that was on pages for a person, and of pages about an item there are none. `rows` grows to kRowsOfPage.
  void pick_rows(std::size_t thread, engine::PageKind kind, const engine::Page& page, const engine::Scratch& scratch,
                 std::vector<float>& rows) const;
  /// Counts what pick_rows() has given; no rows are no page. Allocates nothing.
  void add(std::size_t thread, std::span<const float> rows);

  struct Feature {
    std::string name;
    std::size_t column = 0;  ///< of the ranker's rows
    features::FeatureBins bins;
    std::size_t first = 0;  ///< place of its first bin
  };
  [[nodiscard]] const std::vector<Feature>& features() const { return features_; }

  /// All that was counted: the pages, then the bins of all features.
  [[nodiscard]] std::vector<std::uint64_t> read() const;

 private:
  DriftCounts(const models::Ranking& ranking, std::size_t n_threads);

  const models::Ranker* ranker_ = nullptr;  // of the release, which holds this
  features::RowReference::Of of_ = features::RowReference::Of::kCandidates;
  std::size_t depth_ = 0;
  std::vector<Feature> features_;
  std::size_t n_cells_ = 1;
  std::vector<std::unique_ptr<std::atomic<std::uint64_t>[]>> threads_;
};

/// The gauges feature_stability_index{feature}. One thread.
class DriftGauges {
 public:
  /// Fewer pages say little: an index is above 0 by chance by about bins / pages.
  static constexpr std::uint64_t kLeastPages = 500;
  static constexpr std::chrono::hours kWindow{24};

  DriftGauges(metrics::Registry& registry, const Clock& clock, std::uint64_t least_pages = kLeastPages);

  /// Sets the gauges by what was counted of the release in the last kWindow. One that is not known, for want of pages or reference, is NaN, and there is
  /// none before it was known once.
  void update(const std::shared_ptr<const DriftCounts>& counts);

 private:
  /// What was counted until a time.
  struct Reading {
    TimePoint at{};
    std::vector<std::uint64_t> counts;
  };
  void set(const std::string& feature, double index);

  static constexpr std::chrono::minutes kStep{30};  // between readings that are kept

  metrics::Registry* registry_;
  const Clock* clock_;
  std::uint64_t least_pages_;
  std::shared_ptr<const DriftCounts> counts_;  // that the readings are of
  std::deque<Reading> readings_;               // oldest first; the first is where the window begins
  std::map<std::string, metrics::Gauge> gauges_;
};

}  // namespace lodestone::serving
