#pragma once
// Values of a batch as text: civil times, shortest numbers, CSV fields (RFC 4180) and JSON values.

#include <cstdint>
#include <string>
#include <string_view>

#include "table/batch.hpp"

namespace lodestone::simulation {

/// Writes rows of one table as text. Remembers the last day it formatted, because neighbouring rows share it. One thread.
class RowFormatter {
 public:
  explicit RowFormatter(const table::Schema& schema) : schema_(&schema) {}

  /// Appends "a,b\n" with the names of the columns.
  void append_csv_header(std::string& out) const;
  /// One record ended by "\n". Null is an empty field, the empty text is `""`, bytes are lower-case hexadecimal, times are
  /// "2026-11-24 09:30:00" with a fraction only where there is one.
  void append_csv_row(std::string& out, const table::Batch& batch, std::size_t row);
  /// One object without an end of line; the same forms as strings, numbers (decimals too) as numbers, null as null.
  void append_json_row(std::string& out, const table::Batch& batch, std::size_t row);

 private:
  void append_time(std::string& out, std::int64_t micros);
  void append_date(std::string& out, std::int64_t days);
  void append_value(std::string& out, const table::Batch& batch, std::size_t column, std::size_t row);

  const table::Schema* schema_;
  std::int64_t day_ = INT64_MIN;
  char day_text_[16] = {};
  std::size_t day_size_ = 0;
};

/// A CSV field: quoted when it is empty or holds a comma, a quote or an end of line.
void append_csv_text(std::string& out, std::string_view text);

}  // namespace lodestone::simulation
