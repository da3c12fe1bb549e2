#pragma once
// The last stage before a page: rules, diversity and exploration choose among the ordered candidates.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "engine/eligibility.hpp"
#include "engine/page.hpp"
#include "engine/scratch.hpp"
#include "models/release.hpp"

namespace lodestone::engine {

/// Pages shorter than this do not explore.
inline constexpr std::size_t kExploreFrom = 5;
/// Candidates behind the page from which exploration draws.
inline constexpr std::size_t kExploreAmong = 50;

/// For one request; diversity and exploration are for pages of related items and for users. In order:
/// 1. boosts: a factor f makes of the score s  f s / (1 - s + f s), that is f times its odds: monotone, inside (0, 1), and 1 changes nothing;
/// 2. buried items leave; on a search they go to the end;
/// 3. the best are taken one by one, those over a quota passed over; with a diversity d in (0, 1] the next is, among the first 4 * limit, the one with
///    the largest  (1 - d) s / best s - d max similarity to those taken  (maximal marginal relevance, Carbonell and Goldstein 1998), where two
///    items are as similar as half for the same category, 0.3 by the Jaccard index of their tags and 0.2 for the same company;
/// 4. pins take their places, where the item may be shown;
/// 5. exploration: with the chance e one of the places from the second on that no pin holds, each as likely, is given to one of the next
///    kExploreAmong candidates, each as likely. Each item's propensity is the chance that it stood there, given the candidates;
/// 6. scores belong to places: the largest of the page to the first, and so on down; the last again where pinned items have none.
class Rerank {
 public:
  Rerank(const models::Release& release, const PageRequest& request, Scratch& scratch);

  /// Whether it would change anything; if not, nothing else needs to be called.
  [[nodiscard]] bool is_active() const { return is_active_; }
  [[nodiscard]] bool buries() const { return buries_; }
  [[nodiscard]] bool is_buried(ItemIndex item) const;
  /// Takes scratch.ordered, the eligible candidates by falling score, and leaves the chosen, at most `limit`, in scratch.chosen.
  void choose(std::size_t limit, const Eligibility& eligible);

 private:
  template <typename Use>
  void for_each_rule(const Use& use) const {
    if (request_.rules == nullptr) return;
    for (const Rules::Bound& rule : request_.rules->all()) {
      if (rule.applies(request_.kind, request_.item)) use(rule);
    }
  }
  void boost();
  void bury();
  void take(std::size_t limit);
  void take_diverse(std::size_t limit);
  [[nodiscard]] bool is_over_quota(ItemIndex item) const;
  [[nodiscard]] float similarity(ItemIndex a, ItemIndex b) const;
  void pin(std::size_t limit, const Eligibility& eligible);
  void explore();
  void settle_scores();

  const models::Release& release_;
  const PageRequest& request_;
  Scratch& scratch_;
  float diversity_ = 0;
  double exploration_ = 0;
  bool is_active_ = false;
  bool boosts_ = false;
  bool buries_ = false;
};

}  // namespace lodestone::engine
