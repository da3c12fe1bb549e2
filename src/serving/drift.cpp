#include "serving/drift.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace lodestone::serving {
namespace {

constexpr std::string_view kGauge = "feature_stability_index";
constexpr std::string_view kHelp =
    "Population stability index of a feature between the ranker's fit and the rows it scored in the last 24 hours; NaN for want "
    "of them.";

}  // namespace

DriftCounts::DriftCounts(const models::Ranking& ranking, std::size_t n_threads)
    : ranker_(ranking.rankers.front().get()), of_(ranking.reference.of), depth_(ranking.reference.depth) {
  const std::vector<std::string>& columns = ranker_->columns();
  for (const features::FeatureBins& bins : ranking.reference.features) {
    const auto column = std::ranges::find(columns, bins.name);
    if (column == columns.end()) continue;  // an imported ranker takes other columns
    features_.push_back({bins.name, static_cast<std::size_t>(column - columns.begin()), bins, n_cells_});
    n_cells_ += bins.n_bins();
  }
  for (std::size_t t = 0; t < n_threads; ++t) threads_.push_back(std::make_unique<std::atomic<std::uint64_t>[]>(n_cells_));
}

std::shared_ptr<DriftCounts> DriftCounts::make(const models::Release& release, std::size_t n_threads) {
  if (release.ranking == nullptr || release.ranking->rankers.empty() || release.ranking->reference.features.empty())
    return nullptr;
  std::shared_ptr<DriftCounts> out(new DriftCounts(*release.ranking, n_threads));
  return out->features_.empty() ? nullptr : out;
}

void DriftCounts::pick_rows(std::size_t thread, engine::PageKind kind, const engine::Page& page, const engine::Scratch& scratch,
                            std::vector<float>& rows) const {
  rows.clear();
  if (page.ranker != ranker_ || page.n_ranked == 0) return;
  const bool is_shown = of_ == features::RowReference::Of::kShown;
  if (is_shown && kind != engine::PageKind::kUser) return;
  std::size_t n = page.n_ranked;
  if (is_shown) n = std::min(n, page.items.size());
  if (!is_shown && depth_ > 0) n = std::min(n, depth_);
  const std::size_t step = (n + kRowsOfPage - 1) / kRowsOfPage;
  const std::size_t n_columns = ranker_->columns().size();
  // The first candidate of each step is not always the first of the page, which is the best.
  const std::size_t from = step < 2 ? 0 : threads_[thread][0].load(std::memory_order_relaxed) % step;
  for (std::size_t r = from; r < n; r += step) {
    const auto row = std::span(scratch.rows).subspan((is_shown ? scratch.order[r] : r) * n_columns, n_columns);
    rows.insert(rows.end(), row.begin(), row.end());
  }
}

void DriftCounts::add(std::size_t thread, std::span<const float> rows) {
  if (rows.empty()) return;
  std::atomic<std::uint64_t>* cells = threads_[thread].get();
  const auto count = [cells](std::size_t cell) {
    cells[cell].store(cells[cell].load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  };
  for (; !rows.empty(); rows = rows.subspan(ranker_->columns().size())) {
    for (const Feature& feature : features_) count(feature.first + feature.bins.bin(rows[feature.column]));
  }
  count(0);
}

std::vector<std::uint64_t> DriftCounts::read() const {
  std::vector<std::uint64_t> out(n_cells_);
  for (const auto& cells : threads_) {
    for (std::size_t c = 0; c < n_cells_; ++c) out[c] += cells[c].load(std::memory_order_relaxed);
  }
  return out;
}

DriftGauges::DriftGauges(metrics::Registry& registry, const Clock& clock, std::uint64_t least_pages)
    : registry_(&registry), clock_(&clock), least_pages_(least_pages) {
  registry.declare_gauge(kGauge, kHelp);
}

void DriftGauges::set(const std::string& feature, double index) {
  const auto known = gauges_.find(feature);
  if (known != gauges_.end()) return known->second.set(index);
  if (std::isnan(index)) return;
  const metrics::Gauge gauge = registry_->gauge(kGauge, kHelp, {{"feature", feature}});
  gauge.set(index);
  gauges_.emplace(feature, gauge);
}

void DriftGauges::update(const std::shared_ptr<const DriftCounts>& counts) {
  const TimePoint now = clock_->now();
  if (counts != counts_) {
    counts_ = counts;
    readings_.clear();
    for (const auto& [feature, gauge] : gauges_) gauge.set(std::numeric_limits<double>::quiet_NaN());
  }
  if (counts_ == nullptr) return;
  std::vector<std::uint64_t> until = counts_->read();
  // Counts of a new release begin at zero.
  if (readings_.empty()) readings_.push_back({now, std::vector<std::uint64_t>(until.size())});
  if (now - readings_.back().at >= kStep) readings_.push_back({now, until});
  while (readings_.size() > 1 && now - readings_[1].at >= kWindow) readings_.pop_front();
  const std::vector<std::uint64_t>& from = readings_.front().counts;
  const bool is_enough = until[0] - from[0] >= least_pages_;
  std::vector<double> shares;
  for (const DriftCounts::Feature& feature : counts_->features()) {
    const std::size_t n_bins = feature.bins.n_bins();
    double n = 0;
    for (std::size_t b = 0; b < n_bins; ++b) n += static_cast<double>(until[feature.first + b] - from[feature.first + b]);
    shares.assign(n_bins, 0);
    for (std::size_t b = 0; b < n_bins && n > 0; ++b)
      shares[b] = static_cast<double>(until[feature.first + b] - from[feature.first + b]) / n;
    set(feature.name,
        is_enough && n > 0 ? features::stability_index(feature.bins.shares, shares) : std::numeric_limits<double>::quiet_NaN());
  }
}

}  // namespace lodestone::serving
