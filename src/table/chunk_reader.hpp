#pragma once
// From the engine's vectors to Chunk. Internal to this folder.

#include <string>
#include <vector>

#include "table/chunk.hpp"

struct _duckdb_prepared_statement;
struct _duckdb_data_chunk;

namespace lodestone::table {

/// Names and kinds of a prepared query's columns.
std::vector<ResultColumn> result_columns(_duckdb_prepared_statement* statement);

/// "" when Chunk can read every column of the query as it is, else a query around it that casts the others to text.
std::string wrap_unreadable(_duckdb_prepared_statement* statement, const std::string& sql);

/// Makes one Chunk after another for the same query.
class ChunkReader {
 public:
  explicit ChunkReader(const std::vector<ResultColumn>& columns);
  /// Valid until the next call and as long as `data` lives.
  const Chunk& read(_duckdb_data_chunk* data);

 private:
  Chunk chunk_;
};

}  // namespace lodestone::table
