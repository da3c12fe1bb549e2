#pragma once
// What the binary log does not say of a table, and how its rows come out.

#include <string>
#include <string_view>
#include <vector>

#include "sources/binlog/gtid.hpp"
#include "sources/mysql/column_types.hpp"
#include "table/batch.hpp"

namespace lodestone::sources {

class Connection;

/// A table whose changes are wanted. A value.
struct BinlogTable {
  std::string database;
  std::string name;
  std::vector<ColumnDescription> descriptions;  ///< of all columns in their order, column_type in the spelling of the server
  table::Schema schema;                         ///< map_column of each
  /// Transactions that are known already: their changes of this table do not come, and are not looked at.
  GtidPosition covered = {};
};

/// Throws contract for a column whose changes cannot be read.
BinlogTable make_binlog_table(std::string database, std::string name, std::vector<ColumnDescription> descriptions);

/// Asks the server for the columns of `name` in the database of the connection. Throws not_found, unavailable for a missing
/// right, contract for what has no rows of its own in the log: a view, a system-versioned table (whose history it holds too).
BinlogTable read_binlog_table(Connection& connection, const std::string& name);

/// The labels of "enum('a','it''s')" or a set, in their order.
std::vector<std::string> parse_labels(std::string_view column_type);

}  // namespace lodestone::sources
