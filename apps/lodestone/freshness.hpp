#pragma once
// How far the lake's raw tables are behind their sources: the newest change that the source has against the newest that the lake has, so
// that a table in which nothing happens is not taken for a stale one.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/json.hpp"
#include "lake/contract.hpp"
#include "lake_access.hpp"

namespace lodestone::app {

/// One raw table. Change times are as its rows have them, without a zone.
struct TableFreshness {
  std::string source;
  std::string table;
  std::uint64_t n_rows = 0;
  std::uint64_t n_quarantined = 0;
  bool is_reading = false;         ///< it is being read anew, piece by piece
  std::string change_column = {};  ///< "" when its rows do not tell when they changed
  std::optional<TimePoint> newest_in_source = {};
  std::optional<TimePoint> newest_in_lake = {};  ///< rows in quarantine count: they were read
  std::optional<TimePoint> read_at = {};         ///< all that was committed before is in the lake; UTC
  std::optional<double> lag_seconds = {};        ///< nothing when the source could not be asked, or has nothing to ask for
};

struct FreshnessReport {
  std::vector<TableFreshness> tables;
  std::vector<std::string> problems;  ///< sources that could not be asked, a sentence each
};

/// By how much the lake is behind: 0 when the source has no newer change, else the time from what the lake surely has to the source's
/// newest change. All in one zone; one of the last two must be there.
double freshness_lag(TimePoint newest_in_source, std::optional<TimePoint> newest_in_lake, std::optional<TimePoint> read_at);

/// Looks at every raw table and asks each database for its newest change (one MAX a table, which an index answers at once). A source that
/// does not answer makes a problem and no error. Throws what lake::Reader throws. `pools` as for open_source().
FreshnessReport measure_freshness(const Config& config, const lake::Contracts& contracts, table::Engine& engine,
                                  SourcePools& pools);

/// A change time as rows have it, "" when there is none.
std::string format_change_time(const std::optional<TimePoint>& at);

/// As `lodestone lake status --json` and the status of pipeline watch print it.
json::Value freshness_document(const TableFreshness& table);

}  // namespace lodestone::app
