#pragma once
// When something was done last, for windows up to 30 days that slide with every look. Internal to features/online_state.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace lodestone::features {

inline constexpr std::int64_t kHourMicros = 3'600'000'000;
inline constexpr std::int64_t kDayMicros = 24 * kHourMicros;
/// Nothing older is in any window.
inline constexpr std::int64_t kRecentMicros = 30 * kDayMicros;

/// How often within the last hour, 24 hours, 7 days and 30 days.
struct WindowCounts {
  std::size_t hour = 0;
  std::size_t day = 0;
  std::size_t week = 0;
  std::size_t month = 0;
};

/// Times in microseconds, ascending, at most 30 days older than the newest. One thread.
class RecentTimes {
 public:
  /// O(1) amortized for the newest, else a shift of those after it.
  void add(std::int64_t at) {
    if (times_.empty() || at >= times_.back()) {
      times_.push_back(at);
    } else {
      times_.insert(std::upper_bound(begin(), times_.cend(), at), at);
    }
    drop(times_.back() - kRecentMicros);
  }

  /// Forgets those until `at`, itself included.
  void drop(std::int64_t at) {
    while (n_dropped_ < times_.size() && times_[n_dropped_] <= at) ++n_dropped_;
    // A shift once half is gone costs each time O(1).
    if (n_dropped_ == 0 || 2 * n_dropped_ < times_.size()) return;
    times_.erase(times_.begin(), begin());
    n_dropped_ = 0;
    if (times_.empty()) times_.shrink_to_fit();
  }

  /// Whether drop() would forget any.
  [[nodiscard]] bool has_until(std::int64_t at) const { return n_dropped_ < times_.size() && times_[n_dropped_] <= at; }

  /// A time counts when its age is below the window's width, so at a width's very end it is out. O(log n). `now` is not before any of the times.
  [[nodiscard]] WindowCounts count(std::int64_t now) const {
    const auto month = std::upper_bound(begin(), times_.end(), now - kRecentMicros);
    const auto week = std::upper_bound(month, times_.end(), now - 7 * kDayMicros);
    const auto day = std::upper_bound(week, times_.end(), now - kDayMicros);
    const auto hour = std::upper_bound(day, times_.end(), now - kHourMicros);
    const auto until_end = [&](auto from) { return static_cast<std::size_t>(times_.end() - from); };
    return {until_end(hour), until_end(day), until_end(week), until_end(month)};
  }

 private:
  [[nodiscard]] std::vector<std::int64_t>::const_iterator begin() const {
    return times_.begin() + static_cast<std::ptrdiff_t>(n_dropped_);
  }

  std::vector<std::int64_t> times_;
  std::size_t n_dropped_ = 0;  ///< of the first ones
};

}  // namespace lodestone::features
