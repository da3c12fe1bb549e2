#include "engine/recommender.hpp"

#include <algorithm>
#include <cmath>

namespace lodestone::engine {
namespace {

using models::NeighbourRow;
using models::Release;

/// Candidates that one channel may bring to the merge.
constexpr std::size_t kChannelDepth = 300;
/// Items of a history that the content channel looks at, newest first.
constexpr std::size_t kContentHistory = 10;
/// Share of the visitor's history beside the page's item on a detail page. Ours: the page is what the visitor looks at now.
constexpr float kHistoryShare = 0.5F;
/// Constant of reciprocal rank fusion (Cormack, Clarke and Buettcher 2009).
constexpr float kRankConstant = 60.0F;

/// One page under construction.
class PageMaker {
 public:
  PageMaker(const Release& release, const PageRequest& request, Scratch& scratch, Page& page)
      : release_(release), request_(request), scratch_(scratch), page_(page) {
    page_.items.clear();
    page_.candidates.fill(0);
    page_.degrade_reason = {};
    scratch_.candidates.clear();
    scratch_.places.begin(release.catalog.n_items());
    scratch_.blocked.begin(release.catalog.n_items());
    if (request.user) user_ = release.users.find(*request.user);
    total_weight_ = static_cast<float>(release.weights.behavior + release.weights.content + release.weights.popular);
    block();
  }

  void run() {
    switch (request_.kind) {
      case PageKind::kSimilar:
      case PageKind::kDetail: related(); break;
      case PageKind::kUser: personal(); break;
      case PageKind::kTrending: single(Channel::kTrending, trending_row()); break;
      case PageKind::kSearch: search(); break;
    }
    const bool any = !scratch_.candidates.empty();
    rank();
    if (request_.kind == PageKind::kTrending || request_.kind == PageKind::kSearch) return;
    backfill(any || request_.kind == PageKind::kUser ? Channel::kPopular : Channel::kFallback);
    if (!any && request_.kind != PageKind::kUser) page_.degrade_reason = "no_candidates";
  }

 private:
  /// What may not be shown, but for the filter and availability, which are asked when an item is about to be placed.
  void block() {
    if (request_.item) scratch_.blocked.insert(*request_.item);
    for (const ItemId id : request_.exclude) {
      if (const auto item = release_.catalog.find(id)) scratch_.blocked.insert(*item);
    }
    if (user_) {
      for (const ItemIndex item : release_.users.owned(*user_)) scratch_.blocked.insert(item);
    }
  }

  [[nodiscard]] bool eligible(ItemIndex item) const {
    return !scratch_.blocked.contains(item) && release_.catalog.is_available(item) &&
           (request_.filter == nullptr || request_.filter->matches(release_.catalog, item));
  }

  /// Gives one candidate of a channel its share of the fused score: weight * score/best * 61/(60 + rank). Both factors lie in (0, 1], so
  /// a channel never gives more than its weight, and the sum over channels never exceeds the sum of the weights.
  void merge(Channel channel, float weight, ItemIndex item, std::int32_t rank, float score, float best) {
    if (weight <= 0 || !(score > 0)) return;
    PageItem* candidate = nullptr;
    if (scratch_.places.insert(item)) {
      // A float holds every whole number up to 2^24, and a page has a few hundred candidates.
      scratch_.places.set(item, static_cast<float>(scratch_.candidates.size()));
      candidate = &scratch_.candidates.emplace_back();
      candidate->item = item;
    } else {
      candidate = &scratch_.candidates[static_cast<std::size_t>(scratch_.places.sum(item))];
    }
    const auto c = static_cast<std::size_t>(channel);
    candidate->score += weight * (score / best) * (kRankConstant + 1) / (kRankConstant + static_cast<float>(rank));
    candidate->channels = static_cast<std::uint8_t>(candidate->channels | 1U << c);
    candidate->contributions[c] = {rank, score};
    ++page_.candidates[c];
  }

  void add_row(Channel channel, double weight, const NeighbourRow& row) {
    const std::size_t n = std::min(row.items.size(), kChannelDepth);
    for (std::size_t k = 0; k < n; ++k) {
      merge(channel, static_cast<float>(weight), row.items[k], static_cast<std::int32_t>(k + 1), row.scores[k], row.scores[0]);
    }
  }

