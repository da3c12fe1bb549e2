#include "base/key_order.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <functional>

#include "base/error.hpp"
#include "base/key_kernels.hpp"

namespace lodestone {
namespace {

using Key = std::uint64_t;

Key median_of_three(std::span<const Key> keys) {
  const Key a = keys[keys.size() / 4];
  const Key b = keys[keys.size() / 2];
  const Key c = keys[keys.size() / 4 * 3];
  return std::max(std::min(a, b), std::min(std::max(a, b), c));
}

std::size_t partition(const KeyKernels& kernels, std::span<Key> keys, Key least) {
  std::array<Key, KeyKernels::kRoom> room;  // NOLINT(cppcoreguidelines-pro-type-member-init): read as far as it is written
  return kernels.split(keys.data(), keys.size(), least, room.data());
}

/// Where keys are split in two, larger ones first; all from `sorted` on are equal. More than none are on each side, or all are equal.
struct Split {
  std::size_t at = 0;
  std::size_t sorted = 0;
};

Split split(const KeyKernels& kernels, std::span<Key> keys) {
  const Key pivot = median_of_three(keys);
  std::size_t n = partition(kernels, keys, pivot);
  if (n < keys.size()) return {n, keys.size()};
  n = pivot == UINT64_MAX ? 0 : partition(kernels, keys, pivot + 1);  // it is the least of all
  return {n, n};
}

/// Rounds of splitting after which medians were chosen too badly.
std::size_t most_rounds(std::size_t n) { return 2 * static_cast<std::size_t>(std::bit_width(n)); }

void sort(const KeyKernels& kernels, std::span<Key> keys, std::size_t rounds) {
  while (keys.size() > kernels.few) {
    if (rounds-- == 0) return std::sort(keys.begin(), keys.end(), std::greater<>());
    const Split parts = split(kernels, keys);
    if (parts.sorted == keys.size()) sort(kernels, keys.subspan(parts.at), rounds);
    keys = keys.first(parts.at);
  }
  kernels.sort_few(keys.data(), keys.size());
}

}  // namespace

void sort_largest_first(std::span<std::uint64_t> keys) {
  static const KeyKernels kernels = key_kernels().back();
  sort_largest_first(keys, kernels);
}

void sort_largest_first(std::span<std::uint64_t> keys, const KeyKernels& kernels) {
  if (keys.size() > KeyKernels::kRoom) return std::sort(keys.begin(), keys.end(), std::greater<>());
  sort(kernels, keys, most_rounds(keys.size()));
}

void select_largest(std::span<std::uint64_t> keys, std::size_t n) {
  static const KeyKernels kernels = key_kernels().back();
  select_largest(keys, n, kernels);
}

void select_largest(std::span<std::uint64_t> keys, std::size_t n, const KeyKernels& kernels) {
  LODESTONE_ASSERT(n <= keys.size(), "the largest {} of {} keys", n, keys.size());
  std::size_t rounds = keys.size() > KeyKernels::kRoom ? 0 : most_rounds(keys.size());
  while (n > 0 && n < keys.size()) {
    if (keys.size() <= kernels.few) return kernels.sort_few(keys.data(), keys.size());
    if (rounds-- == 0)
      return std::nth_element(keys.begin(), keys.begin() + static_cast<std::ptrdiff_t>(n), keys.end(), std::greater<>());
    const auto [at, sorted] = split(kernels, keys);
    if (n >= sorted) return;  // what is missing is equal to what comes next
    if (n <= at) {
      keys = keys.first(at);
    } else {
      keys = keys.subspan(at);
      n -= at;
    }
  }
}

}  // namespace lodestone
