#pragma once
// Values of a row in the binary protocol of prepared statements, straight from the packet into a batch: one copy, no conversion through
// bound buffers, and no limit on the length of a text.

#include <cstdint>
#include <string>
#include <vector>

#include "table/batch.hpp"

namespace lodestone::sources {

/// How a value lies in the packet (MariaDB's "binary protocol value" forms, all little endian).
enum class WireForm : std::uint8_t {
  kInt8,
  kUint8,
  kInt16,
  kUint16,
  kInt32,
  kUint32,
  kInt64,
  kUint64,
  kFloat,
  kDouble,
  kText,
  kBit,
  kDateTime,
  kDate,
  kTime
};

/// A column in a packet and in the batch.
struct WireColumn {
  WireForm form = WireForm::kText;
  table::ColumnType type = table::ColumnType::kText;
};

/// Decodes the values of rows in their order. One thread.
class BinaryRowDecoder {
 public:
  explicit BinaryRowDecoder(std::vector<WireColumn> columns) : columns_(std::move(columns)) {}

  void set_batch(table::Batch& batch) { batch_ = &batch; }
  /// Appends column `column` of the row under way, whose value begins at *at, and moves *at behind it; a null `at` appends null.
  void append(unsigned column, unsigned char** at);

  /// Dates that no calendar has (0000-00-00, 2026-02-30); they come out as null.
  [[nodiscard]] std::uint64_t n_zero_dates() const { return n_zero_dates_; }
  /// Number of the first column that held an integer beyond int64 since the last clear, or -1; `overflow_value()` is it.
  [[nodiscard]] int overflow_column() const { return overflow_column_; }
  [[nodiscard]] std::uint64_t overflow_value() const { return overflow_value_; }

 private:
  void append_unsigned(unsigned column, std::uint64_t value);
  void append_time_of(unsigned column, const unsigned char* value, unsigned length);
  void append_clock(unsigned column, const unsigned char* value, unsigned length);

  std::vector<WireColumn> columns_;
  table::Batch* batch_ = nullptr;
  std::uint64_t n_zero_dates_ = 0;
  std::uint64_t overflow_value_ = 0;
  int overflow_column_ = -1;
  std::uint32_t day_key_ = UINT32_MAX;  // the last date decoded, and its day: neighbouring rows share it
  std::int64_t day_ = 0;
};

}  // namespace lodestone::sources
