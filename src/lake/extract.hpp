#pragma once
// From a source into the raw tables of the lake: whole snapshots, typed by contract, bad rows set aside with a reason.

#include <functional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/file.hpp"
#include "lake/contract.hpp"
#include "sources/change.hpp"
#include "table/engine.hpp"

namespace lodestone::lake {

/// Whether a table that another kind of source has made is replaced, or refused.
enum class ExtractMode { kKeepKind, kFull };

struct ExtractOptions {
  fs::path lake;
  ExtractMode mode = ExtractMode::kKeepKind;
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

/// Extracts all tables of `contracts` (those of one or more sources) that `source` has, each atomically: a table is the old one until the
/// new one is complete. Memory is constant. `on_table` is called after each table.
///
/// Throws contract for a missing table or column, a column of another type, too few rows, or a table that another kind of source made
/// (unless kFull); unavailable when the source dies or the disk is full. Tables done before stay new, the others stay old.
std::vector<TableReport> extract(sources::Source& source, const std::vector<const Contract*>& contracts, table::Engine& engine,
                                 const ExtractOptions& options, const Clock& clock, const ReportCallback& on_table);

}  // namespace lodestone::lake
