#include "sources/binlog/binlog_table.hpp"

#include <fmt/format.h>

#include <charconv>

#include "base/error.hpp"
#include "sources/mysql/connection.hpp"

namespace lodestone::sources {
namespace {

std::optional<int> parse_int(const std::optional<std::string>& text) {
  int value = 0;
  if (!text || std::from_chars(text->data(), text->data() + text->size(), value).ec != std::errc{}) return std::nullopt;
  return value;
}

}  // namespace

BinlogTable make_binlog_table(std::string database, std::string name, std::vector<ColumnDescription> descriptions) {
  BinlogTable table{std::move(database), std::move(name), std::move(descriptions), {}};
  for (const ColumnDescription& column : table.descriptions) table.schema.push_back(map_column(column));
  return table;
}

BinlogTable read_binlog_table(Connection& connection, const std::string& name) {
  const std::string& database = connection.options().url.database;
  const Purpose purpose{fmt::format("read the columns of table {}", name), name, 0};
  // information_schema shows nothing of what may not be read; asking the table itself tells why.
  connection.execute(fmt::format("SELECT * FROM {} LIMIT 0", quoted_name(name)), purpose);
  const std::string where = fmt::format("WHERE TABLE_SCHEMA = {} AND TABLE_NAME = {}", quoted_text(database), quoted_text(name));
  const auto kinds = connection.query("SELECT TABLE_TYPE FROM information_schema.TABLES " + where, purpose);
  const std::string kind = kinds.empty() ? "" : kinds[0][0].value_or("");
  if (kind != "BASE TABLE") {
    fail(
        ErrorCode::kContract,
        "table {}.{}: the binary log has no rows of its own for it, because it is a {}; read it by snapshots, or name the tables "
        "below it",
        database, name, kind);
  }
  const auto rows = connection.query(
      "SELECT COLUMN_NAME, LOWER(DATA_TYPE), COLUMN_TYPE, NUMERIC_PRECISION, NUMERIC_SCALE, CHARACTER_SET_NAME FROM "
      "information_schema.COLUMNS " +
          where + " ORDER BY ORDINAL_POSITION",
      purpose);
  std::vector<ColumnDescription> descriptions;
  for (const auto& row : rows) {
    descriptions.push_back(
        {row[0].value(), row[1].value(), row[2].value(), parse_int(row[3]), parse_int(row[4]), row[5].value_or("")});
  }
  return make_binlog_table(database, name, std::move(descriptions));
}

std::vector<std::string> parse_labels(std::string_view column_type) {
  std::vector<std::string> labels;
  std::size_t i = column_type.find('(');
  while (i < column_type.size() && (i = column_type.find('\'', i)) != std::string_view::npos) {
    std::string& label = labels.emplace_back();
    for (++i; i < column_type.size(); ++i) {
      char c = column_type[i];
      const char next = i + 1 < column_type.size() ? column_type[i + 1] : '\0';
      if (c == '\'' && next != '\'') break;
      if (c == '\'' || (c == '\\' && (next == '0' || next == 'n' || next == 'r' || next == '\\'))) {
        if (c == '\\') c = next == '0' ? '\0' : next == 'n' ? '\n' : next == 'r' ? '\r' : '\\';
        ++i;
      }
      label += c;
    }
    ++i;
  }
  return labels;
}

}  // namespace lodestone::sources
