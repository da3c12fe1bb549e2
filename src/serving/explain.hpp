#pragma once
// Why this, why not that: a list with what stands behind each item, and where one item fell that is not on it. What GET /explain of the admin
// port and `lodestone explain` answer.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "engine/explanation.hpp"
#include "engine/filter.hpp"
#include "engine/page.hpp"
#include "engine/scratch.hpp"
#include "serving/list_limits.hpp"

namespace lodestone::serving {

/// Of user and item one at least: an item with a user or a visitor asks for its page as they see it, one alone for related items or for the user's
/// own list.
struct ExplainOrder {
  std::optional<UserId> user;
  std::string visitor;  ///< "" = not named
  std::optional<ItemId> item;
  std::optional<ItemId> target;
  std::size_t limit = static_cast<std::size_t>(kDefaultLimit);
  std::optional<engine::Filter> filter;
  std::vector<ItemId> exclude;

  [[nodiscard]] engine::PageKind kind() const {
    if (!item) return engine::PageKind::kUser;
    return user || !visitor.empty() ? engine::PageKind::kDetail : engine::PageKind::kSimilar;
  }
};

/// The page that is asked about, in which the caller sets what else its list is made from: tuning, rules, what the visitor did. Points into the order.
/// Throws invalid_argument without user and item, not_found for an item that the release does not have.
engine::PageRequest explained_page(const models::Release& release, const ExplainOrder& order, TimePoint now);

/// A page and what became of one item. Takes memory of its own, some MiB: for people.
class Explanation {
 public:
  explicit Explanation(std::optional<ItemId> target) : target_(target) {}

  /// Makes the page. It may be made again, in the memory of the first time.
  void make(const models::Release& release, const engine::PageRequest& request);
  /// Says in each reason that a channel was late.
  void mark_bundle_only();
  /// Who was dealt what; as it is without experiments and trials unless told.
  void set_variants(std::string_view variant, std::string_view experiment_variant) {
    variant_ = variant;
    experiment_variant_ = experiment_variant;
  }

  /// Appends {"kind", "list": [{item, "channels", "features"}], "target": {"found", "dropped_by", "detail"} or null, "algorithm_version", "variant",
  /// "experiment_variant"} of the page made last. dropped_by is null, or "unknown", "not_available", "hidden", "page_item", "owned", "excluded",
  /// "filter", "no_channel" or "below_cut"; detail is a sentence.
  void append(std::string& out, const models::Release& release, const engine::PageRequest& request) const;

 private:
  std::optional<ItemId> target_;
  std::optional<ItemIndex> item_;  ///< the target in the release
  engine::Scratch scratch_;
  engine::Page page_;
  engine::TargetExplanation told_;
  std::string variant_ = "primary";
  std::string experiment_variant_ = "control";
};

}  // namespace lodestone::serving
