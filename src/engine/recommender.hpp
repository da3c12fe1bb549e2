#pragma once
// Request -> candidates -> scores -> page. Pure: no I/O, no clock, no thread; everything a request may see comes in as an argument, so
// the same inputs give the same page. Order of work: recall channels, fusion, one final eligibility filter, backfill to the limit.

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/ids.hpp"
#include "engine/channel.hpp"
#include "engine/filter.hpp"
#include "engine/scratch.hpp"
#include "models/release.hpp"

namespace lodestone::engine {

enum class PageKind : std::uint8_t { kSimilar, kDetail, kUser, kTrending, kSearch };

struct PageRequest {
  PageKind kind = PageKind::kSimilar;
  std::optional<ItemIndex> item;  ///< page item; similar and detail need it
  std::optional<UserId> user;     ///< unknown users are guests
  models::TrendingWindow window = models::TrendingWindow::kHour;
  std::span<const std::uint64_t> query_tokens;  ///< of search: what query_tokens() made of the text
  std::size_t limit = 10;
  std::span<const ItemId> exclude;                  ///< ids, known or not
  const Filter* filter = nullptr;                   ///< nullptr = no filter
  const models::ChannelWeights* weights = nullptr;  ///< nullptr = the release's; an experiment's variant brings its own
};

struct Page {
  std::vector<PageItem> items;
  bool user_known = false;
  std::array<std::uint32_t, kChannels> candidates{};  ///< how many each channel gave
  std::string_view degrade_reason;                    ///< "" or why the page is from a fallback
};

/// How long each channel of a request took to find its candidates and to give them their share of the score. The engine has no clock:
/// who wants to know brings one.
struct RecallTrace {
  std::uint64_t (*now)() = nullptr;                    ///< nanoseconds from any beginning; never falls
  std::array<std::uint64_t, kChannels> nanoseconds{};  ///< 0 for a channel that was not asked
};

/// Fills `page` (its memory is reused). The page never holds the page item, an unavailable, owned (user known), excluded or filtered-out
/// item, and no item twice. It is full to `limit` whenever enough eligible items exist; only search gives what matches and no more.
///
/// Fusion: a channel gives the item at `rank` of its list  weight * score/best score * (k + 1)/(k + rank),  k = 60 being the constant of
/// reciprocal rank fusion (Cormack, Clarke and Buettcher 2009). Both factors lie in (0, 1], so a channel gives at most its weight and an
/// item at most the sum of the weights, by which its score is divided. A weight of 0 switches a channel off. Pages of one channel
/// (guests, trending, search) need no weight. Backfilled items score below every ranked one.
///
/// With a `trace` the channels' times are added to it; that reads the clock four times a channel, so ask for it now and then only.
void recommend(const models::Release& release, const PageRequest& request, Scratch& scratch, Page& page,
               RecallTrace* trace = nullptr);

/// Sizes scratch and page to the release and makes some pages of each kind, so that the first request finds code and memory warm: what
/// it then allocates for pages of up to 100 items is what the thousandth does. Belongs on the thread that will make the pages, as
/// reading a search keeps memory by thread.
void warm(const models::Release& release, Scratch& scratch, Page& page);

}  // namespace lodestone::engine
