#pragma once
// Request -> candidates -> scores -> page. Pure: no I/O, no clock, no thread; everything a request may see comes in as an argument, so
// the same inputs give the same page. Order of work (docs/architecture.md): recall channels, merge, one final eligibility filter,
// backfill to the limit.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.hpp"
#include "engine/filter.hpp"
#include "models/release.hpp"

namespace lodestone::engine {

/// Recall channels, in the order in which `reason` names them. The numbers index arrays.
enum class Channel : std::uint8_t { kBehavior, kContent, kPopular, kTrending, kFallback };
inline constexpr std::size_t kChannels = 5;
/// "behavior", "content", "popular", "trending", "fallback:popular".
std::string_view channel_name(Channel channel);

enum class PageKind : std::uint8_t { kSimilar, kDetail, kUser, kTrending, kSearch };

struct PageRequest {
  PageKind kind = PageKind::kSimilar;
  std::optional<ItemIndex> item;             ///< page item of similar and detail
  std::optional<UserId> user;                ///< unknown users are guests
  models::TrendingWindow window = models::TrendingWindow::kHour;
  std::string_view query;                    ///< of search
  std::size_t limit = 10;
  std::span<const ItemId> exclude;           ///< ids, known or not
  const Filter* filter = nullptr;            ///< nullptr = no filter
};

/// Where an item came from: rank (from 1) and raw score in a channel; rank 0 = the channel did not give it.
struct Contribution {
  std::int32_t rank = 0;
  float score = 0;
};

struct PageItem {
  ItemIndex item = 0;
  float score = 0;                 ///< never rises down the page
  std::uint8_t channels = 0;       ///< bit c set = channel c gave the item
  Contribution contributions[kChannels];
};

struct Page {
  std::vector<PageItem> items;
  bool user_known = false;
  std::uint32_t candidates[kChannels] = {};  ///< how many each channel gave
  std::string_view degrade_reason;           ///< "" or why the page is from a fallback
};

/// Memory of one thread, reused by its requests; sized to the release on first use.
class Scratch;

/// Fills `page` (its memory is reused). Lists are full to `limit` whenever enough eligible items exist. The page never holds the page
/// item, an unavailable, owned (user known), excluded or filtered-out item, and no item twice.
void recommend(const models::Release& release, const PageRequest& request, Scratch& scratch, Page& page);

}  // namespace lodestone::engine

#include "engine/scratch.hpp"  // IWYU pragma: export
