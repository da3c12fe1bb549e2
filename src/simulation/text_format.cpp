#include "simulation/text_format.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdio>

#include "base/json.hpp"

namespace lodestone::simulation {
namespace {

using table::ColumnType;

constexpr std::int64_t kMicrosPerSecond = 1'000'000;
constexpr std::int64_t kMicrosPerDay = 86'400 * kMicrosPerSecond;

void append_int(std::string& out, std::int64_t value) {
  char text[24];
  const auto end = std::to_chars(std::begin(text), std::end(text), value).ptr;
  out.append(text, end);
}

void append_two(std::string& out, std::int64_t value) {
  out.push_back(static_cast<char>('0' + value / 10));
  out.push_back(static_cast<char>('0' + value % 10));
}

void append_hex(std::string& out, std::string_view bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    out.push_back(kDigits[byte >> 4U]);
    out.push_back(kDigits[byte & 15U]);
  }
}

}  // namespace

void append_csv_text(std::string& out, std::string_view text) {
  if (!text.empty() && text.find_first_of(",\"\r\n") == std::string_view::npos) {
    out.append(text);
    return;
  }
  out.push_back('"');
  for (const char c : text) {
    if (c == '"') out.push_back('"');
    out.push_back(c);
  }
  out.push_back('"');
}

void RowFormatter::append_date(std::string& out, std::int64_t days) {
  if (days != day_) {
    const std::chrono::year_month_day ymd{std::chrono::sys_days{std::chrono::days{days}}};
    const int written = std::snprintf(day_text_, sizeof day_text_, "%04d-%02u-%02u", static_cast<int>(ymd.year()),
                                      static_cast<unsigned>(ymd.month()), static_cast<unsigned>(ymd.day()));
    day_ = days;
    day_size_ = std::min(sizeof day_text_ - 1, static_cast<std::size_t>(std::max(written, 0)));
  }
  out.append(day_text_, day_size_);
}

void RowFormatter::append_time(std::string& out, std::int64_t micros) {
  std::int64_t days = micros / kMicrosPerDay;
  std::int64_t rest = micros % kMicrosPerDay;
  if (rest < 0) {
    rest += kMicrosPerDay;
    --days;
  }
  append_date(out, days);
  const std::int64_t seconds = rest / kMicrosPerSecond;
  out.push_back(' ');
  append_two(out, seconds / 3600);
  out.push_back(':');
  append_two(out, seconds / 60 % 60);
  out.push_back(':');
  append_two(out, seconds % 60);
  if (const std::int64_t fraction = rest % kMicrosPerSecond; fraction != 0) {
    char text[16];
    const int n = std::snprintf(text, sizeof text, ".%06d", static_cast<int>(fraction));
    out.append(text, static_cast<std::size_t>(std::max(n, 0)));
  }
}

void RowFormatter::append_value(std::string& out, const table::Batch& batch, std::size_t column, std::size_t row) {
  switch ((*schema_)[column].type) {
    case ColumnType::kBool: out += batch.int_at(column, row) != 0 ? "true" : "false"; break;
    case ColumnType::kInt32:
    case ColumnType::kInt64: append_int(out, batch.int_at(column, row)); break;
    case ColumnType::kDouble: json::append_number(out, batch.double_at(column, row)); break;
    case ColumnType::kDecimal:
    case ColumnType::kText: out += batch.text_at(column, row); break;
    case ColumnType::kBytes: append_hex(out, batch.text_at(column, row)); break;
    case ColumnType::kTimestamp: append_time(out, batch.int_at(column, row)); break;
    case ColumnType::kDate: append_date(out, batch.int_at(column, row)); break;
  }
}

void RowFormatter::append_csv_header(std::string& out) const {
  for (std::size_t i = 0; i < schema_->size(); ++i) {
    if (i > 0) out.push_back(',');
    append_csv_text(out, (*schema_)[i].name);
  }
  out.push_back('\n');
}

void RowFormatter::append_csv_row(std::string& out, const table::Batch& batch, std::size_t row) {
  for (std::size_t i = 0; i < schema_->size(); ++i) {
    if (i > 0) out.push_back(',');
    if (batch.is_null(i, row)) continue;
    if ((*schema_)[i].type == ColumnType::kText) {
      append_csv_text(out, batch.text_at(i, row));
    } else {
      append_value(out, batch, i, row);
    }
  }
  out.push_back('\n');
}

void RowFormatter::append_json_row(std::string& out, const table::Batch& batch, std::size_t row) {
  out.push_back('{');
  for (std::size_t i = 0; i < schema_->size(); ++i) {
    if (i > 0) out.push_back(',');
    json::append_string(out, (*schema_)[i].name);
    out.push_back(':');
    if (batch.is_null(i, row)) {
      out += "null";
      continue;
    }
    switch ((*schema_)[i].type) {
      case ColumnType::kText: json::append_string(out, batch.text_at(i, row)); break;
      case ColumnType::kBytes:
      case ColumnType::kTimestamp:
      case ColumnType::kDate:
        out.push_back('"');
        append_value(out, batch, i, row);
        out.push_back('"');
        break;
      case ColumnType::kBool:
      case ColumnType::kInt32:
      case ColumnType::kInt64:
      case ColumnType::kDouble:
      case ColumnType::kDecimal: append_value(out, batch, i, row); break;
    }
  }
  out.push_back('}');
}

}  // namespace lodestone::simulation