  /// Ranks what scratch.sums holds and merges the best of it.
  void add_sums(Channel channel, double weight) {
    const ItemSums& sums = scratch_.sums;
    auto& order = scratch_.order;
    order.assign(sums.items().begin(), sums.items().end());
    const auto better = [&](ItemIndex a, ItemIndex b) { return sums.sum(a) != sums.sum(b) ? sums.sum(a) > sums.sum(b) : a < b; };
    const std::size_t n = std::min(order.size(), kChannelDepth);
    std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(n), order.end(), better);
    for (std::size_t k = 0; k < n; ++k) {
      merge(channel, static_cast<float>(weight), order[k], static_cast<std::int32_t>(k + 1), sums.sum(order[k]), sums.sum(order[0]));
    }
  }

  static void add_scaled(ItemSums& sums, const NeighbourRow& row, float scale) {
    for (std::size_t k = 0; k < row.items.size(); ++k) sums.add(row.items[k], scale * row.scores[k]);
  }

  /// Sum over the history; the weights are scaled so that the largest is 1.
  void sum_behavior_history(float share) {
    const auto history = release_.users.history(*user_);
    const auto weights = release_.users.history_weights(*user_);
    float largest = 0;
    for (const float weight : weights) largest = std::max(largest, weight);
    if (!(largest > 0)) return;
    for (std::size_t h = 0; h < history.size(); ++h) {
      add_scaled(scratch_.sums, release_.behavior_influence.row(history[h]), share * weights[h] / largest);
    }
  }

  void sum_content_history(float share) {
    const auto history = release_.users.history(*user_);
    const std::size_t n = std::min(history.size(), kContentHistory);
    for (std::size_t h = 0; h < n; ++h) {
      const NeighbourRow row = release_.content.row(history[h]);
      if (!row.items.empty()) add_scaled(scratch_.sums, row, share / static_cast<float>(h + 1) / row.scores[0]);
    }
  }

  [[nodiscard]] bool has_history() const { return user_ && !release_.users.history(*user_).empty(); }

  /// similar and detail: what belongs to the page's item; on a detail page also what belongs to the visitor.
  void related() {
    const NeighbourRow behavior = release_.behavior.row(*request_.item);
    const NeighbourRow content = release_.content.row(*request_.item);
    if (request_.kind == PageKind::kSimilar || !has_history()) {
      add_row(Channel::kBehavior, release_.weights.behavior, behavior);
      add_row(Channel::kContent, release_.weights.content, content);
      return;
    }
    scratch_.sums.begin(release_.catalog.n_items());
    if (!behavior.items.empty()) add_scaled(scratch_.sums, behavior, 1 / behavior.scores[0]);
    sum_behavior_history(kHistoryShare);
    add_sums(Channel::kBehavior, release_.weights.behavior);
    scratch_.sums.begin(release_.catalog.n_items());
    if (!content.items.empty()) add_scaled(scratch_.sums, content, 1 / content.scores[0]);
    sum_content_history(kHistoryShare);
    add_sums(Channel::kContent, release_.weights.content);
  }

  /// A known user's history; a guest, and a user without history, get what is popular.
  void personal() {
    if (has_history()) {
      scratch_.sums.begin(release_.catalog.n_items());
      sum_behavior_history(1);
      add_sums(Channel::kBehavior, release_.weights.behavior);
      scratch_.sums.begin(release_.catalog.n_items());
      sum_content_history(1);
      add_sums(Channel::kContent, release_.weights.content);
      add_row(Channel::kPopular, release_.weights.popular, release_.popular.row(0));
    } else {
      single(Channel::kPopular, release_.popular.row(0));
    }
  }

  /// A page of one channel alone: its weight is all there is.
  void single(Channel channel, const NeighbourRow& row) { add_row(channel, total_weight_ > 0 ? total_weight_ : 1, row); }

  [[nodiscard]] NeighbourRow trending_row() const { return release_.trending.row(static_cast<std::size_t>(request_.window)); }

