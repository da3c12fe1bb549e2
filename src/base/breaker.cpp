#include "base/breaker.hpp"

namespace lodestone {

bool Breaker::allows(Time now) {
  if (state() == State::kClosed) return true;
  Time next = next_try_.load(std::memory_order_relaxed);
  // Of those who come at once one moves the next try, and is it.
  if (now < next || !next_try_.compare_exchange_strong(next, now + options_.rest, std::memory_order_relaxed)) return false;
  State open = State::kOpen;  // not closed by what was asked before and has succeeded meanwhile
  state_.compare_exchange_strong(open, State::kHalfOpen, std::memory_order_relaxed);
  return true;
}

void Breaker::succeed() {
  if (n_failed_.load(std::memory_order_relaxed) != 0) n_failed_.store(0, std::memory_order_relaxed);
  if (state() != State::kClosed) state_.store(State::kClosed, std::memory_order_relaxed);
}

void Breaker::fail(Time now) {
  const int n_failed = n_failed_.fetch_add(1, std::memory_order_relaxed) + 1;
  // What was sent before the breaker opened and fails later moves nothing.
  if (state() == State::kOpen || n_failed < options_.failures) return;
  next_try_.store(now + options_.rest, std::memory_order_relaxed);
  state_.store(State::kOpen, std::memory_order_release);
}

}  // namespace lodestone
