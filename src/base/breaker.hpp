#pragma once
// A circuit breaker: stops asking whoever keeps failing, and looks again after a while (Nygard, "Release It!", 2007).

#include <atomic>
#include <chrono>
#include <cstdint>

namespace lodestone {

/// The clock is passed in. Safe from many threads without a lock; while all goes well each call is an atomic load or two and writes nothing.
class Breaker {
 public:
  using Time = std::chrono::steady_clock::time_point;
  struct Options {
    int failures = 5;                        ///< in a row, that open it
    std::chrono::milliseconds rest{30'000};  ///< from opening to the next try
  };
  /// The numbers are the values of circuit_breaker_state.
  enum class State : std::uint8_t { kClosed = 0, kHalfOpen = 1, kOpen = 2 };

  Breaker() = default;
  explicit Breaker(Options options) : options_(options) {}

  /// Whether to ask now. While half open it lets one try through; whoever was let through reports with succeed() or fail(). A try that is
  /// never reported makes way for the next after another rest.
  bool allows(Time now);
  void succeed();
  void fail(Time now);
  [[nodiscard]] State state() const { return state_.load(std::memory_order_acquire); }

 private:
  Options options_;
  std::atomic<int> n_failed_{0};
  std::atomic<Time> next_try_{Time()};
  std::atomic<State> state_{State::kClosed};
};

}  // namespace lodestone
