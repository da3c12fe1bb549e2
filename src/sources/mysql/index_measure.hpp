#pragma once
// What an index is good for and what it costs, measured in the server itself: the plan and the time of the incremental reading,
// the time of writes, and how often the server used it. All work is bounded, and nothing that is measured stays behind.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "sources/mysql/index_plan.hpp"

namespace lodestone::sources {

/// What EXPLAIN says of a query over one table.
struct QueryPlan {
  std::string key;           ///< the index it goes through, "" for none
  std::string access;        ///< "range", "ALL" (the whole table)
  std::uint64_t n_rows = 0;  ///< rows that the server expects to look at
  bool sorts = false;        ///< sorts the rows itself, because no index gives them in order
};
QueryPlan explain(Connection& connection, const std::string& query, const Purpose& purpose);

/// The position `n` rows before the last one; nothing for an empty table. Without an index this reads the table once.
std::optional<CursorPosition> find_position(Connection& connection, const TableFacts& facts, const Cursor& cursor,
                                            std::uint64_t n);

/// The incremental reading from a position near the end, as an extraction soon after another one does it.
struct ReadingCost {
  QueryPlan plan;
  double milliseconds = 0;  ///< median of three
};
/// Rows that it reads: 1000, of small tables a tenth.
std::uint64_t rows_to_read(const TableFacts& facts);
ReadingCost measure_reading(Connection& connection, const Cursor& cursor, const CursorPosition& after, std::uint64_t n_rows);

/// Microseconds that one write takes without and with an index: single-row inserts and updates of the change column, in turns on
/// two copies of the table's first 20,000 rows, inside transactions that are rolled back. The copies are dropped.
struct WriteCost {
  std::uint64_t n_writes = 0;  ///< in each of five rounds
  double without_us = 0;
  double with_us = 0;
  [[nodiscard]] double ratio() const { return without_us > 0 ? with_us / without_us : 0; }
};
/// The reason when it cannot be measured: the account may not make tables (names the GRANT), or there are too few rows.
Result<WriteCost> measure_writes(Connection& connection, const PlannedIndex& index);

/// How often the server went through an index since it was started, from performance_schema.
struct IndexUse {
  std::string table;
  std::string index;
  std::uint64_t n_reads = 0;
  std::uint64_t n_writes = 0;  ///< rows inserted, updated or deleted through it
};
/// The reason when the server does not count, or does not tell this account; with the way to change that.
Result<std::vector<IndexUse>> read_index_use(Connection& connection);

}  // namespace lodestone::sources
