#pragma once
// TABLE_MAP: how the rows that follow are laid out, with as much of the table's definition as binlog_row_metadata lets through.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sources/binlog/event.hpp"

namespace lodestone::sources {

/// Types of columns in a log (enum_field_types of the servers).
enum class LogType : std::uint8_t {
  kTiny = 1,
  kShort = 2,
  kLong = 3,
  kFloat = 4,
  kDouble = 5,
  kTimestamp = 7,
  kLongLong = 8,
  kInt24 = 9,
  kDate = 10,
  kTime = 11,
  kDateTime = 12,
  kYear = 13,
  kNewDate = 14,
  kVarchar = 15,
  kBit = 16,
  kTimestamp2 = 17,
  kDateTime2 = 18,
  kTime2 = 19,
  kBlobCompressed = 140,
  kVarcharCompressed = 141,
  kVector = 242,
  kJson = 245,
  kDecimal = 246,
  kEnum = 247,
  kSet = 248,
  kTinyBlob = 249,
  kMediumBlob = 250,
  kLongBlob = 251,
  kBlob = 252,
  kVarString = 253,
  kString = 254,
  kGeometry = 255,
};

struct LogColumn {
  LogType type{};  ///< enum and set under their own numbers, although the log writes them as strings
  std::uint16_t metadata =
      0;  ///< of string, enum, set: the length in bytes; of decimal: precision << 8 | scale; else as in the log
  bool is_nullable = false;
  std::optional<bool> is_unsigned;         ///< MINIMAL and FULL
  std::optional<std::uint32_t> collation;  ///< MINIMAL and FULL, of texts
  std::string_view name;                   ///< FULL, else ""
  std::vector<std::string_view> labels;    ///< FULL, of enum and set
};

/// Views into the event.
struct TableMap {
  std::uint64_t table_id = 0;
  std::string_view database, table;
  std::vector<LogColumn> columns;
  std::vector<std::uint32_t> primary_key;  ///< FULL: numbers of its columns
};

/// What stands at the front of the event, for one whose table may not be wanted.
struct TableName {
  std::uint64_t table_id = 0;
  std::string_view database, table;
};

/// Throws corrupt.
TableName parse_table_name(const Event& event, const EventFramer& framer);
/// Throws corrupt when damaged, contract for a type of column that is not known here.
TableMap parse_table_map(const Event& event, const EventFramer& framer);

}  // namespace lodestone::sources
