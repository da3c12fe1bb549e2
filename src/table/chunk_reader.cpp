#include "table/chunk_reader.hpp"

#include <duckdb.h>
#include <fmt/core.h>

#include "base/error.hpp"
#include "table/sql_text.hpp"

namespace lodestone::table {
namespace {

struct LogicalType {
  duckdb_logical_type value;
  explicit LogicalType(duckdb_logical_type type) : value(type) {}
  ~LogicalType() { duckdb_destroy_logical_type(&value); }
  LogicalType(const LogicalType&) = delete;
  LogicalType& operator=(const LogicalType&) = delete;
};

// The kind of a column, or false when Chunk has no accessor for it.
bool kind_of(duckdb_logical_type type, ValueKind& kind) {
  switch (duckdb_get_type_id(type)) {
    case DUCKDB_TYPE_BOOLEAN: kind = ValueKind::kBool; return true;
    case DUCKDB_TYPE_TINYINT:
    case DUCKDB_TYPE_SMALLINT:
    case DUCKDB_TYPE_INTEGER:
    case DUCKDB_TYPE_BIGINT:
    case DUCKDB_TYPE_UTINYINT:
    case DUCKDB_TYPE_USMALLINT:
    case DUCKDB_TYPE_UINTEGER:
    case DUCKDB_TYPE_UBIGINT:
    case DUCKDB_TYPE_HUGEINT: kind = ValueKind::kInt; return true;
    case DUCKDB_TYPE_FLOAT:
    case DUCKDB_TYPE_DOUBLE: kind = ValueKind::kDouble; return true;
    case DUCKDB_TYPE_DECIMAL: kind = ValueKind::kDecimal; return true;
    case DUCKDB_TYPE_VARCHAR: kind = ValueKind::kText; return true;
    case DUCKDB_TYPE_BLOB: kind = ValueKind::kBytes; return true;
    case DUCKDB_TYPE_TIMESTAMP:
    case DUCKDB_TYPE_TIMESTAMP_TZ: kind = ValueKind::kTime; return true;
    case DUCKDB_TYPE_DATE: kind = ValueKind::kDate; return true;
    case DUCKDB_TYPE_LIST: {
      const LogicalType child(duckdb_list_type_child_type(type));
      kind = ValueKind::kTexts;
      return duckdb_get_type_id(child.value) == DUCKDB_TYPE_VARCHAR;
    }
    default: return false;
  }
}

std::string column_name(duckdb_prepared_statement statement, idx_t column) {
  const char* name = duckdb_prepared_statement_column_name(statement, column);
  std::string out = name == nullptr ? "" : name;
  duckdb_free(const_cast<char*>(name));
  return out;
}

}  // namespace

std::vector<ResultColumn> result_columns(duckdb_prepared_statement statement) {
  std::vector<ResultColumn> out;
  const idx_t n = duckdb_prepared_statement_column_count(statement);
  for (idx_t c = 0; c < n; ++c) {
    const LogicalType type(duckdb_prepared_statement_column_logical_type(statement, c));
    ResultColumn column{column_name(statement, c), ValueKind::kText};
    const bool readable = kind_of(type.value, column.kind);
    if (!readable) fail(ErrorCode::kInvalidArgument, "column {} has a type that cannot be read; cast it to VARCHAR", column.name);
    out.push_back(std::move(column));
  }
  return out;
}

std::string wrap_unreadable(duckdb_prepared_statement statement, const std::string& sql) {
  const idx_t n = duckdb_prepared_statement_column_count(statement);
  bool all_readable = true;
  std::string select;
  for (idx_t c = 0; c < n; ++c) {
    const LogicalType type(duckdb_prepared_statement_column_logical_type(statement, c));
    ValueKind kind{};
    const bool readable = kind_of(type.value, kind);
    all_readable = all_readable && readable;
    const std::string place = fmt::format("#{}", c + 1);
    select += fmt::format("{}{} AS {}", c == 0 ? "" : ", ", readable ? place : "CAST(" + place + " AS VARCHAR)",
                          quote_identifier(column_name(statement, c)));
  }
  return all_readable ? "" : fmt::format("SELECT {} FROM ({})", select, sql);
}

ChunkReader::ChunkReader(const std::vector<ResultColumn>& columns) {
  chunk_.columns_ = &columns;
  chunk_.views_.resize(columns.size());
}

const Chunk& ChunkReader::read(duckdb_data_chunk data) {
  using Layout = Chunk::Layout;
  const auto layout_of = [](duckdb_type type) {
    switch (type) {
      case DUCKDB_TYPE_BOOLEAN: return Layout::kBool;
      case DUCKDB_TYPE_TINYINT: return Layout::kInt8;
      case DUCKDB_TYPE_SMALLINT: return Layout::kInt16;
      case DUCKDB_TYPE_DATE:
      case DUCKDB_TYPE_INTEGER: return Layout::kInt32;
      case DUCKDB_TYPE_UTINYINT: return Layout::kUint8;
      case DUCKDB_TYPE_USMALLINT: return Layout::kUint16;
      case DUCKDB_TYPE_UINTEGER: return Layout::kUint32;
      case DUCKDB_TYPE_UBIGINT: return Layout::kUint64;
      case DUCKDB_TYPE_HUGEINT: return Layout::kInt128;
      case DUCKDB_TYPE_FLOAT: return Layout::kFloat;
      case DUCKDB_TYPE_DOUBLE: return Layout::kDouble;
      case DUCKDB_TYPE_VARCHAR:
      case DUCKDB_TYPE_BLOB: return Layout::kText;
      case DUCKDB_TYPE_LIST: return Layout::kTexts;
      default: return Layout::kInt64;  // BIGINT, TIMESTAMP, TIMESTAMP WITH TIME ZONE
    }
  };
  chunk_.n_rows_ = duckdb_data_chunk_get_size(data);
  for (std::size_t c = 0; c < chunk_.views_.size(); ++c) {
    Chunk::View& view = chunk_.views_[c];
    duckdb_vector vector = duckdb_data_chunk_get_vector(data, c);
    const LogicalType type(duckdb_vector_get_column_type(vector));
    const duckdb_type id = duckdb_get_type_id(type.value);
    view.layout = layout_of(id == DUCKDB_TYPE_DECIMAL ? duckdb_decimal_internal_type(type.value) : id);
    view.scale = id == DUCKDB_TYPE_DECIMAL ? duckdb_decimal_scale(type.value) : 0;
    view.data = duckdb_vector_get_data(vector);
    view.valid = duckdb_vector_get_validity(vector);
    if (view.layout == Layout::kTexts) {
      duckdb_vector child = duckdb_list_vector_get_child(vector);
      view.list_data = duckdb_vector_get_data(child);
      view.list_valid = duckdb_vector_get_validity(child);
    }
  }
  return chunk_;
}

}  // namespace lodestone::table
