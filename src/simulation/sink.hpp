#pragma once
// Where a simulated marketplace is written: a folder of files or a pair of databases.

#include <cstddef>
#include <memory>
#include <string>

#include "base/file.hpp"
#include "simulation/tables.hpp"
#include "table/batch.hpp"

namespace lodestone::simulation {

/// Takes the rows of all tables, batch by batch in any order of tables. Nothing is complete before finish(). One thread.
class MarketplaceSink {
 public:
  virtual ~MarketplaceSink() = default;
  /// `table` indexes marketplace_tables(). Throws unavailable when it cannot be written.
  virtual void write(Table table, const table::Batch& batch) = 0;
  /// Makes all of it visible.
  virtual void finish() = 0;
};

/// What to do with tables of a database that have rows.
enum class Existing { kRefuse, kReplace };

/// What a folder of files holds.
enum class FileFormat { kCsv, kJson, kParquet };

/// "csv", "json" or "parquet"; throws invalid_argument naming the value and the choices.
FileFormat parse_file_format(const std::string& text);

}  // namespace lodestone::simulation
