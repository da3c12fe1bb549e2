#include "sources/mysql/mysql_source.hpp"

#include <fmt/format.h>

#include <charconv>
#include <memory>
#include <optional>

#include "base/error.hpp"
#include "sources/binlog/log_position.hpp"
#include "sources/mysql/column_types.hpp"
#include "sources/mysql/page_clauses.hpp"
#include "sources/mysql/table_stream.hpp"

namespace lodestone::sources {
namespace {

std::uint64_t parse_count(const std::optional<std::string>& text) {
  std::uint64_t value = 0;
  if (text) std::from_chars(text->data(), text->data() + text->size(), value);
  return value;
}

// One text of all columns in which nothing can be taken for something else: QUOTE puts texts into quotes and writes NULL for null.
std::string row_text(const table::Schema& schema) {
  std::string out;
  for (const table::Column& column : schema) {
    const std::string name = quoted_name(column.name);
    out += out.empty() ? "" : ", ";
    switch (column.type) {
      case table::ColumnType::kBytes: out += fmt::format("QUOTE(HEX({}))", name); break;
      case table::ColumnType::kDouble: out += fmt::format("QUOTE({} + 0e0)", name); break;  // all digits of a float
      default: out += fmt::format("QUOTE({})", name);
    }
  }
  return out;
}

std::optional<int> parse_int(const std::optional<std::string>& text) {
  int value = 0;
  if (!text || std::from_chars(text->data(), text->data() + text->size(), value).ec != std::errc{}) return std::nullopt;
  return value;
}

}  // namespace

ConnectionOptions connection_options(const MysqlOptions& options) {
  return {parse_mysql_url(options.url), options.password, options.connect_timeout, options.read_timeout, options.time_zone};
}

MysqlSource::MysqlSource(ConnectionPool& pool, std::string table_prefix)
    : connection_(pool.acquire()), table_prefix_(std::move(table_prefix)) {}

MysqlSource::MysqlSource(const MysqlOptions& options)
    : own_pool_(std::make_unique<ConnectionPool>(PoolOptions{.connection = connection_options(options)})),
      connection_(own_pool_->acquire()),
      table_prefix_(options.table_prefix) {}

MysqlSource::~MysqlSource() {
  // The next holder of the connection reads as of its own moment.
  if (moment_) connection_->roll_back();
}

std::string MysqlSource::location() const {
  const MysqlUrl& url = connection_->options().url;
  return url.socket.empty() ? fmt::format("{}:{}/{}", url.host, url.port, url.database)
                            : fmt::format("{}/{}", url.socket, url.database);
}

std::vector<std::string> MysqlSource::tables() {
  const auto rows =
      connection_->query(fmt::format("SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = {} AND TABLE_TYPE IN "
                                     "('BASE TABLE', 'VIEW', 'SYSTEM VERSIONED') ORDER BY TABLE_NAME",
                                     quoted_text(connection_->options().url.database)),
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
  connection_->execute(fmt::format("SELECT * FROM {} LIMIT 0", quoted_name(name)), purpose);
  const auto rows = connection_->query(fmt::format("SELECT COLUMN_NAME, LOWER(DATA_TYPE), LOWER(COLUMN_TYPE), NUMERIC_PRECISION, "
                                                   "NUMERIC_SCALE FROM information_schema.COLUMNS "
                                                   "WHERE TABLE_SCHEMA = {} AND TABLE_NAME = {} ORDER BY ORDINAL_POSITION",
                                                   quoted_text(connection_->options().url.database), quoted_text(name)),
                                       purpose);
  table::Schema schema;
  for (const auto& row : rows) {
    schema.push_back(map_column({row[0].value(), row[1].value(), row[2].value(), parse_int(row[3]), parse_int(row[4])}));
  }
  return schema;
}

std::uint64_t MysqlSource::estimated_rows(const std::string& table) {
  const std::string name = name_of(table);
  const auto rows = connection_->query(
      fmt::format("SELECT TABLE_ROWS FROM information_schema.TABLES WHERE TABLE_SCHEMA = {} AND TABLE_NAME = {}",
                  quoted_text(connection_->options().url.database), quoted_text(name)),
      {fmt::format("count table {}", name), name, 0});
  std::uint64_t value = 0;
  if (!rows.empty() && rows[0][0]) std::from_chars(rows[0][0]->data(), rows[0][0]->data() + rows[0][0]->size(), value);
  return value;
}

void MysqlSource::begin() {
  if (moment_) return;
  // The clock first: what is committed between the two is then read again by the next increment, and not missed.
  const auto rows = connection_->query("SELECT UTC_TIMESTAMP(6)", {"read the server's clock", "", 0});
  const std::optional<TimePoint> moment = parse_time(rows.at(0).at(0).value_or(""));
  LODESTONE_ASSERT(moment.has_value(), "UTC_TIMESTAMP(6) is {}", rows[0][0].value_or("null"));
  connection_->execute("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY", {"begin a consistent reading", "", 0});
  moment_ = moment;
}

TimePoint MysqlSource::moment() {
  begin();
  return *moment_;
}

TableSnapshot MysqlSource::snapshot(const std::string& table) {
  begin();
  table::Schema columns = schema(table);
  const std::uint64_t n_rows = estimated_rows(table);
  return {table, std::make_unique<TableStream>(*connection_, name_of(table), std::move(columns), n_rows), {}, {}};
}

std::unique_ptr<table::RowStream> MysqlSource::page(const std::string& table, const RowPage& page) {
  begin();
  return std::make_unique<TableStream>(*connection_, name_of(table), schema(table), page.limit, page_clauses(page));
}

std::string MysqlSource::log_position() {
  begin();
  return snapshot_gtid(*connection_).format();
}

std::unique_ptr<table::RowStream> MysqlSource::rows_now(const std::string& table, const std::vector<std::string>& key,
                                                        const std::vector<std::vector<OrderValue>>& keys) {
  if (moment_) connection_->execute("COMMIT", {"end a consistent reading", "", 0});
  moment_.reset();
  return std::make_unique<TableStream>(*connection_, name_of(table), schema(table), keys.size(), keys_clause(key, keys));
}

std::vector<RangeDigest> MysqlSource::digests(const std::string& table, const std::string& key, std::int64_t width) {
  begin();
  const std::string name = name_of(table);
  const std::string row = row_text(schema(table));
  const std::string range = key.empty() ? "0" : fmt::format("FLOOR({} / {})", quoted_name(key), width);
  const auto rows = connection_->query(
      fmt::format(
          "SELECT {} AS r, COUNT(*), BIT_XOR(CRC32(CONCAT({}))), SUM(CRC32(CONCAT('+', {}))) FROM {} GROUP BY r ORDER BY r",
          range, row, row, quoted_name(name)),
      {fmt::format("compare table {}", name), name, 0});
  std::vector<RangeDigest> out;
  for (const auto& values : rows) {
    RangeDigest digest{0, parse_count(values[1]), parse_count(values[2]), parse_count(values[3])};
    std::from_chars(values[0]->data(), values[0]->data() + values[0]->size(), digest.range);
    out.push_back(digest);
  }
  return out;
}

}  // namespace lodestone::sources
