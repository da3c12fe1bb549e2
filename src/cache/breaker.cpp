#include "cache/breaker.hpp"

namespace lodestone::cache {

bool Breaker::allows(Time now) {
  if (state() == State::kClosed) return true;
  if (now < next_try_) return false;
  state_.store(State::kHalfOpen, std::memory_order_relaxed);
  next_try_ = now + options_.rest;
  return true;
}

void Breaker::succeed() {
  n_failed_ = 0;
  state_.store(State::kClosed, std::memory_order_relaxed);
}

void Breaker::fail(Time now) {
  ++n_failed_;
  // What was sent before the breaker opened and fails later moves nothing.
  if (state() == State::kOpen || n_failed_ < options_.failures) return;
  next_try_ = now + options_.rest;
  state_.store(State::kOpen, std::memory_order_relaxed);
}

}  // namespace lodestone::cache
