#include "sources/mysql/table_stream.hpp"

#include <errmsg.h>
#include <fmt/format.h>
#include <mysql.h>

#include <chrono>

#include "base/error.hpp"
#include "base/log.hpp"
#include "sources/mysql/binary_row.hpp"

namespace lodestone::sources {
namespace {

using std::chrono::seconds;
using std::chrono::steady_clock;

WireForm wire_form(const MYSQL_FIELD& field) {
  const bool is_unsigned = (field.flags & UNSIGNED_FLAG) != 0;
  switch (field.type) {
    case MYSQL_TYPE_TINY: return is_unsigned ? WireForm::kUint8 : WireForm::kInt8;
    case MYSQL_TYPE_SHORT: return is_unsigned ? WireForm::kUint16 : WireForm::kInt16;
    case MYSQL_TYPE_YEAR: return WireForm::kUint16;
    case MYSQL_TYPE_INT24:
    case MYSQL_TYPE_LONG: return is_unsigned ? WireForm::kUint32 : WireForm::kInt32;
    case MYSQL_TYPE_LONGLONG: return is_unsigned ? WireForm::kUint64 : WireForm::kInt64;
    case MYSQL_TYPE_FLOAT: return WireForm::kFloat;
    case MYSQL_TYPE_DOUBLE: return WireForm::kDouble;
    case MYSQL_TYPE_BIT: return WireForm::kBit;
    case MYSQL_TYPE_DATETIME:
    case MYSQL_TYPE_TIMESTAMP: return WireForm::kDateTime;
    case MYSQL_TYPE_DATE:
    case MYSQL_TYPE_NEWDATE: return WireForm::kDate;
    case MYSQL_TYPE_TIME: return WireForm::kTime;
    default: return WireForm::kText;
  }
}

/// Whether a value that lies so in the packet can go into such a column of a batch.
bool fits(WireForm form, table::ColumnType type) {
  switch (type) {
    case table::ColumnType::kBool:
    case table::ColumnType::kInt32:
    case table::ColumnType::kInt64: return form <= WireForm::kUint64 || form == WireForm::kBit;
    case table::ColumnType::kDouble: return form == WireForm::kFloat || form == WireForm::kDouble;
    case table::ColumnType::kText: return form == WireForm::kText || form == WireForm::kTime;
    case table::ColumnType::kDecimal:
    case table::ColumnType::kBytes: return form == WireForm::kText;
    case table::ColumnType::kTimestamp:
    case table::ColumnType::kDate: return form == WireForm::kDateTime || form == WireForm::kDate;
  }
  return false;
}

std::string select_of(const std::string& table, const table::Schema& schema, const std::string& clauses) {
  std::string sql = "SELECT ";
  for (std::size_t i = 0; i < schema.size(); ++i) sql += (i == 0 ? "" : ", ") + quoted_name(schema[i].name);
  return sql + " FROM " + quoted_name(table) + clauses;
}

}  // namespace

TableStream::TableStream(Connection& connection, std::string table, table::Schema schema, std::uint64_t estimated_rows,
                         std::string clauses)
    : connection_(&connection),
      table_(std::move(table)),
      schema_(std::move(schema)),
      clauses_(std::move(clauses)),
      estimated_rows_(estimated_rows),
      statement_(mysql_stmt_init(connection.handle()), [](st_mysql_stmt* statement) { mysql_stmt_close(statement); }) {
  LODESTONE_ASSERT(statement_ != nullptr, "mysql_stmt_init");
  prepare();
}

TableStream::~TableStream() {
  // Closing the statement would first read all the rows that are still to come.
  if (under_way_) connection_->abandon();
}

Purpose TableStream::purpose() const { return {fmt::format("read table {}", table_), table_, n_rows_}; }

void TableStream::prepare() {
  const auto start = steady_clock::now();
  const std::string sql = select_of(table_, schema_, clauses_);
  const auto check = [&](int result) {
    if (result == 0) return;
    const std::string message = mysql_stmt_error(statement_.get());
    connection_->fail_statement(mysql_stmt_errno(statement_.get()), message, purpose(),
                                std::chrono::duration_cast<seconds>(steady_clock::now() - start));
  };
  check(mysql_stmt_prepare(statement_.get(), sql.data(), sql.size()));
  describe();
  mysql_stmt_attr_set(statement_.get(), STMT_ATTR_CB_USER_DATA, this);
  // The header gives the attribute as a data pointer; a function's address fits into one on every POSIX system.
  mysql_stmt_attr_set(statement_.get(), STMT_ATTR_CB_RESULT, reinterpret_cast<const void*>(&TableStream::append));
  check(mysql_stmt_execute(statement_.get()));
  under_way_ = true;
}

void TableStream::describe() {
  const std::unique_ptr<MYSQL_RES, void (*)(MYSQL_RES*)> metadata(mysql_stmt_result_metadata(statement_.get()),
                                                                  [](MYSQL_RES* result) { mysql_free_result(result); });
  LODESTONE_ASSERT(metadata != nullptr && mysql_num_fields(metadata.get()) == schema_.size(), "table {}", table_);
  const MYSQL_FIELD* fields = mysql_fetch_fields(metadata.get());
  std::vector<WireColumn> columns;
  for (std::size_t i = 0; i < schema_.size(); ++i) {
    columns.push_back({wire_form(fields[i]), schema_[i].type});
    if (!fits(columns.back().form, schema_[i].type)) {
      fail(ErrorCode::kContract,
           "table {}: column {} cannot be read as {} (its type changed while it was being read); run the command again", table_,
           schema_[i].name, table::type_name(schema_[i].type));
    }
  }
  decoder_ = std::make_unique<BinaryRowDecoder>(std::move(columns));
}

void TableStream::append(void* self, unsigned column, unsigned char** at) {
  // Called by the library, through which nothing may be thrown.
  auto& stream = *static_cast<TableStream*>(self);
  try {
    stream.decoder_->append(column, at);
  } catch (...) {
    stream.error_ = std::current_exception();
  }
}

void TableStream::check_overflow() {
  const int column = decoder_->overflow_column();
  if (column < 0) return;
  fail(ErrorCode::kContract,
       "table {}: column {} holds {}, which is beyond the largest signed 64-bit integer; give a view that casts it to "
       "DECIMAL(20,0)",
       table_, schema_[static_cast<std::size_t>(column)].name, decoder_->overflow_value());
}

void TableStream::fail_fetch(seconds waited) {
  // A connection that breaks leaves its error with the connection, or nowhere when the packet was cut.
  unsigned number = mysql_stmt_errno(statement_.get());
  std::string message = mysql_stmt_error(statement_.get());
  if (number == 0) {
    number = mysql_errno(connection_->handle());
    message = mysql_error(connection_->handle());
  }
  if (number == 0) {
    number = CR_SERVER_LOST;
    message = "the line was cut";
  }
  connection_->fail_statement(number, message, purpose(), waited);
}

bool TableStream::next(table::Batch& batch) {
  batch.clear();
  if (!under_way_) return false;
  const auto start = steady_clock::now();
  decoder_->set_batch(batch);
  while (!batch.full()) {
    const int result = mysql_stmt_fetch(statement_.get());
    if (error_) std::rethrow_exception(error_);
    if (result == 0 || result == MYSQL_DATA_TRUNCATED) {
      batch.end_row();
      ++n_rows_;
      continue;
    }
    if (result != MYSQL_NO_DATA) fail_fetch(std::chrono::duration_cast<seconds>(steady_clock::now() - start));
    under_way_ = false;
    statement_.reset();
    if (n_zero_dates() > 0)
      log_warn("sources", "table {}: {} dates that no calendar has (0000-00-00) were read as null", table_, n_zero_dates());
    break;
  }
  check_overflow();
  return batch.n_rows() > 0;
}

std::uint64_t TableStream::n_zero_dates() const { return decoder_->n_zero_dates(); }

}  // namespace lodestone::sources
