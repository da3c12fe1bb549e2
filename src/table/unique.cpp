// Uniqueness of keys, cheap enough to be checked before every join.

#include <fmt/format.h>

#include <vector>

#include "base/error.hpp"
#include "table/engine.hpp"

namespace lodestone::table {
namespace {

// A key column whose range is at most this many times its rows fits a bitmap that is smaller than the column itself.
constexpr std::int64_t kBitsPerRow = 32;

// Keys that are looked at together when there is no bitmap.
constexpr std::int64_t kRowsPerSlice = 2'000'000;

struct KeyRange {
  std::int64_t min = 0;
  std::int64_t max = 0;
  std::int64_t n = 0;
  bool is_integer = false;
};

KeyRange find_range(Engine& engine, const std::string& table, const std::string& column) {
  KeyRange range;
  const std::string quoted = quote_identifier(column);
  const auto columns = engine.describe(fmt::format("SELECT {} FROM {}", quoted, table));
  if (columns.front().kind != ValueKind::kInt) return range;
  engine.query(fmt::format("SELECT CAST(min({0}) AS BIGINT), CAST(max({0}) AS BIGINT), count({0}) FROM {1}", quoted, table),
               [&](const Chunk& chunk) {
                 range.is_integer = true;
                 if (chunk.is_null(0, 0)) return;
                 range.min = chunk.int_at(0, 0);
                 range.max = chunk.int_at(1, 0);
                 range.n = chunk.int_at(2, 0);
               });
  return range;
}

bool is_dense(const KeyRange& range) {
  if (!range.is_integer) return false;
  // In unsigned arithmetic: the range of int64 values may not fit int64.
  const std::uint64_t width = static_cast<std::uint64_t>(range.max) - static_cast<std::uint64_t>(range.min);
  return width / static_cast<std::uint64_t>(kBitsPerRow) <= static_cast<std::uint64_t>(range.n) + 1000;
}

bool is_unique_by_bitmap(Engine& engine, const std::string& table, const std::string& column, const KeyRange& range) {
  std::vector<bool> seen(static_cast<std::uint64_t>(range.max) - static_cast<std::uint64_t>(range.min) + 1);
  bool unique = true;
  const std::string quoted = quote_identifier(column);
  engine.query(fmt::format("SELECT CAST({0} AS BIGINT) FROM {1} WHERE {0} IS NOT NULL", quoted, table), [&](const Chunk& chunk) {
    for (const std::int64_t value : chunk.ints(0)) {
      const auto bit = static_cast<std::size_t>(static_cast<std::uint64_t>(value) - static_cast<std::uint64_t>(range.min));
      unique = unique && !seen[bit];
      seen[bit] = true;
    }
  });
  return unique;
}

std::string not_null(const std::vector<std::string>& columns) {
  std::string out;
  for (const std::string& column : columns)
    out += fmt::format("{}{} IS NOT NULL", out.empty() ? "" : " AND ", quote_identifier(column));
  return out;
}

}  // namespace

bool is_unique(Engine& engine, const std::string& table, const std::vector<std::string>& columns) {
  if (columns.size() == 1) {
    const KeyRange range = find_range(engine, table, columns.front());
    if (is_dense(range)) return range.n < 2 || is_unique_by_bitmap(engine, table, columns.front(), range);
  }
  // Slice by slice, by the hash of the key: the memory is that of a slice, however long the table.
  const std::int64_t n_rows = engine.query_int("SELECT count(*) FROM " + table).value_or(0);
  const std::int64_t n_slices = 1 + n_rows / kRowsPerSlice;
  const std::string key = quote_identifiers(columns);
  for (std::int64_t slice = 0; slice < n_slices; ++slice) {
    const std::string filter = n_slices == 1 ? "" : fmt::format(" AND hash({}) % {} = {}", key, n_slices, slice);
    if (engine.query_int(fmt::format("SELECT 1 FROM {} WHERE {}{} GROUP BY {} HAVING count(*) > 1 LIMIT 1", table,
                                     not_null(columns), filter, key))) {
      return false;
    }
  }
  return true;
}

void check_unique(Engine& engine, const UniqueKey& key, const std::string& origin) {
  std::string nulls;
  for (const std::string& column : key.columns)
    nulls += fmt::format("{}{} IS NULL", nulls.empty() ? "" : " OR ", quote_identifier(column));
  const std::string names = fmt::format("{}", fmt::join(key.columns, ", "));
  if (engine.query_int(fmt::format("SELECT 1 FROM {} WHERE {} LIMIT 1", key.table, nulls))) {
    fail(ErrorCode::kContract,
         "{}: key {}({}) is null in some row, a join on it would lose that row; correct the table or the query", origin,
         key.table, names);
  }
  if (is_unique(engine, key.table, key.columns)) return;
  std::string example;
  engine.query(
      fmt::format("SELECT concat_ws(', ', {0}), count(*) FROM {1} GROUP BY {0} HAVING count(*) > 1 ORDER BY {0} LIMIT 1",
                  quote_identifiers(key.columns), key.table),
      [&](const Chunk& chunk) { example = fmt::format("{} stands in {} rows", chunk.text_at(0, 0), chunk.int_at(1, 0)); });
  fail(ErrorCode::kContract,
       "{}: key {}({}) is not unique, {}; a join on it would multiply rows: remove the duplicates at the source, or join on a "
       "key that is unique",
       origin, key.table, names, example);
}

}  // namespace lodestone::table
