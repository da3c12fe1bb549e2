#pragma once
// What is asked of the engine and what it answers with.

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/breaker.hpp"
#include "base/ids.hpp"
#include "engine/channel.hpp"
#include "engine/deadline.hpp"
#include "engine/filter.hpp"
#include "engine/rules.hpp"
#include "features/online_state.hpp"
#include "features/vectorizer.hpp"
#include "models/release.hpp"

namespace lodestone::engine {

/// What a channel outside of the engine gave for a request, best first: fused like the engine's own.
struct ExternalList {
  std::size_t number = 0;  ///< below kExternalChannels, by which its name and its weight in answers are known
  float weight = 0;
  std::span<const ItemIndex> items;  ///< the first kExternalDepth count
  std::span<const float> scores;     ///< of each, above 0, never rising
};

struct PageRequest {
  PageKind kind = PageKind::kSimilar;
  std::optional<ItemIndex> item;  ///< page item; similar and detail need it
  std::optional<UserId> user;     ///< unknown users are guests
  /// What the visitor did since the release was made, newest first; it stands before the user's history, and is all that a guest has.
  std::span<const ItemIndex> recent;
  std::span<const ItemIndex> owned;  ///< bought since the release was made, besides what it knows; never on the page
  models::TrendingWindow window = models::TrendingWindow::kHour;
  const models::RankedLists* trending = nullptr;  ///< what is hot by window; nullptr = as the release has it
  std::span<const std::uint64_t> query_tokens;    ///< of search: what query_tokens() made of the text
  std::size_t limit = 10;
  std::size_t vector_ef = 64;       ///< nodes kept in the search for vectors: more finds more, in proportion to the time
  std::span<const ItemId> exclude;  ///< ids, known or not
  const Filter* filter = nullptr;   ///< nullptr = no filter
  const models::ChannelWeights* weights = nullptr;  ///< nullptr = the release's; an experiment's variant brings its own
  const Rules* rules = nullptr;                     ///< nullptr = none
  /// Of pages of related items and for users; at most one list of each number, in the order of their numbers.
  std::span<const ExternalList> external;
  std::span<const std::string> external_names;  ///< by number
  float diversity = 0;                          ///< 0..1, of pages of related items and for users; 0 = by score alone
  float exploration = 0;   ///< 0..1, of the same pages: the chance that one place goes to a candidate from behind
  std::uint64_t seed = 0;  ///< of exploration
  /// Features that have moved since the release was made, as of `now`; nullptr = as it has them. Nobody may change them meanwhile.
  const features::OnlineState* online = nullptr;
  TimePoint now{};
  features::RequestValues values;  ///< what the request says of itself, for the ranker; the endpoint follows from `kind`
  bool with_ranker = true;         ///< false: as recall has it
  bool with_rows = false;          ///< keep the features of the items on the page
  Deadline deadline = {};          ///< once it has passed, what still has to be computed is left out (Page::is_cut)
  /// What ranking may take of it, its features included; what takes longer is left out (Page::unranked).
  std::uint64_t ranking_nanoseconds = UINT64_MAX;
  /// Asked before the rankers are and told how it went, by the deadline's clock, which it needs; nullptr = they are always asked. Shared by requests.
  Breaker* ranking_breaker = nullptr;
};

/// Why a page that a ranker should have put in order is as recall has it. The numbers index arrays.
enum class Unranked : std::uint8_t {
  kNot,     ///< it is in order, needs no ranker, or is_cut
  kFailed,  ///< no ranker of the release gave finite scores
  kLate,    ///< ranking took longer than PageRequest::ranking_nanoseconds
  kOpen,    ///< the breaker is open: it failed or was late too often
};
inline constexpr std::size_t kUnranked = 4;

struct Page {
  std::vector<PageItem> items;
  bool user_known = false;
  std::array<std::uint32_t, kChannels> candidates{};  ///< how many each channel gave
  std::string_view degrade_reason;                    ///< "" or why the page is from a fallback
  bool is_cut = false;                                ///< the deadline passed, and something was left out
  std::span<const std::string> external_names;        ///< the request's
  const models::Ranker* ranker = nullptr;             ///< who put the items in order; null = recall
  std::uint32_t n_failed_rankers = 0;                 ///< preferred ones that could not
  Unranked unranked = Unranked::kNot;
  std::uint32_t n_ranked = 0;  ///< candidates that the ranker saw
  std::vector<float>
      rows;  ///< with_rows: features of the first items, row by row, as the ranker saw them; backfilled items have none
};

/// Whether the request's time is up, which the page then says.
inline bool is_over(const PageRequest& request, Page& page) {
  page.is_cut = page.is_cut || request.deadline.has_passed();
  return page.is_cut;
}

}  // namespace lodestone::engine
