#include "sources/mysql/bulk_insert.hpp"

#include <fmt/format.h>
#include <mysql.h>

#include <chrono>
#include <cstring>
#include <vector>

#include "base/error.hpp"

namespace lodestone::sources {
namespace {

using table::ColumnType;

/// Bytes of text in one statement; servers take 16 MiB by default and never less than 1 MiB.
constexpr std::size_t kStatementBytes = 800'000;

/// One column of the rows of a statement, as the library wants arrays: numbers one after the other, pointers to times and texts.
struct ColumnArrays {
  std::vector<char> indicators;
  std::vector<std::int64_t> ints;
  std::vector<double> doubles;
  std::vector<MYSQL_TIME> times;
  std::vector<const MYSQL_TIME*> time_pointers;
  std::vector<const char*> texts;
  std::vector<unsigned long> lengths;
};

MYSQL_TIME to_mysql_time(std::int64_t micros) {
  using namespace std::chrono;
  const sys_time<microseconds> at{microseconds{micros}};
  const sys_days day = floor<days>(at);
  const year_month_day date{day};
  const hh_mm_ss time{at - day};
  MYSQL_TIME out{};
  out.year = static_cast<unsigned>(static_cast<int>(date.year()));
  out.month = static_cast<unsigned>(date.month());
  out.day = static_cast<unsigned>(date.day());
  out.hour = static_cast<unsigned>(time.hours().count());
  out.minute = static_cast<unsigned>(time.minutes().count());
  out.second = static_cast<unsigned>(time.seconds().count());
  out.second_part = static_cast<unsigned long>(time.subseconds().count());
  out.time_type = MYSQL_TIMESTAMP_DATETIME;
  return out;
}

bool is_text(ColumnType type) { return type == ColumnType::kText || type == ColumnType::kBytes || type == ColumnType::kDecimal; }

}  // namespace

struct BulkInsert::State {
  Connection* connection;
  std::string table;
  table::Schema schema;
  std::unique_ptr<MYSQL_STMT, void (*)(MYSQL_STMT*)> statement;
  std::vector<ColumnArrays> columns;
  std::vector<MYSQL_BIND> binds;

  void check(int result) const {
    if (result == 0) return;
    const std::string message = mysql_stmt_error(statement.get());
    connection->fail_statement(mysql_stmt_errno(statement.get()), message, {fmt::format("write table {}", table), "", 0},
                               std::chrono::seconds{0});
  }

  void fill(const table::Batch& batch, std::size_t column, std::size_t begin, std::size_t end);
  void write(const table::Batch& batch, std::size_t begin, std::size_t end);
};

void BulkInsert::State::fill(const table::Batch& batch, std::size_t column, std::size_t begin, std::size_t end) {
  ColumnArrays& arrays = columns[column];
  MYSQL_BIND& bind = binds[column];
  const ColumnType type = schema[column].type;
  const std::size_t n = end - begin;
  arrays.indicators.resize(n);
  for (std::size_t i = 0; i < n; ++i)
    arrays.indicators[i] = batch.is_null(column, begin + i) ? STMT_INDICATOR_NULL : STMT_INDICATOR_NONE;
  bind.u.indicator = arrays.indicators.data();
  if (is_text(type)) {
    arrays.texts.resize(n);
    arrays.lengths.resize(n);
    for (std::size_t i = 0; i < n; ++i) {
      const std::string_view text = batch.text_at(column, begin + i);
      arrays.texts[i] = text.data();
      arrays.lengths[i] = text.size();
    }
    bind.buffer_type = type == ColumnType::kBytes ? MYSQL_TYPE_BLOB : MYSQL_TYPE_STRING;
    bind.buffer = arrays.texts.data();
    bind.length = arrays.lengths.data();
  } else if (type == ColumnType::kDouble) {
    arrays.doubles.resize(n);
    for (std::size_t i = 0; i < n; ++i) arrays.doubles[i] = batch.double_at(column, begin + i);
    bind.buffer_type = MYSQL_TYPE_DOUBLE;
    bind.buffer = arrays.doubles.data();
  } else if (type == ColumnType::kTimestamp || type == ColumnType::kDate) {
    const std::int64_t unit = type == ColumnType::kDate ? std::int64_t{86'400'000'000} : 1;
    arrays.times.resize(n);
    for (std::size_t i = 0; i < n; ++i) arrays.times[i] = to_mysql_time(batch.int_at(column, begin + i) * unit);
    bind.buffer_type = MYSQL_TYPE_DATETIME;
    arrays.time_pointers.resize(n);
    for (std::size_t i = 0; i < n; ++i) arrays.time_pointers[i] = &arrays.times[i];
    bind.buffer = arrays.time_pointers.data();
  } else {
    arrays.ints.resize(n);
    for (std::size_t i = 0; i < n; ++i) arrays.ints[i] = batch.int_at(column, begin + i);
    bind.buffer_type = MYSQL_TYPE_LONGLONG;
    bind.buffer = arrays.ints.data();
  }
}

void BulkInsert::State::write(const table::Batch& batch, std::size_t begin, std::size_t end) {
  for (std::size_t column = 0; column < schema.size(); ++column) fill(batch, column, begin, end);
  auto n = static_cast<unsigned>(end - begin);
  check(mysql_stmt_attr_set(statement.get(), STMT_ATTR_ARRAY_SIZE, &n));
  check(mysql_stmt_bind_param(statement.get(), binds.data()));
  check(mysql_stmt_execute(statement.get()));
}

BulkInsert::BulkInsert(Connection& connection, std::string table, const table::Schema& schema)
    : state_(std::make_unique<State>(
          State{&connection,
                std::move(table),
                schema,
                {mysql_stmt_init(connection.handle()), [](MYSQL_STMT* statement) { mysql_stmt_close(statement); }},
                std::vector<ColumnArrays>(schema.size()),
                std::vector<MYSQL_BIND>(schema.size())})) {
  if (mariadb_connection(connection.handle()) == 0) {
    fail(ErrorCode::kUnavailable, "{}: the server is {}, which takes no arrays of rows; simulate into a MariaDB server",
         format_mysql_url(connection.options().url), connection.server_version());
  }
  std::string names;
  std::string marks;
  for (const table::Column& column : schema) {
    names += (names.empty() ? "" : ", ") + quoted_name(column.name);
    marks += marks.empty() ? "?" : ", ?";
  }
  const std::string sql = fmt::format("INSERT INTO {} ({}) VALUES ({})", quoted_name(state_->table), names, marks);
  state_->check(mysql_stmt_prepare(state_->statement.get(), sql.data(), sql.size()));
}

BulkInsert::~BulkInsert() = default;

void BulkInsert::write(const table::Batch& batch) {
  std::size_t begin = 0;
  std::size_t bytes = 0;
  for (std::size_t row = 0; row < batch.n_rows(); ++row) {
    std::size_t more = 0;
    for (std::size_t column = 0; column < state_->schema.size(); ++column) {
      more += is_text(state_->schema[column].type) ? batch.text_at(column, row).size() + 9 : 13;
    }
    if (bytes + more > kStatementBytes && row > begin) {
      state_->write(batch, begin, row);
      begin = row;
      bytes = 0;
    }
    bytes += more;
  }
  if (batch.n_rows() > begin) state_->write(batch, begin, batch.n_rows());
}

}  // namespace lodestone::sources
