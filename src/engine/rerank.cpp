#include "engine/rerank.hpp"

#include <algorithm>

#include "base/rng.hpp"

namespace lodestone::engine {
namespace {

constexpr float kSameCategory = 0.5F;
constexpr float kSameTags = 0.3F;
constexpr float kSameCompany = 0.2F;
/// Score of items on a page that holds only what rules pin.
constexpr float kPinnedAlone = 0.1F;
/// Candidates among which diversity looks for the next, for each place of the page.
constexpr std::size_t kDiverseDepth = 4;

/// Tags are few; each is there once.
float jaccard(std::span<const std::int32_t> a, std::span<const std::int32_t> b) {
  std::size_t n_both = 0;
  for (const std::int32_t tag : a) n_both += static_cast<std::size_t>(std::ranges::count(b, tag));
  const std::size_t n_either = a.size() + b.size() - n_both;
  return n_either == 0 ? 0 : static_cast<float>(n_both) / static_cast<float>(n_either);
}

}  // namespace

Rerank::Rerank(const models::Release& release, const PageRequest& request, Scratch& scratch)
    : release_(release), request_(request), scratch_(scratch) {
  if (request.kind == PageKind::kSimilar || request.kind == PageKind::kDetail || request.kind == PageKind::kUser) {
    diversity_ = request.diversity;
    exploration_ = request.exploration;
  }
  is_active_ = diversity_ > 0 || exploration_ > 0;
  for_each_rule([&](const Rules::Bound& rule) {
    boosts_ = boosts_ || !rule.boosts.empty();
    buries_ = buries_ || rule.buries;
    is_active_ = is_active_ || boosts_ || buries_ || !rule.pins.empty() || !rule.quotas.empty();
  });
}

bool Rerank::is_buried(ItemIndex item) const {
  bool buried = false;
  for_each_rule([&](const Rules::Bound& rule) { buried = buried || (rule.buries && rule.buried.contains(item)); });
  return buried;
}

void Rerank::choose(std::size_t limit, const Eligibility& eligible) {
  scratch_.chosen.clear();
  if (boosts_) boost();
  if (buries_) bury();
  diversity_ > 0 ? take_diverse(limit) : take(limit);
  pin(limit, eligible);
  if (exploration_ > 0) explore();
  settle_scores();
}

void Rerank::boost() {
  for (Ordered& one : scratch_.ordered) {
    float factor = 1;
    for_each_rule([&](const Rules::Bound& rule) {
      for (const Rules::BoundBoost& boost : rule.boosts) {
        if (boost.items.contains(one.item)) factor *= boost.factor;
      }
    });
    if (factor != 1) one.score = factor * one.score / (1 - one.score + factor * one.score);
  }
  // Equal scores keep their order.
  std::ranges::stable_sort(scratch_.ordered, std::greater<>(), &Ordered::score);
}

void Rerank::bury() {
  const auto is_good = [this](const Ordered& one) { return !is_buried(one.item); };
  const auto rest = std::ranges::stable_partition(scratch_.ordered, is_good);
  if (request_.kind != PageKind::kSearch) scratch_.ordered.erase(rest.begin(), rest.end());  // others fill the page up
}

bool Rerank::is_over_quota(ItemIndex item) const {
  const models::Catalog& catalog = release_.catalog;
  bool over = false;
  for_each_rule([&](const Rules::Bound& rule) {
    for (const Quota& quota : rule.quotas) {
      const auto number = [&](ItemIndex of) {
        return quota.by == QuotaField::kCompany ? catalog.company_number(of) : catalog.category_number(of);
      };
      const auto n = std::ranges::count_if(scratch_.chosen, [&](const Ordered& one) { return number(one.item) == number(item); });
      over = over || static_cast<std::size_t>(n) >= quota.most;
    }
  });
  return over;
}

void Rerank::take(std::size_t limit) {
  for (Ordered& one : scratch_.ordered) {
    if (scratch_.chosen.size() >= limit) break;
    if (is_over_quota(one.item)) continue;
    one.is_taken = true;
    scratch_.chosen.push_back(one);
  }
}

void Rerank::take_diverse(std::size_t limit) {
  const auto among = std::span(scratch_.ordered).first(std::min(scratch_.ordered.size(), kDiverseDepth * limit));
  if (among.empty()) return;
  const float best = among.front().score;
  for (Ordered& one : among) one.nearness = 0;
  while (scratch_.chosen.size() < limit) {
    Ordered* next = nullptr;
    float most = 0;
    for (Ordered& one : among) {
      if (one.is_taken || is_over_quota(one.item)) continue;
      const float value = (1 - diversity_) * (best > 0 ? one.score / best : 0) - diversity_ * one.nearness;
      if (next != nullptr && value <= most) continue;
      next = &one;
      most = value;
    }
    if (next == nullptr) break;
    next->is_taken = true;
    scratch_.chosen.push_back(*next);
    for (Ordered& one : among) {
      if (!one.is_taken) one.nearness = std::max(one.nearness, similarity(one.item, next->item));
    }
  }
}

float Rerank::similarity(ItemIndex a, ItemIndex b) const {
  const models::Catalog& catalog = release_.catalog;
  // What neither has is nothing in common.
  const bool category = !catalog.category(a).empty() && catalog.category_number(a) == catalog.category_number(b);
  const bool company = !catalog.company(a).empty() && catalog.company_number(a) == catalog.company_number(b);
  return (category ? kSameCategory : 0) + kSameTags * jaccard(catalog.tags(a), catalog.tags(b)) + (company ? kSameCompany : 0);
}

void Rerank::pin(std::size_t limit, const Eligibility& eligible) {
  auto& chosen = scratch_.chosen;
  for_each_rule([&](const Rules::Bound& rule) {
    for (const Rules::BoundPin& pin : rule.pins) {
      if (!eligible(pin.item)) continue;
      Ordered pinned{.item = pin.item, .score = 0, .row = Ordered::kNoRow, .is_pinned = true};
      for (Ordered& one : scratch_.ordered) {
        if (one.item != pin.item) continue;
        one.is_taken = true;
        pinned.score = one.score;
        pinned.row = one.row;
      }
      std::erase_if(chosen, [&](const Ordered& one) { return one.item == pin.item; });
      // What is pinned already keeps its place: the rule that comes first in the file wins.
      std::size_t place = std::min(pin.position - 1, chosen.size());
      while (place < chosen.size() && chosen[place].is_pinned) ++place;
      chosen.insert(chosen.begin() + static_cast<std::ptrdiff_t>(place), pinned);
    }
  });
  while (chosen.size() > limit) {  // the last that nobody pinned goes
    const auto last = std::find_if(chosen.rbegin(), chosen.rend(), [](const Ordered& one) { return !one.is_pinned; });
    chosen.erase(last == chosen.rend() ? chosen.end() - 1 : std::prev(last.base()));
  }
}

void Rerank::explore() {
  auto& chosen = scratch_.chosen;
  if (chosen.size() < kExploreFrom) return;
  const auto is_open = [](const Ordered& one) { return !one.is_pinned; };
  const auto n_places = static_cast<std::uint64_t>(std::count_if(chosen.begin() + 1, chosen.end(), is_open));
  std::uint64_t n_among = 0;
  for (const Ordered& one : scratch_.ordered) n_among += !one.is_taken && n_among < kExploreAmong ? 1U : 0U;
  if (n_places == 0 || n_among == 0) return;
  const double chance = exploration_;
  for (Ordered& one : std::span(chosen).subspan(1)) {
    if (is_open(one)) one.propensity = static_cast<float>(1 - chance / static_cast<double>(n_places));
  }
  Rng rng(request_.seed);
  if (!rng.chance(chance)) return;
  std::uint64_t place = rng.below(n_places);
  std::uint64_t drawn = rng.below(n_among);
  const auto explored = std::ranges::find_if(scratch_.ordered, [&](const Ordered& one) { return !one.is_taken && drawn-- == 0; });
  const auto given =
      std::find_if(chosen.begin() + 1, chosen.end(), [&](const Ordered& one) { return is_open(one) && place-- == 0; });
  *given = *explored;
  given->is_explored = true;
  given->propensity = static_cast<float>(chance / static_cast<double>(n_places * n_among));
}

void Rerank::settle_scores() {
  auto& chosen = scratch_.chosen;
  auto& scores = scratch_.place_scores;
  scores.clear();
  for (const Ordered& one : chosen) {
    if (one.score > 0) scores.push_back(one.score);  // what is pinned without being a candidate has none
  }
  if (scores.empty()) scores.push_back(kPinnedAlone);
  std::ranges::sort(scores, std::greater<>());
  for (std::size_t place = 0; place < chosen.size(); ++place) chosen[place].score = scores[std::min(place, scores.size() - 1)];
}

}  // namespace lodestone::engine
