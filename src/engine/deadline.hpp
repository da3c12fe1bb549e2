#pragma once
// Until when the page of a request is worth making.

#include <cstdint>

namespace lodestone::engine {

/// The engine has no clock: who wants a page cut short brings one, as for RecallTrace. Read once before each channel that has to compute
/// something, each token of a search, and between parts of ranking: at 20 to 30 ns, at most once in some microseconds.
struct Deadline {
  std::uint64_t (*now)() = nullptr;  ///< nanoseconds from any beginning; never falls. nullptr = all the time in the world
  std::uint64_t at = 0;

  [[nodiscard]] bool has_passed() const { return now != nullptr && now() >= at; }
};

}  // namespace lodestone::engine
