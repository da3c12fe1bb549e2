#include "table/chunk.hpp"

#include <fmt/core.h>

#include <cmath>
#include <cstring>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/hash.hpp"

namespace lodestone::table {
namespace {

__extension__ using Int128 = __int128;

// As the engine lays texts out: up to 12 bytes inside, else a pointer after a prefix of 4.
std::string_view read_text(const void* data, std::size_t row) {
  const char* entry = static_cast<const char*>(data) + row * 16;
  std::uint32_t length = 0;
  std::memcpy(&length, entry, sizeof(length));
  if (length <= 12) return {entry + 4, length};
  const char* pointer = nullptr;
  std::memcpy(&pointer, entry + 8, sizeof(pointer));
  return {pointer, length};
}

template <typename T>
T read_value(const void* data, std::size_t row) {
  T value{};
  std::memcpy(&value, static_cast<const char*>(data) + row * sizeof(T), sizeof(T));
  return value;
}

std::int64_t narrow(Int128 value, const std::string& column) {
  if (value < INT64_MIN || value > INT64_MAX) {
    fail(ErrorCode::kContract, "column {} holds an integer beyond 64 bits; cast it to DOUBLE or VARCHAR in the query", column);
  }
  return static_cast<std::int64_t>(value);
}

}  // namespace

std::string_view kind_name(ValueKind kind) {
  switch (kind) {
    case ValueKind::kBool: return "bool";
    case ValueKind::kInt: return "int";
    case ValueKind::kDouble: return "double";
    case ValueKind::kDecimal: return "decimal";
    case ValueKind::kText: return "text";
    case ValueKind::kBytes: return "bytes";
    case ValueKind::kTime: return "time";
    case ValueKind::kDate: return "date";
    case ValueKind::kTexts: return "texts";
  }
  return "";
}

std::int64_t Chunk::raw_int(std::size_t column, std::size_t row) const {
  const View& view = views_[column];
  switch (view.layout) {
    case Layout::kBool:
    case Layout::kUint8: return read_value<std::uint8_t>(view.data, row);
    case Layout::kInt8: return read_value<std::int8_t>(view.data, row);
    case Layout::kInt16: return read_value<std::int16_t>(view.data, row);
    case Layout::kInt32: return read_value<std::int32_t>(view.data, row);
    case Layout::kInt64: return read_value<std::int64_t>(view.data, row);
    case Layout::kUint16: return read_value<std::uint16_t>(view.data, row);
    case Layout::kUint32: return read_value<std::uint32_t>(view.data, row);
    case Layout::kUint64: return narrow(static_cast<Int128>(read_value<std::uint64_t>(view.data, row)), (*columns_)[column].name);
    case Layout::kInt128: return narrow(read_value<Int128>(view.data, row), (*columns_)[column].name);
    case Layout::kFloat:
    case Layout::kDouble:
    case Layout::kText:
    case Layout::kTexts: break;
  }
  LODESTONE_ASSERT(false, "column {} holds no integers", (*columns_)[column].name);
  return 0;
}

std::int64_t Chunk::int_at(std::size_t column, std::size_t row) const {
  const ValueKind kind = (*columns_)[column].kind;
  LODESTONE_ASSERT(kind == ValueKind::kInt || kind == ValueKind::kBool || kind == ValueKind::kTime || kind == ValueKind::kDate,
                   "column {} is {}", (*columns_)[column].name, kind_name(kind));
  return raw_int(column, row);
}

double Chunk::double_at(std::size_t column, std::size_t row) const {
  const View& view = views_[column];
  switch (view.layout) {
    case Layout::kDouble: return read_value<double>(view.data, row);
    case Layout::kFloat: return read_value<float>(view.data, row);
    case Layout::kInt128: return static_cast<double>(read_value<Int128>(view.data, row)) / std::pow(10.0, view.scale);
    case Layout::kUint64: return static_cast<double>(read_value<std::uint64_t>(view.data, row));
    default: break;
  }
  const auto value = static_cast<double>(raw_int(column, row));
  return view.scale == 0 ? value : value / std::pow(10.0, view.scale);
}

std::string_view Chunk::text_at(std::size_t column, std::size_t row) const {
  LODESTONE_ASSERT(views_[column].layout == Layout::kText, "column {} is no text", (*columns_)[column].name);
  return read_text(views_[column].data, row);
}

std::vector<std::string_view> Chunk::texts_at(std::size_t column, std::size_t row) const {
  const View& view = views_[column];
  LODESTONE_ASSERT(view.layout == Layout::kTexts, "column {} is no list of texts", (*columns_)[column].name);
  struct ListEntry {
    std::uint64_t offset;
    std::uint64_t length;
  };
  const auto entry = read_value<ListEntry>(view.data, row);
  std::vector<std::string_view> out;
  out.reserve(entry.length);
  for (std::uint64_t i = entry.offset; i < entry.offset + entry.length; ++i) {
    const bool there = view.list_valid == nullptr || (view.list_valid[i / 64] >> (i % 64) & 1U) != 0;
    out.push_back(there ? read_text(view.list_data, i) : std::string_view());
  }
  return out;
}

std::string Chunk::format_decimal(std::size_t column, std::size_t row) const {
  const View& view = views_[column];
  Int128 value = view.layout == Layout::kInt128   ? read_value<Int128>(view.data, row)
                 : view.layout == Layout::kUint64 ? static_cast<Int128>(read_value<std::uint64_t>(view.data, row))
                                                  : Int128{raw_int(column, row)};
  const bool negative = value < 0;
  std::string digits;
  for (int i = 0; value != 0 || i <= view.scale; ++i) {
    if (i == view.scale && view.scale > 0) digits += '.';
    const int digit = static_cast<int>(value % 10);
    digits += static_cast<char>('0' + (digit < 0 ? -digit : digit));
    value /= 10;
  }
  if (negative) digits += '-';
  return {digits.rbegin(), digits.rend()};
}

std::string Chunk::format_at(std::size_t column, std::size_t row) const {
  if (is_null(column, row)) return "";
  switch ((*columns_)[column].kind) {
    case ValueKind::kBool: return bool_at(column, row) ? "true" : "false";
    case ValueKind::kInt:
    case ValueKind::kDecimal: return format_decimal(column, row);
    case ValueKind::kDouble:
      return views_[column].layout == Layout::kFloat ? fmt::format("{}", read_value<float>(views_[column].data, row))
                                                     : fmt::format("{}", double_at(column, row));
    case ValueKind::kText: return std::string(text_at(column, row));
    case ValueKind::kBytes: {
      const std::string_view bytes = text_at(column, row);
      return to_hex({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()});
    }
    case ValueKind::kTime: return format_rfc3339(TimePoint(std::chrono::microseconds(int_at(column, row))));
    case ValueKind::kDate: {
      const TimePoint day{std::chrono::days(int_at(column, row))};
      return format_rfc3339(day).substr(0, 10);
    }
    case ValueKind::kTexts: break;
  }
  std::string out = "[";
  for (const std::string_view text : texts_at(column, row)) {
    if (out.size() > 1) out += ", ";
    out += text;
  }
  return out + "]";
}

std::span<const std::int64_t> Chunk::ints(std::size_t column) const {
  LODESTONE_ASSERT(views_[column].layout == Layout::kInt64, "column {} is no BIGINT", (*columns_)[column].name);
  return {static_cast<const std::int64_t*>(views_[column].data), n_rows_};
}

std::span<const double> Chunk::doubles(std::size_t column) const {
  LODESTONE_ASSERT(views_[column].layout == Layout::kDouble, "column {} is no DOUBLE", (*columns_)[column].name);
  return {static_cast<const double*>(views_[column].data), n_rows_};
}

std::span<const float> Chunk::floats(std::size_t column) const {
  LODESTONE_ASSERT(views_[column].layout == Layout::kFloat, "column {} is no FLOAT", (*columns_)[column].name);
  return {static_cast<const float*>(views_[column].data), n_rows_};
}

}  // namespace lodestone::table
