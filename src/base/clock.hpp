#pragma once
// Time: one Clock passed in wherever "now" is needed (tests pass a fixed one), UTC with microseconds everywhere.

#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace lodestone {

using TimePoint = std::chrono::sys_time<std::chrono::microseconds>;

/// The source of "now". Safe from many threads.
class Clock {
 public:
  virtual ~Clock() = default;
  [[nodiscard]] virtual TimePoint now() const = 0;
};

class SystemClock final : public Clock {
 public:
  [[nodiscard]] TimePoint now() const override {
    return std::chrono::time_point_cast<std::chrono::microseconds>(std::chrono::system_clock::now());
  }
};

/// A clock that stands still until it is told otherwise.
class FixedClock final : public Clock {
 public:
  explicit FixedClock(TimePoint at) : micros_(at.time_since_epoch().count()) {}
  [[nodiscard]] TimePoint now() const override { return TimePoint(std::chrono::microseconds(micros_.load())); }
  void advance(std::chrono::microseconds by) { micros_ += by.count(); }

 private:
  std::atomic<std::int64_t> micros_;
};

/// "2026-11-24T09:30:00Z"; microseconds are written only when they are not zero.
std::string format_rfc3339(TimePoint at);

/// "20261124T093000Z", sortable and safe in a file name.
std::string format_compact(TimePoint at);

/// Reads RFC 3339 ("2026-11-24T09:30:00.5+08:00"), also with a blank instead of T, without a zone (then UTC) and a bare date.
/// Returns nothing when the text is no such time or names a day that does not exist.
std::optional<TimePoint> parse_time(std::string_view text);

}  // namespace lodestone
