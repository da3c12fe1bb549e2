#pragma once
// "Why not that": what became of one item while a page was made. For people, not for the request path: it makes the page anew and looks at
// every candidate.

#include <array>
#include <cstdint>
#include <optional>

#include "engine/page.hpp"
#include "engine/scratch.hpp"
#include "models/release.hpp"

namespace lodestone::engine {

/// The first reason that holds, in this order.
enum class Fate : std::uint8_t {
  kShown,
  kUnavailable,  ///< withdrawn, or not published
  kHidden,       ///< by a rule
  kPageItem,
  kOwned,  ///< by the user
  kExcluded,
  kFiltered,
  kNoChannel,  ///< it may be shown, and no list that took part has it
  kBelowCut,   ///< it was a candidate, and others were better
};

struct TargetExplanation {
  Fate fate = Fate::kShown;
  std::size_t place = 0;  ///< on the page, from 1; 0 unless it is shown
  /// Place and raw score in the whole list of each channel that was asked, beyond where lists are cut; of a search among vectors as far as it went.
  std::array<Contribution, kChannels> channels{};
  bool is_in_history = false;  ///< of the visitor: channels that a history speaks through leave it out
  std::size_t fused_rank = 0;  ///< among the candidates that may be shown, from 1; 0 = no candidate
  float fused_score = 0;
  std::size_t ranked_place = 0;  ///< by the ranker, from 1; 0 = no ranker saw it
  float ranked_score = 0;        ///< as an item's score
  float last_score = 0;          ///< of the last item on the page, 0 when it is empty
};

/// Makes the page of `request` as recommend() does and says where `target` fell. Pure, as recommend() is.
TargetExplanation explain_target(const models::Release& release, const PageRequest& request, ItemIndex target, Scratch& scratch,
                                 Page& page);

/// Whether it may not stand on the page whatever the channels say, and why.
std::optional<Fate> find_obstacle(const models::Release& release, const PageRequest& request, ItemIndex target);

}  // namespace lodestone::engine
