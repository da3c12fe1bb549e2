#pragma once
// What a source said of each key range of a table when it was last compared: next time only ranges that say something else are read.
// Internal to this folder; docs/formats/lake.md describes the file.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "sources/change.hpp"

namespace lodestone::lake {

/// Digests of one table, ascending by range. The width is a power of two that grows with the table, so that there are never many ranges.
struct RangeDigests {
  static constexpr std::int64_t kFirstWidth = 8192;  ///< keys; smaller ranges read less again, and are more
  static constexpr std::size_t kMostRanges = 4096;

  std::string key;  ///< the integer column that the ranges are of; "" = one range holds the table
  std::int64_t width = kFirstWidth;
  std::vector<sources::RangeDigest> ranges;

  /// Doubles the width and adds up neighbours once.
  void coarsen();
  /// Until there are at most kMostRanges.
  void coarsen_to(std::size_t most = kMostRanges);
};

/// The range of a key value.
std::int64_t range_of(std::int64_t key, std::int64_t width);

/// Ranges in which `now` differs from `before` (of the same width) or that are in `touched` (sorted), ascending; also those that only one of
/// them has.
std::vector<std::int64_t> differing_ranges(const RangeDigests& before, const RangeDigests& now,
                                           const std::vector<std::int64_t>& touched);

/// Throws corrupt, naming the file.
RangeDigests parse_range_digests(std::string_view text, const std::string& file);
std::string format_range_digests(const RangeDigests& digests);

}  // namespace lodestone::lake
