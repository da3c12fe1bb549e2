#pragma once
// The two steps of base/key_order.hpp that look at every key, by instruction set: splitting keys at a pivot and sorting a few. Same results from all.

#include <cstddef>
#include <cstdint>
#include <span>

namespace lodestone {

struct KeyKernels {
  /// Keys that `split` takes at most.
  static constexpr std::size_t kRoom = 2048;

  /// Moves the keys from `least` on to the front and returns their number; both parts keep their order. `room` has place for n.
  std::size_t (*split)(std::uint64_t* keys, std::size_t n, std::uint64_t least, std::uint64_t* room);
  /// Sorts up to `few` keys, largest first.
  void (*sort_few)(std::uint64_t* keys, std::size_t n);
  std::size_t few;
};

/// What this processor can run, the fastest last.
std::span<const KeyKernels> key_kernels();

}  // namespace lodestone