  /// Sum of the weights of the query's tokens; nothing to look for gives what is popular.
  void search() {
    if (request_.query_tokens.empty()) {
      single(Channel::kPopular, release_.popular.row(0));
      backfill_after_rank_ = true;
      return;
    }
    scratch_.sums.begin(release_.catalog.n_items());
    const models::TextIndex& index = release_.text;
    for (const std::uint64_t token : request_.query_tokens) {
      const auto it = std::lower_bound(index.tokens.begin(), index.tokens.end(), token);
      if (it == index.tokens.end() || *it != token) continue;
      const auto t = static_cast<std::size_t>(it - index.tokens.begin());
      for (std::uint64_t p = index.offsets[t]; p < index.offsets[t + 1]; ++p) scratch_.sums.add(index.items[p], index.weights[p]);
    }
    add_sums(Channel::kContent, total_weight_ > 0 ? total_weight_ : 1);
  }

  /// Drops what may not be shown, orders the rest and places the best.
  void rank() {
    auto& candidates = scratch_.candidates;
    std::erase_if(candidates, [&](const PageItem& candidate) { return !eligible(candidate.item); });
    const std::size_t n = std::min(request_.limit, candidates.size());
    std::partial_sort(candidates.begin(), candidates.begin() + static_cast<std::ptrdiff_t>(n), candidates.end(),
                      [](const PageItem& a, const PageItem& b) { return a.score != b.score ? a.score > b.score : a.item < b.item; });
    const float scale = total_weight_ > 0 ? 1 / total_weight_ : 1;
    for (std::size_t k = 0; k < n; ++k) {
      PageItem& item = candidates[k];
      item.score = std::min(1.0F, item.score * scale);
      page_.items.push_back(item);
      scratch_.blocked.insert(item.item);
    }
    if (backfill_after_rank_) backfill(Channel::kPopular);
  }

  /// Fills the page to its limit: popular in the page item's category, popular, then any eligible item; scores go on falling.
  void backfill(Channel reason) {
    if (page_.items.size() >= request_.limit) return;
    if (request_.item) fill_from(reason, release_.popular_by_category.row(static_cast<std::size_t>(release_.catalog.category_number(*request_.item))).items);
    fill_from(reason, release_.popular.row(0).items);
    const auto n = static_cast<ItemIndex>(release_.catalog.n_items());
    for (ItemIndex item = 0; item < n && page_.items.size() < request_.limit; ++item) place(reason, item);
  }

  void fill_from(Channel reason, std::span<const ItemIndex> items) {
    for (const ItemIndex item : items) {
      if (page_.items.size() >= request_.limit) return;
      place(reason, item);
    }
  }

  void place(Channel reason, ItemIndex item) {
    if (!eligible(item)) return;
    scratch_.blocked.insert(item);
    PageItem placed;
    placed.item = item;
    // Each backfilled item scores a little below the one before it, whatever that one's channel was.
    placed.score = page_.items.empty() ? 0.1F : page_.items.back().score * 0.95F;
    placed.channels = static_cast<std::uint8_t>(1U << static_cast<unsigned>(reason));
    ++filled_;
    placed.contributions[static_cast<std::size_t>(reason)] = {filled_, placed.score};
    ++page_.candidates[static_cast<std::size_t>(reason)];
    page_.items.push_back(placed);
  }

  const Release& release_;
  const PageRequest& request_;
  Scratch& scratch_;
  Page& page_;
  std::optional<std::size_t> user_;
  float total_weight_ = 0;
  std::int32_t filled_ = 0;
  bool backfill_after_rank_ = false;
};

}  // namespace

std::string_view channel_name(Channel channel) {
  switch (channel) {
    case Channel::kBehavior: return "behavior";
    case Channel::kContent: return "content";
    case Channel::kPopular: return "popular";
    case Channel::kTrending: return "trending";
    case Channel::kFallback: return "fallback:popular";
  }
  return "";
}

void recommend(const Release& release, const PageRequest& request, Scratch& scratch, Page& page) {
  PageMaker(release, request, scratch, page).run();
}

}  // namespace lodestone::engine
