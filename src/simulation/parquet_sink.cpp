#include "simulation/parquet_sink.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <system_error>

#include "table/sql_text.hpp"

namespace lodestone::simulation {
namespace {

using table::quote_identifier;
using table::quote_literal;

/// The rows that RowFormatter wrote, with their types. One thread reads, so that a value with line ends is never cut and the order stays.
std::string typed_rows(const fs::path& csv, const table::Schema& schema) {
  std::string columns;
  std::string select;
  for (const table::Column& column : schema) {
    const std::string name = quote_identifier(column.name);
    columns += fmt::format("{}{}: 'VARCHAR'", columns.empty() ? "" : ", ", quote_literal(column.name));
    const std::string value = column.type == table::ColumnType::kBytes ? fmt::format("unhex({})", name)
                                                                       : fmt::format("CAST({} AS {})", name, sql_type(column));
    select += fmt::format("{}{} AS {}", select.empty() ? "" : ", ", value, name);
  }
  return fmt::format(
      "SELECT {} FROM read_csv({}, columns = {{{}}}, auto_detect = false, header = true, delim = ',', quote = '\"', escape = "
      "'\"', "
      "nullstr = '', allow_quoted_nulls = false, parallel = false)",
      select, quote_literal(csv.string()), columns);
}

}  // namespace

ParquetSink::ParquetSink(const fs::path& folder)
    : folder_(folder), waiting_(folder / fmt::format(".rows-{}", ::getpid())), rows_(std::in_place, waiting_, FileFormat::kCsv) {}

ParquetSink::~ParquetSink() {
  rows_.reset();
  std::error_code ignored;
  fs::remove_all(waiting_, ignored);
}

void ParquetSink::write(Table table, const table::Batch& batch) { rows_->write(table, batch); }

void ParquetSink::finish() {
  rows_->finish();
  table::Engine engine({1ULL << 29U, 1, waiting_ / "tmp"});
  for (const TableSpec& spec : marketplace_tables()) {
    engine.write_parquet(typed_rows(table_file(waiting_, spec, FileFormat::kCsv), spec.schema),
                         table_file(folder_, spec, FileFormat::kParquet));
  }
}

}  // namespace lodestone::simulation
