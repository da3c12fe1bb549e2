#pragma once
// How who computes for long is told to stop.

namespace lodestone {

/// Asked now and then, between parts of the work that take some microseconds; what it asks must outlive the call that it is given to.
struct StopCheck {
  bool (*ask)(void*) = nullptr;  ///< nullptr = go on to the end
  void* of = nullptr;

  [[nodiscard]] bool is_due() const { return ask != nullptr && ask(of); }
};

}  // namespace lodestone
