#include "sources/mysql/mysql_source.hpp"

#include <fmt/format.h>

#include <charconv>
#include <memory>
#include <optional>

#include "base/error.hpp"
#include "sources/mysql/column_types.hpp"
#include "sources/mysql/table_stream.hpp"

namespace lodestone::sources {
namespace {

std::optional<int> parse_int(const std::optional<std::string>& text) {
  int value = 0;
  if (!text || std::from_chars(text->data(), text->data() + text->size(), value).ec != std::errc{}) return std::nullopt;
  return value;
}

}  // namespace

MysqlSource::MysqlSource(const MysqlOptions& options)
    : table_prefix_(options.table_prefix),
      connection_(
          {parse_mysql_url(options.url), options.password, options.connect_timeout, options.read_timeout, options.time_zone}) {}

std::string MysqlSource::location() const {
  const MysqlUrl& url = connection_.options().url;
  return url.socket.empty() ? fmt::format("{}:{}/{}", url.host, url.port, url.database)
                            : fmt::format("{}/{}", url.socket, url.database);
}

std::vector<std::string> MysqlSource::tables() {
  const auto rows =
      connection_.query(fmt::format("SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = {} AND TABLE_TYPE IN "
                                    "('BASE TABLE', 'VIEW', 'SYSTEM VERSIONED') ORDER BY TABLE_NAME",
                                    quoted_text(connection_.options().url.database)),
                        {"list tables", "", 0});
  std::vector<std::string> tables;
  for (const auto& row : rows) {
    const std::string& name = row[0].value();
    if (name.starts_with(table_prefix_)) tables.push_back(name.substr(table_prefix_.size()));
  }
  return tables;
}

table::Schema MysqlSource::schema(const std::string& table) {
  const std::string name = name_of(table);
  const Purpose purpose{fmt::format("read table {}", name), name, 0};
  // information_schema shows nothing of what may not be read; asking the table itself tells why.
  connection_.execute(fmt::format("SELECT * FROM {} LIMIT 0", quoted_name(name)), purpose);
  const auto rows = connection_.query(fmt::format("SELECT COLUMN_NAME, LOWER(DATA_TYPE), LOWER(COLUMN_TYPE), NUMERIC_PRECISION, "
                                                  "NUMERIC_SCALE FROM information_schema.COLUMNS "
                                                  "WHERE TABLE_SCHEMA = {} AND TABLE_NAME = {} ORDER BY ORDINAL_POSITION",
                                                  quoted_text(connection_.options().url.database), quoted_text(name)),
                                      purpose);
  table::Schema schema;
  for (const auto& row : rows) {
    schema.push_back(map_column({row[0].value(), row[1].value(), row[2].value(), parse_int(row[3]), parse_int(row[4])}));
  }
  return schema;
}

std::uint64_t MysqlSource::estimated_rows(const std::string& table) {
  const std::string name = name_of(table);
  const auto rows = connection_.query(
      fmt::format("SELECT TABLE_ROWS FROM information_schema.TABLES WHERE TABLE_SCHEMA = {} AND TABLE_NAME = {}",
                  quoted_text(connection_.options().url.database), quoted_text(name)),
      {fmt::format("count table {}", name), name, 0});
  std::uint64_t value = 0;
  if (!rows.empty() && rows[0][0]) std::from_chars(rows[0][0]->data(), rows[0][0]->data() + rows[0][0]->size(), value);
  return value;
}

TableSnapshot MysqlSource::snapshot(const std::string& table) {
  if (!in_transaction_) {
    connection_.execute("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY", {"begin a consistent reading", "", 0});
    in_transaction_ = true;
  }
  table::Schema columns = schema(table);
  const std::uint64_t n_rows = estimated_rows(table);
  return {table, std::make_unique<TableStream>(connection_, name_of(table), std::move(columns), n_rows), {}, {}};
}

}  // namespace lodestone::sources
