#pragma once
// The recall channels, by the names that `reason` and the metrics use.

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/ids.hpp"

namespace lodestone::engine {

/// Recall channels, in the order in which `reason` names them. The numbers index arrays.
enum class Channel : std::uint8_t {
  kBehavior,
  kContent,
  kVector,
  kSequence,
  kUserCf,
  kTag,
  kCategory,
  kPrice,
  kPopular,
  kTrending,
  kNew,
  kFallback,
  kCatalog,
  kExploration,
  kPinned
};
inline constexpr std::size_t kChannels = 15;
/// Bit c set = channel c.
using ChannelSet = std::uint16_t;
static_assert(kChannels <= 16);

/// "behavior" (liked together), "content" (alike in text), "vector" (near in the vectors of tastes), "sequence" (comes after), "usercf" (liked by people alike), "tag", "category"
/// (popular in the category), "price" (popular among what costs as much), "popular", "trending", "new", "fallback:popular" (no channel of
/// the page gave anything, so it is what is popular), "fallback:catalog" (the lists were used up: any item that may be shown), "exploration" (drawn from behind to learn what visitors make of it), "pinned" (by a rule).
std::string_view channel_name(Channel channel);

/// Appends the names of a PageItem's `channels`, joined by "+".
void append_reason(std::string& out, ChannelSet channels);

/// Where an item came from: rank (from 1) and raw score in a channel; rank 0 = the channel did not give it.
struct Contribution {
  std::int32_t rank = 0;
  float score = 0;
};

struct PageItem {
  ItemIndex item = 0;
  float score = 0;             ///< in (0, 1], never rises down the page
  float propensity = 1;        ///< chance that it stands here; below 1 where exploration may have another item
  std::uint32_t row = kNoRow;  ///< of Page::rows
  static constexpr std::uint32_t kNoRow = UINT32_MAX;
  ChannelSet channels = 0;  ///< that gave the item
  std::array<Contribution, kChannels> contributions{};
};

}  // namespace lodestone::engine
