#pragma once
// How to read the cells of a table's rows: what the log says of its columns, brought together with their description.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "sources/binlog/binlog_table.hpp"
#include "sources/binlog/table_map.hpp"
#include "sources/binlog/text_converter.hpp"
#include "table/batch.hpp"

namespace lodestone::sources {

/// How a cell lies in the log.
enum class CellForm : std::uint8_t {
  kInt,   // `size` bytes
  kUint,  // `size` bytes
  kYear,  // years since 1900
  kFloat,
  kDouble,
  kDecimal,         // `size` digits, `scale` of them behind the point
  kBit,             // `size` bytes, big endian
  kEnum,            // `size` bytes
  kSet,             // `size` bytes
  kDate,            // 3 bytes
  kTime,            // TIME2 with `scale` digits of a fraction
  kTimeInt,         // HHMMSS in 3 bytes
  kTimeShifted,     // MariaDB 5.3 with a fraction
  kDateTime,        // DATETIME2
  kDateTimeInt,     // YYYYMMDDHHMMSS in 8 bytes
  kDateTimePacked,  // MariaDB 5.3 with a fraction
  kTimestamp,       // TIMESTAMP2
  kTimestampInt,    // seconds in 4 bytes
  kTimestampBig,    // MariaDB 5.3 with a fraction
  kText,            // `size` bytes of length, then as many bytes
  kPacked,          // the same, the bytes compressed
  kMysqlJson,       // the same, the bytes a binary document
  kUuid,
  kInet4,
  kInet6,
};

struct CellPlan {
  CellForm form{};
  table::ColumnType type{};
  unsigned size = 0;
  unsigned scale = 0;
  unsigned padded_size = 0;     ///< BINARY(n) loses the zeros at its end in the log; 0 for all others
  bool is_zero_filled = false;  ///< of a decimal
  std::vector<std::string> labels;
  std::unique_ptr<TextConverter> converter;  ///< null for bytes
};

using RowPlan = std::vector<CellPlan>;

/// A plan for rows that come after `map`; the reason, when the log's table is not the one described (columns were added, dropped,
/// or changed their type): then the description must be read anew. Throws contract for a type or a character set that cannot be
/// read at all.
Result<RowPlan> plan_rows(const TableMap& map, const BinlogTable& table);

}  // namespace lodestone::sources
