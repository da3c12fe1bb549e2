#pragma once
// What the verbs of `lodestone indexes` found or did, as a table, as JSON and as a page that needs nothing else.

#include <optional>
#include <string>
#include <vector>

#include "base/file.hpp"
#include "sources/mysql/index_measure.hpp"
#include "sources/mysql/index_plan.hpp"

namespace lodestone::app {

struct IndexRow {
  std::string source;  ///< "business", "matomo"
  sources::PlannedIndex index;
  std::string outcome = {};                         ///< what was done to it, or would be; "" for nothing
  std::optional<sources::ReadingCost> before = {};  ///< of the incremental reading
  std::optional<sources::ReadingCost> after = {};   ///< with the index; of verify, without a time
  std::optional<sources::WriteCost> writes = {};
  std::string writes_reason = {};             ///< why they were not measured
  std::optional<bool> is_used = {};           ///< by EXPLAIN of our query; nothing when there is nothing to read
  std::optional<sources::IndexUse> use = {};  ///< as the server counts
};

struct IndexReport {
  std::string verb;  ///< "plan", "apply", "verify", "drop"
  std::vector<IndexRow> rows = {};
  std::vector<std::string> notes = {};  ///< sentences below the table
};

/// The table and the notes on stdout.
void print_index_report(const IndexReport& report);
/// {"verb", "indexes": [...], "notes": [...]}.
std::string format_index_report_json(const IndexReport& report);
/// With bars for each pair of before and after.
std::string format_index_report_html(const IndexReport& report);

}  // namespace lodestone::app
