#include <duckdb.h>

#include <array>
#include <cstring>

#include "base/error.hpp"
#include "table/row_feed.hpp"
#include "table/utf8.hpp"

namespace lodestone::table {
namespace {

__extension__ using Int128 = __int128;

// Sets the validity mask; returns true when there is any value at all, which sparse tables often lack.
bool fill_validity(const Batch& batch, std::size_t column, duckdb_vector vector) {
  const std::uint8_t* valid = batch.valid(column);
  const std::size_t n = batch.n_rows();
  std::size_t n_valid = 0;
  for (std::size_t i = 0; i < n; ++i) n_valid += valid[i];
  if (n_valid == n) return true;
  duckdb_vector_ensure_validity_writable(vector);
  std::uint64_t* mask = duckdb_vector_get_validity(vector);
  if (n_valid == 0) {
    std::memset(mask, 0, (n + 63) / 64 * sizeof(std::uint64_t));
    return false;
  }
  for (std::size_t begin = 0; begin < n; begin += 64) {
    std::uint64_t word = 0;
    const std::size_t end = begin + 64 < n ? begin + 64 : n;
    for (std::size_t i = begin; i < end; ++i) word |= std::uint64_t{valid[i]} << (i - begin);
    mask[begin / 64] = word;
  }
  return true;
}

template <typename T>
void fill_ints(const Batch& batch, std::size_t column, duckdb_vector vector) {
  auto* out = static_cast<T*>(duckdb_vector_get_data(vector));
  const std::int64_t* in = batch.ints(column);
  const std::size_t n = batch.n_rows();
  for (std::size_t i = 0; i < n; ++i) out[i] = static_cast<T>(in[i]);
}

void fill_texts(const Batch& batch, std::size_t column, ColumnType type, duckdb_vector vector) {
  auto* out = static_cast<duckdb_string_t*>(duckdb_vector_get_data(vector));
  for (std::size_t i = 0; i < batch.n_rows(); ++i) {
    if (batch.is_null(column, i)) continue;
    std::string_view text = batch.text_at(column, i);
    std::string repaired;
    if (type == ColumnType::kText && !is_utf8(text)) {
      repaired = repair_utf8(text);
      text = repaired;
    }
    if (text.size() <= sizeof(out[i].value.inlined.inlined)) {
      // Short texts live in the vector itself; the unused bytes must be zero, because the engine compares them.
      duckdb_string_t value{};
      value.value.inlined.length = static_cast<std::uint32_t>(text.size());
      std::memcpy(value.value.inlined.inlined, text.data(), text.size());
      out[i] = value;
    } else {
      duckdb_vector_assign_string_element_len(vector, i, text.data(), text.size());
    }
  }
}

// "-12.3" with scale 2 -> -1230. More digits after the point than the type has are a bug of the source's schema and fail.
Int128 parse_decimal(std::string_view text, const Column& type) {
  std::size_t i = 0;
  const bool negative = !text.empty() && text[0] == '-';
  if (negative || (!text.empty() && text[0] == '+')) i = 1;
  Int128 value = 0;
  int n_digits = 0;
  int n_after = -1;
  for (; i < text.size(); ++i) {
    if (text[i] == '.' && n_after < 0) {
      n_after = 0;
      continue;
    }
    if (text[i] < '0' || text[i] > '9' || n_digits >= 38 || n_after >= type.scale) {
      fail(ErrorCode::kContract, "column {}: \"{}\" is no decimal({},{})", type.name, text, type.precision, type.scale);
    }
    value = value * 10 + (text[i] - '0');
    n_digits += value == 0 ? 0 : 1;
    if (n_after >= 0) ++n_after;
  }
  for (int k = n_after < 0 ? 0 : n_after; k < type.scale; ++k) {
    value *= 10;
    n_digits += value == 0 ? 0 : 1;
  }
  if (n_digits > type.precision || text.empty()) {
    fail(ErrorCode::kContract, "column {}: \"{}\" is no decimal({},{})", type.name, text, type.precision, type.scale);
  }
  return negative ? -value : value;
}

template <typename T>
void fill_decimals(const Batch& batch, std::size_t column, const Column& type, duckdb_vector vector) {
  auto* out = static_cast<T*>(duckdb_vector_get_data(vector));
  for (std::size_t i = 0; i < batch.n_rows(); ++i) {
    out[i] = batch.is_null(column, i) ? T{} : static_cast<T>(parse_decimal(batch.text_at(column, i), type));
  }
}

// The engine keeps a decimal in the smallest integer that holds its digits.
void fill_decimals(const Batch& batch, std::size_t column, const Column& type, duckdb_vector vector) {
  if (type.precision <= 4) return fill_decimals<std::int16_t>(batch, column, type, vector);
  if (type.precision <= 9) return fill_decimals<std::int32_t>(batch, column, type, vector);
  if (type.precision <= 18) return fill_decimals<std::int64_t>(batch, column, type, vector);
  fill_decimals<Int128>(batch, column, type, vector);
}

}  // namespace

void fill_vector(const Batch& batch, std::size_t column, const Column& type, duckdb_vector vector) {
  if (!fill_validity(batch, column, vector)) return;
  switch (type.type) {
    case ColumnType::kBool: {
      auto* out = static_cast<bool*>(duckdb_vector_get_data(vector));
      for (std::size_t i = 0; i < batch.n_rows(); ++i) out[i] = batch.ints(column)[i] != 0;
      break;
    }
    case ColumnType::kInt32:
    case ColumnType::kDate: fill_ints<std::int32_t>(batch, column, vector); break;
    case ColumnType::kInt64:
    case ColumnType::kTimestamp:
      std::memcpy(duckdb_vector_get_data(vector), batch.ints(column), batch.n_rows() * sizeof(std::int64_t));
      break;
    case ColumnType::kDouble:
      std::memcpy(duckdb_vector_get_data(vector), batch.doubles(column), batch.n_rows() * sizeof(double));
      break;
    case ColumnType::kDecimal: fill_decimals(batch, column, type, vector); break;
    case ColumnType::kText:
    case ColumnType::kBytes: fill_texts(batch, column, type.type, vector); break;
  }
}

}  // namespace lodestone::table
