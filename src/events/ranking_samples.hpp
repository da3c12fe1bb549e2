#pragma once
// Exposures, clicks and orders to the groups a ranker is fitted on (sql/labels/ranking.sql), and how these are cut: by time, and into a sample.
// A group is never cut: half a list would be another list.

#include <cstdint>
#include <span>
#include <vector>

#include "base/clock.hpp"
#include "base/file.hpp"
#include "events/sample.hpp"
#include "table/engine.hpp"

namespace lodestone::events {

/// Which lists count, and until when what was done with them. Lists shown shortly before `until` had less time to be clicked; who minds ends `to`
/// earlier.
struct LabelWindow {
  TimePoint from{};  ///< of the exposures [from, to)
  TimePoint to = std::chrono::sys_days{std::chrono::year{9999} / 12 / 31};
  TimePoint until = std::chrono::sys_days{std::chrono::year{9999} / 12 / 31};  ///< of clicks and orders, itself included
};

/// What becomes of groups in which nothing was clicked or ordered.
enum class WithoutAction : std::uint8_t { kKeep, kDrop };

struct RankingOptions {
  fs::path sql_folder;           ///< its labels/ranking.sql replaces the built-in one; "" = none
  table::Parameters parameters;  ///< of the query, besides those of the window
  WithoutAction without_action = WithoutAction::kKeep;
  /// The query is run in pieces of about this many events, so that the memory of its tables does not grow with them.
  std::uint64_t events_per_slice = 10'000'000;
};

/// The groups of the window, ascending by time, then request id. `engine` knows the tables events and attributions. All groups are held: about
/// 100 bytes each and 16 a sample. Throws contract when a key that is joined on is not unique.
std::vector<RankingGroup> read_ranking_groups(table::Engine& engine, const LabelWindow& window, const RankingOptions& options);

/// Whole groups with at most `max_rows` samples in all, in the order in which they were. They are taken in the order of a hash of request id and
/// seed until the next one does not fit: the same groups on every machine and whatever else there is, large and small ones alike. None when the
/// first is larger than max_rows.
std::vector<RankingGroup> sample_groups(std::vector<RankingGroup> groups, std::uint64_t max_rows, std::uint64_t seed);

/// Views of the groups that were split.
struct TimeSplit {
  std::span<const RankingGroup> training;    ///< all shown before the first of validation
  std::span<const RankingGroup> validation;  ///< the latest
};

/// Cuts groups that ascend by time so that the latest `share` (0 to 1) of them are validation; groups of the same time stay together, there, so
/// validation may be larger. Throws invalid_argument for another share and for groups out of order.
TimeSplit split_by_time(std::span<const RankingGroup> groups, double share);

}  // namespace lodestone::events
