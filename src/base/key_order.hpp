#pragma once
// Orders of 64-bit keys. Which of two keys is larger is as good as random where lists are ranked, so that std::sort waits for a mispredicted branch at
// every other comparison; here no branch depends on the keys.

#include <cstddef>
#include <cstdint>
#include <span>

namespace lodestone {

struct KeyKernels;

/// Sorts keys, largest first. Allocates nothing.
void sort_largest_first(std::span<std::uint64_t> keys);

/// Moves the `n` largest keys to the front, in no order. Requires n <= keys.size(). Allocates nothing.
void select_largest(std::span<std::uint64_t> keys, std::size_t n);

/// By given instructions, which the processor must have (base/key_kernels.hpp).
void sort_largest_first(std::span<std::uint64_t> keys, const KeyKernels& kernels);
void select_largest(std::span<std::uint64_t> keys, std::size_t n, const KeyKernels& kernels);

}  // namespace lodestone
