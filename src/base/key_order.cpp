#include "base/key_order.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <functional>
#include <utility>

#include "base/error.hpp"

namespace lodestone {
namespace {

using Key = std::uint64_t;

/// Few enough for a network.
constexpr std::size_t kNetwork = 16;
/// Keys that a partition has room for; more are left to the standard library.
constexpr std::size_t kRoom = 2048;

/// Batcher's odd-even merge sort ("Sorting networks and their applications", 1968): the pairs of places that are put in order, in turn.
constexpr auto kPairs = [] {
  std::array<std::pair<std::size_t, std::size_t>, 63> pairs{};
  std::size_t n = 0;
  for (std::size_t p = 1; p < kNetwork; p *= 2) {
    for (std::size_t k = p; k > 0; k /= 2) {
      for (std::size_t j = k % p; j + k < kNetwork; j += 2 * k) {
        for (std::size_t i = j; i < std::min(j + k, kNetwork - k); ++i) {
          if (i / (2 * p) == (i + k) / (2 * p)) pairs[n++] = {i, i + k};
        }
      }
    }
  }
  return pairs;
}();

template <std::size_t... P>
[[gnu::always_inline]] inline void order_pairs(std::array<Key, kNetwork>& keys, std::index_sequence<P...>) {
  const auto order = [&keys](std::size_t a, std::size_t b) {
    const Key x = keys[a];
    const Key y = keys[b];
    keys[a] = x > y ? x : y;  // std::max and std::min of references become branches (g++ 12)
    keys[b] = x > y ? y : x;
  };
  (order(kPairs[P].first, kPairs[P].second), ...);
}

void sort_few(std::span<Key> keys) {
  std::array<Key, kNetwork> padded{};  // zeros stay behind, or are keys themselves
  std::copy(keys.begin(), keys.end(), padded.begin());
  order_pairs(padded, std::make_index_sequence<kPairs.size()>());
  std::copy_n(padded.begin(), keys.size(), keys.begin());
}

Key median_of_three(std::span<const Key> keys) {
  const Key a = keys[keys.size() / 4];
  const Key b = keys[keys.size() / 2];
  const Key c = keys[keys.size() / 4 * 3];
  return std::max(std::min(a, b), std::min(std::max(a, b), c));
}

/// Moves the keys from `least` on to the front and returns their number; both parts keep their order.
std::size_t partition(std::span<Key> keys, Key least) {
  std::array<Key, kRoom> below;  // NOLINT(cppcoreguidelines-pro-type-member-init): read as far as it is written
  std::size_t n = 0;
  std::size_t n_below = 0;
  for (const Key key : keys) {
    keys[n] = key;
    below[n_below] = key;
    n += static_cast<std::size_t>(key >= least);
    n_below += static_cast<std::size_t>(key < least);
  }
  std::copy_n(below.begin(), n_below, keys.begin() + static_cast<std::ptrdiff_t>(n));
  return n;
}

/// Where keys are split in two, larger ones first; all from `sorted` on are equal. More than none are on each side, or all are equal.
struct Split {
  std::size_t at = 0;
  std::size_t sorted = 0;
};

Split split(std::span<Key> keys) {
  const Key pivot = median_of_three(keys);
  std::size_t n = partition(keys, pivot);
  if (n < keys.size()) return {n, keys.size()};
  n = pivot == UINT64_MAX ? 0 : partition(keys, pivot + 1);  // it is the least of all
  return {n, n};
}

/// Rounds of splitting after which medians were chosen too badly.
std::size_t most_rounds(std::size_t n) { return 2 * static_cast<std::size_t>(std::bit_width(n)); }

void sort(std::span<Key> keys, std::size_t rounds) {
  while (keys.size() > kNetwork) {
    if (rounds-- == 0) return std::sort(keys.begin(), keys.end(), std::greater<>());
    const Split parts = split(keys);
    if (parts.sorted == keys.size()) sort(keys.subspan(parts.at), rounds);
    keys = keys.first(parts.at);
  }
  sort_few(keys);
}

}  // namespace

void sort_largest_first(std::span<std::uint64_t> keys) {
  if (keys.size() > kRoom) return std::sort(keys.begin(), keys.end(), std::greater<>());
  sort(keys, most_rounds(keys.size()));
}

void select_largest(std::span<std::uint64_t> keys, std::size_t n) {
  LODESTONE_ASSERT(n <= keys.size(), "the largest {} of {} keys", n, keys.size());
  std::size_t rounds = keys.size() > kRoom ? 0 : most_rounds(keys.size());
  while (n > 0 && n < keys.size()) {
    if (keys.size() <= kNetwork) return sort_few(keys);
    if (rounds-- == 0)
      return std::nth_element(keys.begin(), keys.begin() + static_cast<std::ptrdiff_t>(n), keys.end(), std::greater<>());
    const auto [at, sorted] = split(keys);
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
