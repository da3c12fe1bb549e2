#pragma once
// Why this, why not that: a list with what stands behind each item, and where one item fell that is not on it. What GET /explain of the admin
// port and `lodestone explain` answer.

#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "engine/filter.hpp"
#include "engine/page.hpp"
#include "serving/list_limits.hpp"

namespace lodestone::serving {

/// Of user and item one at least: both ask for the page of the item as the user sees it, one alone for related items or for the user's own list.
struct ExplainOrder {
  std::optional<UserId> user;
  std::optional<ItemId> item;
  std::optional<ItemId> target;
  std::size_t limit = static_cast<std::size_t>(kDefaultLimit);
  std::optional<engine::Filter> filter;
  std::vector<ItemId> exclude;
  std::size_t vector_ef = engine::PageRequest{}.vector_ef;
  float diversity = 0;
  const engine::Rules* rules = nullptr;
};

/// Appends {"kind", "list": [{item, "channels", "features"}], "target": {"found", "dropped_by", "detail"} or null, "algorithm_version"}. dropped_by
/// is null, or "unknown", "not_available", "hidden", "page_item", "owned", "excluded", "filter", "no_channel" or "below_cut"; detail is a sentence. Throws
/// invalid_argument without user and item, not_found for an item that the release does not have. Takes memory of its own, some MiB: for people.
void append_explanation(std::string& out, const models::Release& release, const ExplainOrder& order, TimePoint now);

}  // namespace lodestone::serving
