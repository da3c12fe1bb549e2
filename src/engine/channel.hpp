#pragma once
// The recall channels, by the names that `reason` and the metrics use.

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
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
  kPinned,
  kBundleOnly,
  kPartial,
  kUnranked,
  kExternal  ///< the first of kExternalChannels whose lists come with the request; their names do, too
};
/// Channels with a fixed name, and channels whose lists come with the request.
inline constexpr std::size_t kOwnChannels = 18;
inline constexpr std::size_t kExternalChannels = 4;
inline constexpr std::size_t kChannels = kOwnChannels + kExternalChannels;
/// Items of an external list that take part in the fusion.
inline constexpr std::size_t kExternalDepth = 100;
static_assert(static_cast<std::size_t>(Channel::kExternal) == kOwnChannels);
/// The last three of the engine's own say something of the whole page and give no item.
inline constexpr bool gives_items(Channel channel) { return channel < Channel::kBundleOnly || channel >= Channel::kExternal; }
/// Bit c set = channel c.
using ChannelSet = std::uint32_t;
static_assert(kChannels <= 32);

/// "behavior" (liked together), "content" (alike in text), "vector" (near in the vectors of tastes), "sequence" (comes after), "usercf" (liked by people alike), "tag", "category"
/// (popular in the category), "price" (popular among what costs as much), "popular", "trending", "new", "fallback:popular" (no channel of
/// the page gave anything, so it is what is popular), "fallback:catalog" (the lists were used up: any item that may be shown), "exploration" (drawn from behind to learn what visitors make of it), "pinned" (by a rule),
/// "fallback:bundle" (a channel that the page should have heard was late, so it is from the bundle alone), "fallback:partial" (the deadline of the request passed before every channel and the ranker had spoken, so it is from what was
/// there), "fallback:recall" (a ranker should have put the page in order, and it failed, took too long or was left out as it kept failing). An external channel is called as `external_names`
/// says, "external" without a name.
std::string_view channel_name(Channel channel, std::span<const std::string> external_names = {});

/// Appends the names of a PageItem's `channels`, joined by "+".
void append_reason(std::string& out, ChannelSet channels, std::span<const std::string> external_names = {});

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
