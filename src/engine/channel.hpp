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
enum class Channel : std::uint8_t { kBehavior, kContent, kPopular, kTrending, kCategory, kFallback, kCatalog };
inline constexpr std::size_t kChannels = 7;

/// "behavior", "content", "popular", "trending", "category" (popular in the page item's category), "fallback:popular" (no channel of the
/// page gave anything, so it is what is popular), "fallback:catalog" (the lists were used up: any item that may be shown).
std::string_view channel_name(Channel channel);

/// Appends the names of a PageItem's `channels`, joined by "+".
void append_reason(std::string& out, std::uint8_t channels);

/// Where an item came from: rank (from 1) and raw score in a channel; rank 0 = the channel did not give it.
struct Contribution {
  std::int32_t rank = 0;
  float score = 0;
};

struct PageItem {
  ItemIndex item = 0;
  float score = 0;            ///< in (0, 1], never rises down the page
  std::uint8_t channels = 0;  ///< bit c set = channel c gave the item
  std::array<Contribution, kChannels> contributions{};
};

}  // namespace lodestone::engine
