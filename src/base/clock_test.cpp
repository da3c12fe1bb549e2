#include "base/clock.hpp"

#include <gtest/gtest.h>

namespace lodestone {
namespace {

using namespace std::chrono_literals;

TEST(Clock, formats_and_parses_the_same_instant) {
  const TimePoint at = std::chrono::sys_days(std::chrono::year(2026) / 2 / 28) + 23h + 59min + 58s + 123456us;
  EXPECT_EQ(format_rfc3339(at), "2026-02-28T23:59:58.123456Z");
  EXPECT_EQ(parse_time(format_rfc3339(at)), at);
  EXPECT_EQ(format_compact(at), "20260228T235958Z");
}

TEST(Clock, formats_times_before_1970) { EXPECT_EQ(format_rfc3339(TimePoint(-1us)), "1969-12-31T23:59:59.999999Z"); }

TEST(Clock, reads_zones_blanks_and_dates) {
  EXPECT_EQ(parse_time("2026-11-24T09:30:00+08:00"), parse_time("2026-11-24T01:30:00Z"));
  EXPECT_EQ(parse_time("2026-11-24 09:30"), parse_time("2026-11-24T09:30:00Z"));
  EXPECT_EQ(parse_time("2026-11-24T09:30:00-0130"), parse_time("2026-11-24T11:00:00Z"));
  EXPECT_EQ(parse_time("2026-11-24"), parse_time("2026-11-24T00:00:00Z"));
  EXPECT_EQ(parse_time("2026-11-24T00:00:00.5Z"), parse_time("2026-11-24T00:00:00.500000Z"));
}

TEST(Clock, refuses_what_is_no_time) {
  for (const char* text : {"", "2026", "2026-02-30", "2026-13-01", "2026-11-24T25:00", "2026-11-24T09:60", "2026-11-24T09:30:00.",
                           "2026-11-24T09:30:00X", "2026-11-24T09:30:00+8", "24.11.2026", "2026-11-24T09:30:00Z "}) {
    EXPECT_FALSE(parse_time(text).has_value()) << text;
  }
}

TEST(Clock, fixed_clock_moves_only_when_told) {
  FixedClock clock(TimePoint(5s));
  EXPECT_EQ(clock.now(), TimePoint(5s));
  clock.advance(2s);
  EXPECT_EQ(clock.now(), TimePoint(7s));
}

}  // namespace
}  // namespace lodestone
