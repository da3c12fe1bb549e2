#include "base/clock.hpp"

#include <fmt/core.h>

namespace lodestone {
namespace {

using std::chrono::microseconds;

struct Parts {
  std::chrono::year_month_day day{};
  std::chrono::hh_mm_ss<microseconds> time;
};

Parts split(TimePoint at) {
  const auto day = std::chrono::floor<std::chrono::days>(at);
  return {std::chrono::year_month_day(day), std::chrono::hh_mm_ss<microseconds>(at - day)};
}

/// Reads exactly `width` digits at `pos` and moves past them.
std::optional<int> digits(std::string_view text, std::size_t& pos, std::size_t width) {
  if (pos + width > text.size()) return std::nullopt;
  int value = 0;
  for (std::size_t i = 0; i < width; ++i) {
    const char c = text[pos + i];
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + (c - '0');
  }
  pos += width;
  return value;
}

bool take(std::string_view text, std::size_t& pos, char wanted) {
  if (pos >= text.size() || text[pos] != wanted) return false;
  ++pos;
  return true;
}

/// Fraction digits after the dot, as microseconds; further digits are cut.
std::optional<std::int64_t> fraction(std::string_view text, std::size_t& pos) {
  const std::size_t begin = pos;
  std::int64_t micros = 0;
  int width = 0;
  for (; pos < text.size() && text[pos] >= '0' && text[pos] <= '9'; ++pos) {
    if (width < 6) {
      micros = micros * 10 + (text[pos] - '0');
      ++width;
    }
  }
  if (pos == begin) return std::nullopt;
  for (; width < 6; ++width) micros *= 10;
  return micros;
}

/// "Z", "+08:00", "-0530" or nothing, as minutes east of UTC.
std::optional<int> zone(std::string_view text, std::size_t& pos) {
  if (pos == text.size()) return 0;
  if (text[pos] == 'Z' || text[pos] == 'z') {
    ++pos;
    return 0;
  }
  if (text[pos] != '+' && text[pos] != '-') return std::nullopt;
  const int sign = text[pos] == '-' ? -1 : 1;
  ++pos;
  const auto hours = digits(text, pos, 2);
  take(text, pos, ':');
  const auto minutes = digits(text, pos, 2);
  if (!hours || !minutes || *hours > 23 || *minutes > 59) return std::nullopt;
  return sign * (*hours * 60 + *minutes);
}

}  // namespace

std::string format_rfc3339(TimePoint at) {
  const Parts p = split(at);
  std::string out =
      fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}", static_cast<int>(p.day.year()), static_cast<unsigned>(p.day.month()),
                  static_cast<unsigned>(p.day.day()), p.time.hours().count(), p.time.minutes().count(), p.time.seconds().count());
  if (p.time.subseconds().count() != 0) out += fmt::format(".{:06}", p.time.subseconds().count());
  return out + "Z";
}

std::string format_compact(TimePoint at) {
  const Parts p = split(at);
  return fmt::format("{:04}{:02}{:02}T{:02}{:02}{:02}Z", static_cast<int>(p.day.year()), static_cast<unsigned>(p.day.month()),
                     static_cast<unsigned>(p.day.day()), p.time.hours().count(), p.time.minutes().count(),
                     p.time.seconds().count());
}

std::optional<TimePoint> parse_time(std::string_view text) {
  std::size_t pos = 0;
  const auto year = digits(text, pos, 4);
  if (!year || !take(text, pos, '-')) return std::nullopt;
  const auto month = digits(text, pos, 2);
  if (!month || !take(text, pos, '-')) return std::nullopt;
  const auto day = digits(text, pos, 2);
  if (!day) return std::nullopt;
  const std::chrono::year_month_day date(std::chrono::year(*year), std::chrono::month(static_cast<unsigned>(*month)),
                                         std::chrono::day(static_cast<unsigned>(*day)));
  if (!date.ok()) return std::nullopt;
  TimePoint at = std::chrono::sys_days(date);
  if (pos == text.size()) return at;
  if (!take(text, pos, 'T') && !take(text, pos, ' ')) return std::nullopt;
  const auto hour = digits(text, pos, 2);
  if (!hour || *hour > 23 || !take(text, pos, ':')) return std::nullopt;
  const auto minute = digits(text, pos, 2);
  if (!minute || *minute > 59) return std::nullopt;
  at += std::chrono::hours(*hour) + std::chrono::minutes(*minute);
  if (take(text, pos, ':')) {
    const auto second = digits(text, pos, 2);
    if (!second || *second > 59) return std::nullopt;
    at += std::chrono::seconds(*second);
    if (take(text, pos, '.')) {
      const auto micros = fraction(text, pos);
      if (!micros) return std::nullopt;
      at += microseconds(*micros);
    }
  }
  const auto east = zone(text, pos);
  if (!east || pos != text.size()) return std::nullopt;
  return at - std::chrono::minutes(*east);
}

}  // namespace lodestone
