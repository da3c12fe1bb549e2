#pragma once
// Forms of single values that the snapshot and the binary log must agree on.

#include <cstdint>
#include <string>

namespace lodestone::sources {

/// 3.69f is 3.6900000572...; people wrote 3.69, so the double that reads as the float's shortest form is taken.
double widened(float value);

/// A value of type TIME: a span of up to 838 hours either way.
struct ClockTime {
  bool is_negative = false;
  std::uint32_t hours = 0;
  std::uint32_t minutes = 0;
  std::uint32_t seconds = 0;
  std::uint32_t micros = 0;
};

/// "-100:02:03"; six digits of a fraction only where there is one.
std::string format_clock(const ClockTime& time);

}  // namespace lodestone::sources
