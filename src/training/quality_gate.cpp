#include "training/quality_gate.hpp"

#include <algorithm>
#include <limits>

#include "base/error.hpp"

namespace lodestone::training {
namespace {

constexpr double kDay = 86'400e6;  // microseconds

/// People that an item of each category needs.
std::vector<double> needed(std::span<const std::int32_t> category_of, const std::vector<std::size_t>& people,
                           const QualityGateOptions& options) {
  std::vector<std::vector<std::size_t>> touched;
  for (std::size_t i = 0; i < people.size(); ++i) {
    const auto c = static_cast<std::size_t>(category_of[i]);
    if (touched.size() <= c) touched.resize(c + 1);
    if (people[i] > 0) touched[c].push_back(people[i]);
  }
  std::vector<double> out;
  for (auto& counts : touched) {
    double median = 0;
    if (!counts.empty()) {
      const auto middle = counts.begin() + static_cast<std::ptrdiff_t>(counts.size() / 2);
      std::nth_element(counts.begin(), middle, counts.end());
      median = static_cast<double>(*middle);
    }
    out.push_back(std::max(static_cast<double>(options.min_people), options.median_share * median));
  }
  return out;
}

}  // namespace

std::vector<std::uint8_t> quality_gate(std::span<const models::Item> items, std::span<const std::int32_t> category_of,
                                       const models::Interactions& interactions, std::span<const std::int64_t> last_at,
                                       const QualityGateOptions& options) {
  LODESTONE_ASSERT(items.size() == interactions.n_items, "{} items, interactions of {}", items.size(), interactions.n_items);
  std::vector<std::size_t> people(items.size(), 0);
  std::vector<std::int64_t> newest(items.size(), std::numeric_limits<std::int64_t>::min());
  std::int64_t end = std::numeric_limits<std::int64_t>::min();
  for (std::size_t at = 0; at < interactions.items.size(); ++at) {
    if (!(interactions.weights[at] > 0)) continue;
    const auto i = static_cast<std::size_t>(interactions.items[at]);
    ++people[i];
    if (last_at.empty()) continue;
    newest[i] = std::max(newest[i], last_at[at]);
    end = std::max(end, last_at[at]);
  }
  const std::vector<double> least = needed(category_of, people, options);
  std::vector<std::uint8_t> out(items.size(), 0);
  for (std::size_t i = 0; i < items.size(); ++i) {
    const models::Item& item = items[i];
    const bool described = !item.title.empty() && (!item.description.empty() || !item.tags.empty());
    const bool wanted = static_cast<double>(people[i]) >= least[static_cast<std::size_t>(category_of[i])];
    const bool fresh = last_at.empty() || (people[i] > 0 && static_cast<double>(end - newest[i]) <= options.max_idle_days * kDay);
    out[i] = item.is_available && described && wanted && fresh ? 1 : 0;
  }
  return out;
}

}  // namespace lodestone::training
