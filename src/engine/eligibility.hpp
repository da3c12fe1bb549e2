#pragma once
// The one place that decides whether an item may stand on a page.

#include <cstddef>
#include <optional>

#include "engine/page.hpp"
#include "engine/scratch.hpp"
#include "models/release.hpp"

namespace lodestone::engine {

/// For one request; what it has to remember lies in the scratch.
class Eligibility {
 public:
  /// `user` is the request's place among the release's users, none for a guest.
  Eligibility(const models::Release& release, const PageRequest& request, std::optional<std::size_t> user, Scratch& scratch)
      : release_(release), rules_(request.rules), filtered_(request.filter != nullptr), scratch_(scratch) {
    scratch.blocked.begin(release.catalog.n_items());
    if (filtered_) scratch.filter.bind(*request.filter, release.catalog);
    if (request.item) block(*request.item);
    for (const ItemId id : request.exclude) {
      if (const auto item = release.catalog.find(id)) block(*item);
    }
    for (const ItemIndex item : request.owned) block(item);
    if (!user) return;
    for (const ItemIndex item : release.users.owned(*user)) block(item);
  }

  /// Not blocked; then availability, rules and the filter, which cost more.
  [[nodiscard]] bool operator()(ItemIndex item) const {
    return !scratch_.blocked.contains(item) && release_.catalog.is_available(item) &&
           (rules_ == nullptr || !rules_->is_hidden(item)) && (!filtered_ || scratch_.filter.matches(item));
  }

  /// The item may not come (again).
  void block(ItemIndex item) { scratch_.blocked.insert(item); }

 private:
  const models::Release& release_;
  const Rules* rules_;
  bool filtered_;
  Scratch& scratch_;
};

}  // namespace lodestone::engine
