#pragma once
// From a source into the raw tables of the lake: whole snapshots, typed by contract, bad rows set aside with a reason.

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/file.hpp"
#include "lake/contract.hpp"
#include "lake/table_folder.hpp"
#include "sources/change.hpp"
#include "table/engine.hpp"

namespace lodestone::lake {

/// Whether a table that another kind of source has made is replaced, or refused.
enum class ExtractMode { kKeepKind, kFull };

/// How the tables of a database are read: whole each time; by what changed where a table tells; or once, to be followed by the database's
/// log from there (capture.hpp).
enum class Capture { kFull, kCursor, kLog };

struct ExtractOptions {
  fs::path lake;
  ExtractMode mode = ExtractMode::kKeepKind;
  Capture capture = Capture::kFull;
  std::string zone = "UTC";  ///< of the business tables' naive times
  /// How far before the newest change the next reading begins. Must be longer than the source's longest transaction; larger reads more
  /// rows again.
  std::chrono::seconds overlap{600};
  /// How long after a comparison with the whole source table the next is due; 0 = never.
  std::chrono::seconds compare_every{86'400};
  bool compare_now = false;
  std::uint64_t chunk_rows = 100'000;    ///< changed rows that are merged and committed at once
  std::uint64_t piece_rows = 1'000'000;  ///< rows of a first reading between two points from which it can be taken up
};

/// What became of one table.
struct TableReport {
  std::string source;
  std::string table;
  std::uint64_t rows_in = 0;
  std::uint64_t rows_out = 0;
  std::uint64_t n_quarantined = 0;
  std::vector<std::string> dropped;  ///< "robot 1200", of canonical tables
  double seconds = 0;
  fs::path manifest;
};

/// "order_tab: 12 rows in, 10 out, 2 quarantined, 0.1 s, lake/raw/business/order_tab/manifest.json".
std::string format_report(const TableReport& report);

using ReportCallback = std::function<void(const TableReport& report)>;

/// A table of the lake, and what an extraction would make it from.
struct PlannedTable {
  std::string source_name;  ///< the table in the source; "" when it has none, then the lake's reads as empty
  bool is_kept = false;     ///< the source has nothing new for it: the lake keeps the rows it has
  fs::path folder;          ///< in the lake
};

/// What extract() would do, with the checks that it makes before it reads rows. Changes nothing.
std::vector<PlannedTable> plan_extract(sources::Source& source, const std::vector<const Contract*>& contracts,
                                       const ExtractOptions& options);

/// Extracts all tables of `contracts` (those of one or more sources) that `source` has, each atomically: a table is the old one until the
/// new one is complete. Memory is constant. `on_table` is called after each table.
///
/// A table that cannot be read does not keep the others from being read; what is wrong with each is said at the end. Throws contract for a
/// missing table or column, a column of another type, too few rows, or a table that another kind of source or another database made (unless
/// kFull); unavailable when the source dies or the disk is full. Tables that were read are new, the others stay old.
std::vector<TableReport> extract(sources::Source& source, const std::vector<const Contract*>& contracts, table::Engine& engine,
                                 const ExtractOptions& options, const Clock& clock, const ReportCallback& on_table);
/// The same for one who holds the lock on the raw tables.
std::vector<TableReport> extract(sources::Source& source, const std::vector<const Contract*>& contracts, table::Engine& engine,
                                 const ExtractOptions& options, const Clock& clock, const ReportCallback& on_table,
                                 const LakeLock& lock);

}  // namespace lodestone::lake
