#include "sources/mysql/binary_row.hpp"

#include <chrono>
#include <cstring>
#include <limits>

#include "sources/mysql/value_text.hpp"

namespace lodestone::sources {
namespace {

constexpr std::int64_t kMicrosPerSecond = 1'000'000;

/// Little endian, which is also this machine's order (the build supports no other).
template <typename T>
T load(const unsigned char* at) {
  T value;
  std::memcpy(&value, at, sizeof value);
  return value;
}

template <typename T>
T take(unsigned char** at) {
  const T value = load<T>(*at);
  *at += sizeof(T);
  return value;
}

/// A length-encoded integer: one byte below 251, else a marker and 2, 3 or 8 bytes.
std::uint64_t take_length(unsigned char** at) {
  const unsigned char first = *(*at)++;
  switch (first) {
    case 252: return take<std::uint16_t>(at);
    case 253: {
      const std::uint64_t low = take<std::uint16_t>(at);
      return low | static_cast<std::uint64_t>(*(*at)++) << 16U;
    }
    case 254: return take<std::uint64_t>(at);
    default: return first;
  }
}

}  // namespace

void BinaryRowDecoder::append_unsigned(unsigned column, std::uint64_t value) {
  if (value > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()) && overflow_column_ < 0) {
    overflow_column_ = static_cast<int>(column);
    overflow_value_ = value;
  }
  batch_->append_int(column, static_cast<std::int64_t>(value));
}

void BinaryRowDecoder::append_time_of(unsigned column, const unsigned char* value, unsigned length) {
  const std::uint32_t key = length >= 4 ? load<std::uint32_t>(value) : 0;
  if (key != day_key_ || length < 4) {
    const auto year = static_cast<int>(key & 0xffffU);
    const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(key >> 16U & 0xffU),
                                           std::chrono::day(key >> 24U)};
    if (!date.ok() || year == 0) {
      ++n_zero_dates_;
      batch_->append_null(column);
      return;
    }
    day_key_ = key;
    day_ = std::chrono::sys_days(date).time_since_epoch().count();
  }
  if (columns_[column].type == table::ColumnType::kDate) {
    batch_->append_int(column, day_);
    return;
  }
  std::int64_t micros = day_ * 86'400 * kMicrosPerSecond;
  if (length >= 7) micros += (value[4] * 3600 + value[5] * 60 + value[6]) * kMicrosPerSecond;
  if (length >= 11) micros += load<std::uint32_t>(value + 7);
  batch_->append_int(column, micros);
}

void BinaryRowDecoder::append_clock(unsigned column, const unsigned char* value, unsigned length) {
  ClockTime time;
  if (length >= 8) {
    time = {value[0] != 0, load<std::uint32_t>(value + 1) * 24 + value[5], value[6], value[7], 0};
    if (length >= 12) time.micros = load<std::uint32_t>(value + 8);
  }
  batch_->append_text(column, format_clock(time));
}

void BinaryRowDecoder::append(unsigned column, unsigned char** at) {
  if (at == nullptr) {
    batch_->append_null(column);
    return;
  }
  switch (columns_[column].form) {
    case WireForm::kInt8: batch_->append_int(column, take<std::int8_t>(at)); return;
    case WireForm::kUint8: batch_->append_int(column, take<std::uint8_t>(at)); return;
    case WireForm::kInt16: batch_->append_int(column, take<std::int16_t>(at)); return;
    case WireForm::kUint16: batch_->append_int(column, take<std::uint16_t>(at)); return;
    case WireForm::kInt32: batch_->append_int(column, take<std::int32_t>(at)); return;
    case WireForm::kUint32: batch_->append_int(column, take<std::uint32_t>(at)); return;
    case WireForm::kInt64: batch_->append_int(column, take<std::int64_t>(at)); return;
    case WireForm::kUint64: append_unsigned(column, take<std::uint64_t>(at)); return;
    case WireForm::kFloat: batch_->append_double(column, widened(take<float>(at))); return;
    case WireForm::kDouble: batch_->append_double(column, take<double>(at)); return;
    case WireForm::kText:
    case WireForm::kBit:
    case WireForm::kDateTime:
    case WireForm::kDate:
    case WireForm::kTime: break;
  }
  const std::uint64_t length = take_length(at);
  const unsigned char* value = *at;
  *at += length;
  switch (columns_[column].form) {
    case WireForm::kBit: {
      std::uint64_t bits = 0;
      for (std::uint64_t i = 0; i < length; ++i) bits = bits << 8U | value[i];
      append_unsigned(column, bits);
      return;
    }
    case WireForm::kDateTime:
    case WireForm::kDate: append_time_of(column, value, static_cast<unsigned>(length)); return;
    case WireForm::kTime: append_clock(column, value, static_cast<unsigned>(length)); return;
    default: batch_->append_text(column, {reinterpret_cast<const char*>(value), length}); return;
  }
}

}  // namespace lodestone::sources
