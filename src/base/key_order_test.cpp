#include "base/key_order.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <string>
#include <vector>

#include "base/key_kernels.hpp"
#include "base/rng.hpp"

namespace lodestone {
namespace {

using Keys = std::vector<std::uint64_t>;

Keys sorted(Keys keys) {
  std::sort(keys.begin(), keys.end(), std::greater<>());
  return keys;
}

void check(const Keys& keys, const KeyKernels& kernels, const std::string& what) {
  const Keys expected = sorted(keys);
  Keys ours = keys;
  sort_largest_first(ours, kernels);
  ASSERT_EQ(ours, expected) << what << ", " << keys.size() << " keys";
  for (const std::size_t n :
       {std::size_t{0}, std::size_t{1}, keys.size() / 4, keys.size() / 2, keys.size() - keys.size() / 8, keys.size()}) {
    if (n > keys.size()) continue;
    ours = keys;
    select_largest(ours, n, kernels);
    const auto middle = ours.begin() + static_cast<std::ptrdiff_t>(n);
    ASSERT_EQ(sorted(Keys(ours.begin(), middle)), Keys(expected.begin(), expected.begin() + (middle - ours.begin())))
        << what << ", the largest " << n << " of " << keys.size();
    ASSERT_EQ(sorted(ours), expected) << "none is lost";
  }
}

/// With all instructions that this processor has.
void check(const Keys& keys, const std::string& what) {
  for (const KeyKernels& kernels : key_kernels()) check(keys, kernels, what);
}

TEST(KeyOrder, is_that_of_the_standard_library) {
  Rng rng(5);
  for (const std::size_t n : {0U, 1U, 2U, 15U, 16U, 17U, 31U, 32U, 33U, 100U, 250U, 400U, 1999U, 2048U, 2049U, 5000U}) {
    for (const std::uint64_t range : {std::uint64_t{1}, std::uint64_t{3}, std::uint64_t{50}, std::uint64_t{1} << 62U}) {
      Keys keys(n);
      for (auto& key : keys) key = rng.below(range);
      check(keys, "random");
    }
  }
}

TEST(KeyOrder, is_right_whatever_the_order_of_before_and_at_the_ends_of_the_range) {
  for (const std::size_t n : {16U, 40U, 1000U}) {
    Keys rising(n);
    for (std::size_t i = 0; i < n; ++i) rising[i] = i;
    check(rising, "rising");
    check(sorted(rising), "falling");
    Keys pipe = rising;  // medians of three are bad pivots here
    for (std::size_t i = 0; i < n; ++i) pipe[i] = std::min(i, n - 1 - i);
    check(pipe, "rising and falling");
    check(Keys(n, UINT64_MAX), "all the largest");
    check(Keys(n, 0), "all zero");
    Keys ends(n, UINT64_MAX);
    for (std::size_t i = 0; i < n; i += 3) ends[i] = 0;
    check(ends, "ends of the range");
  }
}

/// Keys on which every median of three is among the least: the pivots that are looked at hold what is small.
TEST(KeyOrder, ends_soon_where_pivots_are_bad) {
  for (const std::size_t n : {64U, 777U, 2000U}) {
    Keys keys(n, 0);
    for (std::size_t i = 0; i < n; ++i) keys[i] = 1'000'000 - i;
    for (std::size_t size = n; size > 16; --size) {
      std::swap(keys[size / 4], keys[size - 1]);
      std::swap(keys[size / 2], keys[size - 1]);
    }
    check(keys, "bad pivots");
  }
}

}  // namespace
}  // namespace lodestone
