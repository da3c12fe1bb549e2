#pragma once
// So many requests a second with a burst, in one atomic number: the virtual scheduling form of the generic cell rate algorithm (ITU-T
// I.371, annex A).

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <limits>

namespace lodestone::serving {

/// Safe from many threads, without a lock.
class RateLimit {
 public:
  /// `per_second` above 0; `burst` requests, at least 1, may come at once after a pause.
  RateLimit(double per_second, double burst)
      : interval_(static_cast<std::int64_t>(1e9 / per_second)),
        tolerance_(static_cast<std::int64_t>((std::max(1.0, burst) - 1) * 1e9 / per_second)) {}

  /// Takes one request at `now` (nanoseconds of a clock that never goes back); 0 when it is within the rate, else nothing is taken and the result
  /// is how many nanoseconds later it would be.
  std::int64_t take(std::int64_t now) {
    std::int64_t due = due_.load(std::memory_order_relaxed);
    for (;;) {
      if (due > now + tolerance_) return due - tolerance_ - now;
      if (due_.compare_exchange_weak(due, std::max(now, due) + interval_, std::memory_order_relaxed)) return 0;
    }
  }

 private:
  std::int64_t interval_;
  std::int64_t tolerance_;
  std::atomic<std::int64_t> due_{std::numeric_limits<std::int64_t>::min()};  ///< when the next request would come at an even pace
};

}  // namespace lodestone::serving
