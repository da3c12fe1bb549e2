#pragma once
// Request -> candidates -> scores -> page. Pure: no I/O, no clock, no thread; everything a request may see comes in as an argument, so
// the same inputs give the same page. Order of work (docs/architecture.md): recall channels, merge, one final eligibility filter,
// backfill to the limit.

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.hpp"
#include "engine/filter.hpp"
#include "engine/scratch.hpp"
#include "models/release.hpp"

namespace lodestone::engine {

enum class PageKind : std::uint8_t { kSimilar, kDetail, kUser, kTrending, kSearch };

struct PageRequest {
  PageKind kind = PageKind::kSimilar;
  std::optional<ItemIndex> item;             ///< page item of similar and detail
  std::optional<UserId> user;                ///< unknown users are guests
  models::TrendingWindow window = models::TrendingWindow::kHour;
  std::span<const std::uint64_t> query_tokens;  ///< of search: token hashes of the query
  std::size_t limit = 10;
  std::span<const ItemId> exclude;           ///< ids, known or not
  const Filter* filter = nullptr;            ///< nullptr = no filter
};

struct Page {
  std::vector<PageItem> items;
  std::array<std::uint32_t, kChannels> candidates{};  ///< how many each channel gave
  std::string_view degrade_reason;           ///< "" or why the page is from a fallback
};

/// Fills `page` (its memory is reused). Lists are full to `limit` whenever enough eligible items exist. The page never holds the page
/// item, an unavailable, owned (user known), excluded or filtered-out item, and no item twice.
void recommend(const models::Release& release, const PageRequest& request, Scratch& scratch, Page& page);

}  // namespace lodestone::engine
