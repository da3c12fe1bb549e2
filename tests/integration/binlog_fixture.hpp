#pragma once
// A MariaDB server that keeps a binary log, a copy of a table that follows it, and what a snapshot shows of the same table.

#include <map>
#include <string>
#include <vector>

#include "sources/binlog/binlog_stream.hpp"
#include "sources/binlog/log_position.hpp"
#include "sources/mysql/mysql_source.hpp"
#include "tests/support/mariadb.hpp"

namespace lodestone::sources {

/// Text of a cell, "NULL" for null.
inline std::string cell_text(const table::Schema& schema, const table::Batch& batch, std::size_t column, std::size_t row) {
  if (batch.is_null(column, row)) return "NULL";
  switch (schema[column].type) {
    case table::ColumnType::kText:
    case table::ColumnType::kBytes:
    case table::ColumnType::kDecimal: return std::string(batch.text_at(column, row));
    case table::ColumnType::kDouble: return fmt::format("{}", batch.double_at(column, row));
    default: return std::to_string(batch.int_at(column, row));
  }
}

/// Rows by the text of their first column, which is the primary key.
using Rows = std::map<std::string, std::vector<std::string>>;

/// A server of its own for all tests of this binary: others need none with a log. A log is deleted only once the engine has
/// written what it holds.
inline test::MariaDb& logging_server() {
  static test::MariaDb server(
      {"--server-id=1", "--log-bin=bin", "--binlog-format=ROW", "--gtid-strict-mode=ON", "--innodb-flush-log-at-trx-commit=1"});
  return server;
}

inline ConnectionOptions options_of(const std::string& url, const std::string& time_zone = "+08:00") {
  return {.url = parse_mysql_url(url), .time_zone = time_zone};
}

/// What a snapshot reads from the table.
inline Rows snapshot_of(const std::string& url, const std::string& table) {
  MysqlSource source({.url = url, .time_zone = "+08:00"});
  TableSnapshot snapshot = source.snapshot(table);
  const table::Schema schema = snapshot.stream->schema();
  table::Batch batch(schema);
  Rows rows;
  while (snapshot.stream->next(batch)) {
    for (std::size_t row = 0; row < batch.n_rows(); ++row) {
      std::vector<std::string> cells;
      for (std::size_t column = 0; column < schema.size(); ++column) cells.push_back(cell_text(schema, batch, column, row));
      rows[cells[0]] = cells;
    }
  }
  return rows;
}

/// Does to `rows` what a piece did to the table.
inline void apply(const TableChanges& changes, const table::Schema& schema, Rows& rows) {
  for (const RowChange& change : changes.rows) {
    std::vector<std::string> cells(schema.size(), "absent");
    if (change.kind != ChangeKind::kInsert) {
      const auto old = rows.extract(cell_text(schema, changes.before, 0, change.before));
      if (!old.empty()) cells = old.mapped();
    }
    if (change.kind == ChangeKind::kDelete) continue;
    for (std::size_t column = 0; column < schema.size(); ++column) {
      if (changes.has_after(change, column)) cells[column] = cell_text(schema, changes.after, column, change.after);
    }
    rows[cells[0]] = cells;
  }
}

/// Reads to the end of the log and applies what is of `table`.
inline void follow(const std::string& url, const std::string& table, GtidPosition& position, Rows& rows) {
  Connection connection(options_of(url));
  BinlogTable wanted = read_binlog_table(connection, table);
  const table::Schema schema = wanted.schema;
  BinlogStream stream({.connection = options_of(url), .start = position, .mode = BinlogMode::kToEnd}, {std::move(wanted)});
  while (stream.next(std::chrono::seconds(10)) == BinlogStep::kChanges) {
    for (const TableChanges* changes : stream.piece().tables) apply(*changes, schema, rows);
  }
  position = stream.position();
}

}  // namespace lodestone::sources
