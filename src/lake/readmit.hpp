#pragma once
// Taking quarantined rows back: those that fit the contract as it is now go into their raw table, the others stay where they are.

#include <map>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "lake/contract.hpp"
#include "lake/table_folder.hpp"
#include "table/engine.hpp"

namespace lodestone::lake {

struct ReadmitOptions {
  fs::path lake;
  std::string reason = {};  ///< only rows whose reason begins so; "" = any
  std::vector<std::string>
      keys;              ///< only rows with one of these keys, the values of several key columns joined by "/"; none = any
  bool dry_run = false;  ///< count, and change nothing
};

/// What became of the quarantined rows that were asked for.
struct ReadmitReport {
  std::uint64_t n_readmitted = 0;
  std::uint64_t n_overtaken = 0;                 ///< the table has a row of that key which is as new: dropped
  std::map<std::string, std::uint64_t> refused;  ///< rows that stay, by the reason they have now
};

/// Readmits rows of one raw table in one commit: a kill leaves the table and its quarantine as they were or as they are to be, and doing it
/// again changes nothing. Requires the LakeLock on the raw tables. Throws not_found when the lake has no such table or a file of its
/// quarantine is missing, contract when the table's columns are of other types than the contract's now (an extract reads it anew then).
ReadmitReport readmit(table::Engine& engine, const Contract& contract, const Clock& clock, const ReadmitOptions& options,
                      const LakeLock& lock);

}  // namespace lodestone::lake
