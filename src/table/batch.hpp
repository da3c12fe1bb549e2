#pragma once
// Rows on their way from a source into the lake: a schema, column-wise batches, and the stream that yields them. Neutral on purpose:
// sources fill batches without knowing the SQL engine, and the engine reads them without knowing the source.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace lodestone::table {

/// Types of the lake. Times are microseconds since 1970 without a zone: what the source means by them is the mapping's business.
enum class ColumnType { kBool, kInt32, kInt64, kDouble, kDecimal, kText, kBytes, kTimestamp, kDate };

/// Name of a type as table contracts spell it: bool, int32, int64, double, decimal, text, bytes, timestamp, date.
std::string_view type_name(ColumnType type);

struct Column {
  std::string name;
  ColumnType type = ColumnType::kText;
  int precision = 18;  ///< of a decimal: digits in all, at most 38
  int scale = 2;       ///< of a decimal: digits after the point

  friend bool operator==(const Column&, const Column&) = default;
};

using Schema = std::vector<Column>;

/// Up to kCapacity rows, one array a column. Filled row by row: every column gets exactly one append_* or append_null a row, then
/// end_row(); a full batch takes no more rows. Reused by clear(), which keeps the memory. One thread.
class Batch {
 public:
  static constexpr std::size_t kCapacity = 2048;

  explicit Batch(const Schema& schema);

  [[nodiscard]] std::size_t n_rows() const { return n_rows_; }
  [[nodiscard]] bool full() const { return n_rows_ == kCapacity; }
  [[nodiscard]] std::size_t n_columns() const { return columns_.size(); }
  void clear();
  void end_row() { ++n_rows_; }

  void append_null(std::size_t column) {
    Data& data = columns_[column];
    data.valid[n_rows_] = 0;
    if (data.kind == Kind::kText) data.text_ends[n_rows_] = data.text.size();
  }
  /// bool, int32, int64, timestamp (microseconds), date (days since 1970).
  void append_int(std::size_t column, std::int64_t value) {
    Data& data = columns_[column];
    data.valid[n_rows_] = 1;
    data.ints[n_rows_] = value;
  }
  void append_double(std::size_t column, double value) {
    Data& data = columns_[column];
    data.valid[n_rows_] = 1;
    data.doubles[n_rows_] = value;
  }
  /// text, bytes, and decimals as their decimal text ("12.30").
  void append_text(std::size_t column, std::string_view value) {
    Data& data = columns_[column];
    data.valid[n_rows_] = 1;
    data.text.append(value);
    data.text_ends[n_rows_] = data.text.size();
  }

  [[nodiscard]] bool is_null(std::size_t column, std::size_t row) const { return columns_[column].valid[row] == 0; }
  [[nodiscard]] std::int64_t int_at(std::size_t column, std::size_t row) const { return columns_[column].ints[row]; }
  [[nodiscard]] double double_at(std::size_t column, std::size_t row) const { return columns_[column].doubles[row]; }
  [[nodiscard]] std::string_view text_at(std::size_t column, std::size_t row) const;

  /// Whole columns, kCapacity long, of which the first n_rows() count; where valid is 0 the value means nothing.
  [[nodiscard]] const std::uint8_t* valid(std::size_t column) const { return columns_[column].valid.data(); }
  [[nodiscard]] const std::int64_t* ints(std::size_t column) const { return columns_[column].ints.data(); }
  [[nodiscard]] const double* doubles(std::size_t column) const { return columns_[column].doubles.data(); }

 private:
  enum class Kind : std::uint8_t { kInt, kDouble, kText };
  struct Data {
    Kind kind = Kind::kInt;
    std::vector<std::uint8_t> valid;     // 1 = there
    std::vector<std::int64_t> ints;      // bool, int32, int64, timestamp, date
    std::vector<double> doubles;         // double
    std::vector<std::size_t> text_ends;  // text, bytes, decimal: end of each value in text
    std::string text;
  };
  std::vector<Data> columns_;
  std::size_t n_rows_ = 0;
};

/// Rows of one table, in the order of the source. One thread.
class RowStream {
 public:
  virtual ~RowStream() = default;
  [[nodiscard]] virtual const Schema& schema() const = 0;
  /// About how many rows there are in all, 0 when the source does not say; may become better while they are read.
  [[nodiscard]] virtual std::uint64_t estimated_rows() const = 0;
  /// Clears `batch` and fills it; false when there are no more rows. Throws unavailable when the source dies: then nothing of
  /// this stream may be kept.
  virtual bool next(Batch& batch) = 0;
};

}  // namespace lodestone::table
