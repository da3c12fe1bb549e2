#pragma once
// A piece of a query's result, column-wise, with typed access. The memory belongs to the engine and is valid inside the callback only.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace lodestone::table {

/// What a result column holds. kInt: any integer; kTime: microseconds since 1970 (UTC); kDate: days since 1970; kTexts: list of text.
/// Other types of SQL come as kText, in the engine's own notation.
enum class ValueKind { kBool, kInt, kDouble, kDecimal, kText, kBytes, kTime, kDate, kTexts };

/// "bool", "int", "double", "decimal", "text", "bytes", "time", "date", "texts".
std::string_view kind_name(ValueKind kind);

struct ResultColumn {
  std::string name;
  ValueKind kind = ValueKind::kText;
};

/// Up to 2048 rows. An accessor of the wrong kind is a bug and aborts. One thread.
class Chunk {
 public:
  [[nodiscard]] std::size_t n_rows() const { return n_rows_; }
  [[nodiscard]] const std::vector<ResultColumn>& columns() const { return *columns_; }

  [[nodiscard]] bool is_null(std::size_t column, std::size_t row) const {
    const std::uint64_t* valid = views_[column].valid;
    return valid != nullptr && (valid[row / 64] >> (row % 64) & 1U) == 0;
  }
  /// Of kBool, kInt, kTime, kDate. A 128-bit integer beyond 64 bits throws contract.
  [[nodiscard]] std::int64_t int_at(std::size_t column, std::size_t row) const;
  /// Of kInt, kDouble, kDecimal.
  [[nodiscard]] double double_at(std::size_t column, std::size_t row) const;
  [[nodiscard]] bool bool_at(std::size_t column, std::size_t row) const { return int_at(column, row) != 0; }
  /// Of kText and kBytes.
  [[nodiscard]] std::string_view text_at(std::size_t column, std::size_t row) const;
  /// Of kTexts; a null element is "".
  [[nodiscard]] std::vector<std::string_view> texts_at(std::size_t column, std::size_t row) const;
  /// Any value as text for people: times in RFC 3339, bytes in hexadecimal, lists in brackets; "" for null.
  [[nodiscard]] std::string format_at(std::size_t column, std::size_t row) const;

  /// A whole column without copying: BIGINT or TIMESTAMP, DOUBLE, FLOAT. Null places hold anything. Anything else is a bug: cast in SQL.
  [[nodiscard]] std::span<const std::int64_t> ints(std::size_t column) const;
  [[nodiscard]] std::span<const double> doubles(std::size_t column) const;
  [[nodiscard]] std::span<const float> floats(std::size_t column) const;

 private:
  friend class ChunkReader;  // in engine.cpp: fills the views from the engine's vectors

  enum class Layout : std::uint8_t {
    kBool,
    kInt8,
    kInt16,
    kInt32,
    kInt64,
    kUint8,
    kUint16,
    kUint32,
    kUint64,
    kInt128,
    kFloat,
    kDouble,
    kText,
    kTexts
  };
  struct View {
    Layout layout = Layout::kInt64;
    int scale = 0;  // of a decimal
    const void* data = nullptr;
    const std::uint64_t* valid = nullptr;  // nullptr = all
    const void* list_data = nullptr;       // texts of a list column
    const std::uint64_t* list_valid = nullptr;
  };
  [[nodiscard]] std::int64_t raw_int(std::size_t column, std::size_t row) const;
  [[nodiscard]] std::string format_decimal(std::size_t column, std::size_t row) const;

  const std::vector<ResultColumn>* columns_ = nullptr;
  std::vector<View> views_;
  std::size_t n_rows_ = 0;
};

}  // namespace lodestone::table
