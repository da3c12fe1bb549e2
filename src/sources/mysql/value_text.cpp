#include "sources/mysql/value_text.hpp"

#include <fmt/format.h>

#include <charconv>
#include <iterator>

namespace lodestone::sources {

double widened(float value) {
  char text[32];
  const auto end = std::to_chars(std::begin(text), std::end(text), value).ptr;
  double out = value;
  std::from_chars(text, end, out);
  return out;
}

std::string format_clock(const ClockTime& time) {
  std::string text = fmt::format("{}{:02}:{:02}:{:02}", time.is_negative ? "-" : "", time.hours, time.minutes, time.seconds);
  if (time.micros != 0) text += fmt::format(".{:06}", time.micros);
  return text;
}

}  // namespace lodestone::sources
