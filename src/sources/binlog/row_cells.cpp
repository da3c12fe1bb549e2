// Cells of rows, by their form. Layouts: docs/formats/binlog.md.
#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <chrono>
#include <limits>
#include <optional>

#include "base/error.hpp"
#include "sources/binlog/decimal.hpp"
#include "sources/binlog/mysql_json.hpp"
#include "sources/binlog/rows_event.hpp"
#include "sources/binlog/unpack.hpp"
#include "sources/mysql/value_text.hpp"

namespace lodestone::sources {
namespace {

constexpr std::int64_t kMicrosPerSecond = 1'000'000;
constexpr std::int64_t kMicrosPerDay = 86'400 * kMicrosPerSecond;
constexpr std::array<std::int64_t, 7> kMicrosOfUnit = {1'000'000, 100'000, 10'000, 1'000, 100, 10, 1};
// The old formats with a fraction (MariaDB 5.3), by its digits: bytes in all, and bytes of a timestamp's fraction.
constexpr std::array<std::size_t, 7> kShiftedTimeBytes = {3, 4, 4, 5, 5, 6, 6};
constexpr std::array<std::size_t, 7> kPackedDateTimeBytes = {5, 6, 6, 7, 7, 7, 8};
constexpr std::array<std::size_t, 7> kFractionBytes = {0, 1, 1, 2, 2, 3, 3};
constexpr std::int64_t kMostTimeSeconds = 838 * 3600 + 59 * 60 + 59;

std::int64_t signed_of(std::uint64_t bits, std::size_t size) {
  const unsigned shift = static_cast<unsigned>(64 - 8 * size);
  return static_cast<std::int64_t>(bits << shift) >> shift;
}

std::int64_t micros_of(std::uint64_t hour, std::uint64_t minute, std::uint64_t second) {
  return static_cast<std::int64_t>(hour * 3600 + minute * 60 + second) * kMicrosPerSecond;
}

/// The fraction of TIME2, DATETIME2 and TIMESTAMP2: one byte for each two digits, big endian.
std::int64_t read_fraction(ByteReader& reader, unsigned digits) {
  constexpr std::array<std::int64_t, 4> kMicros = {0, 10'000, 100, 1};
  const std::size_t bytes = (digits + 1) / 2;
  return static_cast<std::int64_t>(reader.big(bytes)) * kMicros[bytes];
}

Moment read_date(ByteReader& reader) {
  const std::uint64_t bits = reader.little(3);
  return {static_cast<std::uint32_t>(bits >> 9U), static_cast<std::uint32_t>(bits >> 5U & 15U),
          static_cast<std::uint32_t>(bits & 31U), 0};
}

Moment read_datetime(ByteReader& reader, unsigned digits) {
  const std::uint64_t bits = reader.big(5) & 0x7fffffffffU;  // the first bit is always set
  const std::uint64_t day = bits >> 17U;
  const std::uint64_t month = day >> 5U;
  const std::uint64_t clock = bits & 0x1ffffU;
  return {static_cast<std::uint32_t>(month / 13), static_cast<std::uint32_t>(month % 13), static_cast<std::uint32_t>(day & 31U),
          micros_of(clock >> 12U, clock >> 6U & 63U, clock & 63U) + read_fraction(reader, digits)};
}

Moment read_datetime_int(ByteReader& reader) {
  const auto digits = reader.little<std::uint64_t>();
  const std::uint64_t date = digits / 1'000'000;
  return {static_cast<std::uint32_t>(std::min<std::uint64_t>(date / 10'000, 99'999)),
          static_cast<std::uint32_t>(date / 100 % 100), static_cast<std::uint32_t>(date % 100),
          micros_of(digits / 10'000 % 100, digits / 100 % 100, digits % 100)};
}

/// MariaDB 5.3: ((((year * 13 + month) * 32 + day) * 24 + hour) * 60 + minute) * 60 + second, with the fraction's digits behind.
Moment read_datetime_packed(ByteReader& reader, unsigned digits) {
  const std::uint64_t bits = reader.big(kPackedDateTimeBytes[digits]);
  const auto unit = static_cast<std::uint64_t>(kMicrosOfUnit[digits]);
  const std::uint64_t per_second = 1'000'000 / unit;
  const std::uint64_t seconds = bits / per_second;
  const std::uint64_t day = seconds / 86'400;
  const std::uint64_t month = day / 32;
  return {static_cast<std::uint32_t>(month / 13), static_cast<std::uint32_t>(month % 13), static_cast<std::uint32_t>(day % 32),
          static_cast<std::int64_t>(seconds % 86'400) * kMicrosPerSecond + static_cast<std::int64_t>(bits % per_second * unit)};
}

ClockTime clock_of(std::int64_t micros) {
  const bool is_negative = micros < 0;
  const std::uint64_t span = is_negative ? 0 - static_cast<std::uint64_t>(micros) : static_cast<std::uint64_t>(micros);
  const std::uint64_t seconds = span / 1'000'000;
  return {is_negative, static_cast<std::uint32_t>(seconds / 3600), static_cast<std::uint32_t>(seconds / 60 % 60),
          static_cast<std::uint32_t>(seconds % 60), static_cast<std::uint32_t>(span % 1'000'000)};
}

/// TIME2: hour, minute, second in 10, 6 and 6 bits and the fraction behind, as one number around the middle of its range.
ClockTime read_time(ByteReader& reader, unsigned digits) {
  const std::size_t fraction_bytes = (digits + 1) / 2;
  const std::size_t bytes = 3 + fraction_bytes;
  const std::int64_t middle = std::int64_t{1} << (8 * bytes - 1);
  const std::int64_t number = static_cast<std::int64_t>(reader.big(bytes)) - middle;
  const std::uint64_t span = static_cast<std::uint64_t>(number < 0 ? -number : number);
  constexpr std::array<std::uint64_t, 4> kMicros = {0, 10'000, 100, 1};
  const std::uint64_t clock = span >> 8 * fraction_bytes;
  const std::uint64_t fraction = span & ((std::uint64_t{1} << 8 * fraction_bytes) - 1);
  return {number < 0, static_cast<std::uint32_t>(clock >> 12U & 1023U), static_cast<std::uint32_t>(clock >> 6U & 63U),
          static_cast<std::uint32_t>(clock & 63U), static_cast<std::uint32_t>(fraction * kMicros[fraction_bytes])};
}

ClockTime read_time_int(ByteReader& reader) {
  const std::int64_t digits = signed_of(reader.little(3), 3);
  const auto span = static_cast<std::uint32_t>(digits < 0 ? -digits : digits);
  return {digits < 0, span / 10'000, span / 100 % 100, span % 100, 0};
}

/// MariaDB 5.3: the span in units of the fraction's last digit, with the largest TIME and one second added.
ClockTime read_time_shifted(ByteReader& reader, unsigned digits) {
  const std::int64_t unit = kMicrosOfUnit[digits];
  const std::int64_t middle = (kMostTimeSeconds + 1) * kMicrosPerSecond / unit;
  const auto number = static_cast<std::int64_t>(reader.big(kShiftedTimeBytes[digits]));
  return clock_of((number - middle) * unit);
}

std::string uuid_text(const std::array<std::uint8_t, 16>& record) {
  // MariaDB stores versions 1 to 5 with the parts in reverse order, so that ids of one node lie together; the bits of variant and
  // version tell which (sql/sql_type... of the server: a set variant at byte 6 and a version at byte 8).
  const auto variant = record[6];
  const auto version = static_cast<std::int8_t>(record[8]);
  std::array<std::uint8_t, 16> id = record;
  if ((variant & 0x80U) != 0 && version > 0) {
    constexpr std::array<std::size_t, 16> kFrom = {12, 13, 14, 15, 10, 11, 8, 9, 6, 7, 0, 1, 2, 3, 4, 5};
    for (std::size_t i = 0; i < id.size(); ++i) id[i] = record[kFrom[i]];
  }
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (std::size_t i = 0; i < id.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) text += '-';
    text += kDigits[id[i] >> 4U];
    text += kDigits[id[i] & 15U];
  }
  return text;
}

}  // namespace

void RowDecoder::append_unsigned(std::uint64_t value, std::size_t column, table::Batch& out, const TableChanges& of) {
  if (value > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
    fail(ErrorCode::kContract,
         "table {}.{}: column {} holds {}, which is beyond the largest signed 64-bit integer; such values cannot be read from "
         "the binary "
         "log, make the column DECIMAL(20,0)",
         of.database, of.name, of.schema[column].name, value);
  }
  out.append_int(column, static_cast<std::int64_t>(value));
}

void RowDecoder::append_time(ByteReader& reader, std::size_t column, table::Batch& out) {
  const CellPlan& cell = plan_[column];
  ClockTime time;
  switch (cell.form) {
    case CellForm::kTimeInt: time = read_time_int(reader); break;
    case CellForm::kTimeShifted: time = read_time_shifted(reader, cell.scale); break;
    default: time = read_time(reader, cell.scale); break;
  }
  out.append_text(column, format_clock(time));
}

/// Microseconds since 1970 of the date; nothing when no calendar has it.
std::optional<std::int64_t> RowDecoder::since_1970(const Moment& moment) {
  if (moment.year == 0 || moment.year > 9999) return std::nullopt;
  const std::uint32_t key = moment.year << 16U | moment.month << 8U | moment.day;
  if (key != day_key_) {
    const std::chrono::year_month_day date{std::chrono::year(static_cast<int>(moment.year)), std::chrono::month(moment.month),
                                           std::chrono::day(moment.day)};
    if (!date.ok()) return std::nullopt;
    day_key_ = key;
    day_ = std::chrono::sys_days(date).time_since_epoch().count();
  }
  return day_ * kMicrosPerDay + moment.micros;
}

void RowDecoder::append_moment(ByteReader& reader, std::size_t column, table::Batch& out) {
  const CellPlan& cell = plan_[column];
  std::optional<std::int64_t> micros;
  const auto from_utc = [&](std::uint64_t seconds, std::int64_t fraction) -> std::optional<std::int64_t> {
    if (seconds == 0 && fraction == 0) return std::nullopt;  // 0000-00-00
    return static_cast<std::int64_t>(seconds) * kMicrosPerSecond + fraction + zone_micros_;
  };
  switch (cell.form) {
    case CellForm::kTimestamp: {
      const std::uint64_t seconds = reader.big(4);
      micros = from_utc(seconds, read_fraction(reader, cell.scale));
      break;
    }
    case CellForm::kTimestampInt: micros = from_utc(reader.little(4), 0); break;
    case CellForm::kTimestampBig: {
      const std::uint64_t seconds = reader.big(4);
      micros = from_utc(seconds, static_cast<std::int64_t>(reader.big(kFractionBytes[cell.scale])) * kMicrosOfUnit[cell.scale]);
      break;
    }
    case CellForm::kDateTime: micros = since_1970(read_datetime(reader, cell.scale)); break;
    case CellForm::kDateTimeInt: micros = since_1970(read_datetime_int(reader)); break;
    case CellForm::kDateTimePacked: micros = since_1970(read_datetime_packed(reader, cell.scale)); break;
    default: micros = since_1970(read_date(reader)); break;
  }
  if (!micros) {
    ++n_zero_dates_;
    out.append_null(column);
    return;
  }
  out.append_int(
      column, cell.type == table::ColumnType::kDate ? *micros / kMicrosPerDay - (*micros % kMicrosPerDay < 0 ? 1 : 0) : *micros);
}

void RowDecoder::append_text(ByteReader& reader, std::size_t column, table::Batch& out) {
  CellPlan& cell = plan_[column];
  const std::uint64_t size = reader.little(cell.size);
  std::string_view value = reader.text(size);
  if (cell.form == CellForm::kPacked) value = unpack_column(value, reader.header(), unpacked_);
  if (cell.form == CellForm::kMysqlJson) {
    text_.clear();
    append_mysql_json(value, reader.header(), text_);
    value = text_;
  }
  if (cell.converter != nullptr) value = cell.converter->to_utf8(value, text_);
  if (value.size() < cell.padded_size) {
    text_ = value;
    text_.resize(cell.padded_size, '\0');
    value = text_;
  }
  out.append_text(column, value);
}

void RowDecoder::append_label(ByteReader& reader, std::size_t column, table::Batch& out, const TableChanges& of) {
  const CellPlan& cell = plan_[column];
  std::uint64_t bits = reader.little(cell.size);
  const auto fail_unknown = [&] {
    fail(ErrorCode::kContract,
         "table {}.{}: column {} holds a value without a label (of {} labels); its definition was changed, take a new snapshot "
         "of the "
         "table",
         of.database, of.name, of.schema[column].name, cell.labels.size());
  };
  if (cell.form == CellForm::kEnum) {
    // 0 is what the server stores for a value that was none.
    if (bits > cell.labels.size()) fail_unknown();
    out.append_text(column, bits == 0 ? std::string_view() : std::string_view(cell.labels[bits - 1]));
    return;
  }
  text_.clear();
  for (; bits != 0; bits &= bits - 1) {
    const auto number = static_cast<std::size_t>(std::countr_zero(bits));
    if (number >= cell.labels.size()) fail_unknown();
    if (!text_.empty()) text_ += ',';
    text_ += cell.labels[number];
  }
  out.append_text(column, text_);
}

void RowDecoder::append_address(ByteReader& reader, std::size_t column, table::Batch& out) {
  // Fixed sizes lose the zeros at their end, as BINARY does.
  const std::string_view stored = reader.text(reader.byte());
  std::array<std::uint8_t, 16> bytes{};
  if (stored.size() > bytes.size()) fail_damaged(reader.header(), "an address or id that is too long");
  std::copy(stored.begin(), stored.end(), bytes.begin());
  if (plan_[column].form == CellForm::kUuid) {
    out.append_text(column, uuid_text(bytes));
    return;
  }
  std::array<char, INET6_ADDRSTRLEN> text{};
  ::inet_ntop(plan_[column].form == CellForm::kInet4 ? AF_INET : AF_INET6, bytes.data(), text.data(), text.size());
  out.append_text(column, text.data());
}

void RowDecoder::append_cell(ByteReader& reader, std::size_t column, table::Batch& out, const TableChanges& of) {
  const CellPlan& cell = plan_[column];
  switch (cell.form) {
    case CellForm::kInt: out.append_int(column, signed_of(reader.little(cell.size), cell.size)); return;
    case CellForm::kUint: append_unsigned(reader.little(cell.size), column, out, of); return;
    case CellForm::kBit: append_unsigned(reader.big(cell.size), column, out, of); return;
    case CellForm::kYear: {
      const std::uint8_t year = reader.byte();
      out.append_int(column, year == 0 ? 0 : 1900 + year);
      return;
    }
    case CellForm::kFloat: out.append_double(column, widened(reader.little<float>())); return;
    case CellForm::kDouble: out.append_double(column, reader.little<double>()); return;
    case CellForm::kDecimal:
      text_.clear();
      read_decimal(reader, cell.size, cell.scale, cell.is_zero_filled ? DecimalFill::kZeroFill : DecimalFill::kNone, text_);
      out.append_text(column, text_);
      return;
    case CellForm::kEnum:
    case CellForm::kSet: append_label(reader, column, out, of); return;
    case CellForm::kTime:
    case CellForm::kTimeInt:
    case CellForm::kTimeShifted: append_time(reader, column, out); return;
    case CellForm::kDate:
    case CellForm::kDateTime:
    case CellForm::kDateTimeInt:
    case CellForm::kDateTimePacked:
    case CellForm::kTimestamp:
    case CellForm::kTimestampInt:
    case CellForm::kTimestampBig: append_moment(reader, column, out); return;
    case CellForm::kText:
    case CellForm::kPacked:
    case CellForm::kMysqlJson: append_text(reader, column, out); return;
    case CellForm::kUuid:
    case CellForm::kInet4:
    case CellForm::kInet6: append_address(reader, column, out); return;
  }
}

}  // namespace lodestone::sources
