#include "engine/recall.hpp"

#include <algorithm>
#include <cmath>

#include "base/error.hpp"

namespace lodestone::engine {
namespace {

using models::NeighbourRow;

/// Items of a history that the channels of content, tags, categories and prices look at, newest first.
constexpr std::size_t kRecentHistory = 10;
/// Items that rules look at, and what each older one keeps of the weight of the next: as the rules were evaluated.
constexpr std::size_t kSequenceHistory = 8;
constexpr float kSequenceDecay = 0.5F;
/// Users alike that have a say, the items of this user by which they are found, and the newest items of theirs that count.
constexpr std::size_t kNearUsers = 60;
constexpr std::size_t kUserCfHistory = 30;
constexpr std::size_t kNearHistory = 50;
/// Session kNN: items of this history by which sessions are found, what each older one keeps of the weight of the next, and over how many places
/// in a neighbour what it says of the shared item falls to 1/e (V-SKNN and STAN; see models/recall/history_neighbours.hpp).
constexpr std::size_t kSessionHistory = 10;
constexpr float kSessionDecay = 0.85F;
constexpr float kSessionReach = 8;
/// Items of a category's list that a visitor's recent categories give.
constexpr std::size_t kCategoryDepth = 100;
/// The page's item against the visitor's history on a detail page. Ours: the page is what the visitor looks at now.
constexpr float kPageShare = 2.0F / 3.0F;
/// Newest items of a history that are folded into a vector: further ones change little and cost as much.
constexpr std::size_t kVectorHistory = 50;
/// A list's best score is taken for at least this, so that its inverse is finite.
constexpr float kLeastBest = 1e-30F;

const std::array<float, kNearHistory> kDistanceWeights = [] {
  std::array<float, kNearHistory> weights{};
  for (std::size_t d = 0; d < kNearHistory; ++d) weights[d] = std::exp(-static_cast<float>(d) / kSessionReach);
  return weights;
}();

/// Weights that no number of a configuration can turn into something that does not sort.
float safe_weight(double weight) { return weight > 0 ? static_cast<float>(std::min(weight, 1e6)) : 0.0F; }

/// Asks for a row ahead of its use: the rows of a history lie far apart in the file, and the processor sees each only when it begins.
void prefetch(const NeighbourRow& row) {
  constexpr std::size_t kLine = 16;  // items or scores in 64 bytes
  for (std::size_t k = 0; k < std::min(row.items.size(), kListDepth); k += kLine) {
    __builtin_prefetch(row.items.data() + k);
    __builtin_prefetch(row.scores.data() + k);
  }
}

NeighbourRow price_list(const models::Release& release, ItemIndex item) {
  if (release.price_bucket.empty()) return {};
  return release.price.row(static_cast<std::size_t>(release.price_bucket[static_cast<std::size_t>(item)]));
}

}  // namespace

Recall::Recall(const models::Release& release, const PageRequest& request, std::optional<std::size_t> user,
               const Eligibility& eligible, Scratch& scratch, Page& page, RecallTrace* trace)
    : release_(release), request_(request), user_(user), eligible_(eligible), scratch_(scratch), page_(page), trace_(trace) {
  const models::ChannelWeights& weights = request.weights == nullptr ? release.weights : *request.weights;
  weight_of(Channel::kBehavior) = safe_weight(weights.behavior);
  weight_of(Channel::kContent) = safe_weight(weights.content);
  weight_of(Channel::kVector) = safe_weight(weights.vector);
  weight_of(Channel::kSequence) = safe_weight(weights.sequence);
  session_weight_ = safe_weight(weights.session);
  weight_of(Channel::kUserCf) = safe_weight(weights.usercf);
  weight_of(Channel::kTag) = safe_weight(weights.tag);
  weight_of(Channel::kCategory) = safe_weight(weights.category);
  weight_of(Channel::kPrice) = safe_weight(weights.price);
  weight_of(Channel::kPopular) = safe_weight(weights.popular);
  weight_of(Channel::kNew) = safe_weight(weights.fresh);
  scratch.sums.begin(release.catalog.n_items());
}

void Recall::run() {
  scratch_.seen.begin(release_.catalog.n_items());
  switch (request_.kind) {
    case PageKind::kSimilar: related(); break;
    case PageKind::kDetail:
      read_history();
      related();
      break;
    case PageKind::kUser:
      read_history();
      personal();
      break;
    case PageKind::kTrending: add_source(Channel::kTrending, 1, trending()); break;
    case PageKind::kSearch: search(); break;
  }
}

/// What belongs to the page's item; on a detail page also what belongs to the visitor.
void Recall::related() {
  LODESTONE_ASSERT(request_.item.has_value(), "a page of related items needs its item");
  const ItemIndex item = *request_.item;
  const bool both = !history_.empty();
  const float share = both ? kPageShare : 1;
  add_source(Channel::kBehavior, share * weight_of(Channel::kBehavior), release_.behavior.row(item));
  add_source(Channel::kContent, share * weight_of(Channel::kContent), release_.content.row(item));
  add_source(Channel::kVector, share * weight_of(Channel::kVector), release_.vector.row(item));
  add_source(Channel::kSequence, share * weight_of(Channel::kSequence), release_.sequence.row(item));
  add_source(Channel::kTag, share * weight_of(Channel::kTag), release_.tag.row(item));
  if (both) add_history(1 - share);
  add_external();
  // What is popular around the item supports lists of its own; where there are none the page is a fallback and says so.
  const bool any = std::any_of(scratch_.sources.begin(), scratch_.sources.begin() + static_cast<std::ptrdiff_t>(n_sources_),
                               [](const Source& source) { return !source.list.items.empty(); });
  add_source(Channel::kCategory, share * weight_of(Channel::kCategory), any ? category_list(release_, item) : NeighbourRow{});
  add_source(Channel::kPrice, share * weight_of(Channel::kPrice), any ? price_list(release_, item) : NeighbourRow{});
}

/// What the visitor did; who did nothing gets what is popular.
void Recall::personal() {
  if (history_.empty()) {
    add_source(Channel::kPopular, 1, release_.popular.row(0));
    add_external();
    return;
  }
  add_history(1);
  add_recent(Channel::kTag);
  add_recent(Channel::kCategory);
  add_recent(Channel::kPrice);
  add_source(Channel::kPopular, weight_of(Channel::kPopular), release_.popular.row(0));
  add_source(Channel::kNew, weight_of(Channel::kNew), release_.fresh.row(0));
  add_external();
}

/// Sum of the weights of the query's tokens; nothing to look for gives what is popular.
void Recall::search() {
  if (request_.query_tokens.empty()) {
    add_source(Channel::kPopular, 1, release_.popular.row(0));
    return;
  }
  const Timed timed(trace_, Channel::kContent);
  const models::TextIndex& index = release_.text;
  for (const std::uint64_t token : request_.query_tokens) {
    if (is_over(request_, page_)) break;
    const auto it = std::lower_bound(index.tokens.begin(), index.tokens.end(), token);
    if (it == index.tokens.end() || *it != token) continue;
    const auto t = static_cast<std::size_t>(it - index.tokens.begin());
    const std::size_t begin = index.offsets[t];
    const std::size_t n = index.offsets[t + 1] - begin;
    scratch_.sums.add({index.items.subspan(begin, n), index.weights.subspan(begin, n)}, 1);
  }
  add_sums(Channel::kContent, 1, request_.limit);
}

/// What the request brings; the order is that of the numbers, so it never tells which list was there first.
void Recall::add_external() {
  for (const ExternalList& list : request_.external) {
    const std::size_t n = std::min({list.items.size(), list.scores.size(), kExternalDepth});
    add_source(static_cast<Channel>(kOwnChannels + list.number), safe_weight(list.weight),
               {list.items.first(n), list.scores.first(n)});
  }
}

/// The channels that know what a history as a whole asks for.
void Recall::add_history(float share) {
  add_summed(Channel::kBehavior, share * weight_of(Channel::kBehavior), [this] { sum_behavior(); });
  add_summed(Channel::kContent, share * weight_of(Channel::kContent),
             [this] { sum_lists(release_.content, kRecentHistory, kListDepth); });
  add_vector(share);
  add_summed(Channel::kSequence, share * weight_of(Channel::kSequence), [this] { sum_sequence(); });
  add_summed(Channel::kSequence, share * session_weight_, [this] { sum_near_sessions(); });
  add_summed(Channel::kUserCf, share * weight_of(Channel::kUserCf), [this] { sum_near_users(); });
}

void Recall::add_recent(Channel channel) {
  add_summed(channel, weight_of(channel), [this, channel] {
    switch (channel) {
      case Channel::kTag: sum_lists(release_.tag, kRecentHistory, kListDepth); break;
      case Channel::kCategory: sum_groups([this](ItemIndex item) { return category_list(release_, item); }); break;
      default: sum_groups([this](ItemIndex item) { return price_list(release_, item); }); break;
    }
  });
}

template <typename Sum>
void Recall::add_summed(Channel channel, float weight, const Sum& sum) {
  if (!(weight > 0) || is_over(request_, page_)) return;
  const Timed timed(trace_, channel);
  sum();
  add_sums(channel, weight, std::max(kHistoryDepth, request_.limit));
}

/// The weights are scaled so that the largest is 1.
void Recall::sum_behavior() {
  const float largest = *std::max_element(weights_of_history_.begin(), weights_of_history_.end());
  if (!(largest > 0)) return;
  for (const ItemIndex item : history_) __builtin_prefetch(release_.behavior_influence.offsets().data() + item);
  for (std::size_t h = 0; h < history_.size(); ++h) {
    if (h + 1 < history_.size()) prefetch(release_.behavior_influence.row(history_[h + 1]));
    scratch_.sums.add(release_.behavior_influence.row(history_[h]), weights_of_history_[h] / largest);
  }
}

/// The newest counts 1, the one before it 1/2, and so on; each list's best counts 1, as its scores compare inside the list only.
void Recall::sum_lists(const models::Neighbours& lists, std::size_t recent, std::size_t depth) {
  const std::size_t n = std::min(history_.size(), recent);
  for (std::size_t h = 0; h < n; ++h) {
    if (h + 1 < n) prefetch(lists.row(history_[h + 1]));
    add_scaled(lists.row(history_[h]), depth, 1 / static_cast<float>(h + 1));
  }
}

/// The lists of the groups that the recent items are in; items of one group add to its weight.
template <typename List>
void Recall::sum_groups(const List& list_of) {
  for (std::size_t h = 0; h < std::min(history_.size(), kRecentHistory); ++h)
    add_scaled(list_of(history_[h]), kCategoryDepth, 1 / static_cast<float>(h + 1));
}

void Recall::add_scaled(const NeighbourRow& row, std::size_t depth, float weight) {
  if (row.items.empty()) return;
  const std::size_t n = std::min(row.items.size(), depth);
  scratch_.sums.add({row.items.first(n), row.scores.first(n)}, weight / std::max(row.scores[0], kLeastBest));
}

/// Rules compare across items, so their scores are summed as they are.
void Recall::sum_sequence() {
  float weight = 1;
  for (std::size_t h = 0; h < std::min(history_.size(), kSequenceHistory); ++h, weight *= kSequenceDecay)
    scratch_.sums.add(release_.sequence.row(history_[h]), weight);
}

/// User-kNN: the users and guests who share most of this one's items, and what else they have.
void Recall::sum_near_users() {
  const models::Users& users = release_.users;
  ItemSums& near = scratch_.user_sums;
  near.begin(users.n_histories());
  for (std::size_t h = 0; h < std::min(history_.size(), kUserCfHistory); ++h) near.add(release_.item_users.row(history_[h]), 1);
  const ItemIndex self = user_ ? static_cast<ItemIndex>(*user_) : -1;
  const NeighbourRow found =
      near.take_best(kNearUsers, scratch_.near_users, scratch_.nearness, [self](ItemIndex user) { return user != self; });
  for (std::size_t k = 0; k < found.items.size(); ++k) {
    const auto user = static_cast<std::size_t>(found.items[k]);
    const auto theirs = users.history(user);
    const auto weights = users.history_weights(user);
    const std::size_t n = std::min(theirs.size(), kNearHistory);
    const float largest = n == 0 ? 0 : *std::max_element(weights.begin(), weights.begin() + static_cast<std::ptrdiff_t>(n));
    if (largest > 0) scratch_.sums.add({theirs.first(n), weights.first(n)}, found.scores[k] / largest);
  }
}

/// Session kNN: histories that share the newest items, those shared last above all, and what stands near the shared item in them.
void Recall::sum_near_sessions() {
  ItemSums& near = scratch_.user_sums;
  near.begin(release_.users.n_histories());
  float decayed = 1;
  for (std::size_t h = 0; h < std::min(history_.size(), kSessionHistory); ++h, decayed *= kSessionDecay)
    near.add(release_.item_users.row(history_[h]), decayed);
  const ItemIndex self = user_ ? static_cast<ItemIndex>(*user_) : -1;
  const NeighbourRow found =
      near.take_best(kNearUsers, scratch_.near_users, scratch_.nearness, [self](ItemIndex user) { return user != self; });
  for (std::size_t k = 0; k < found.items.size(); ++k) {
    const auto all = release_.users.history(static_cast<std::size_t>(found.items[k]));
    const auto theirs = all.first(std::min(all.size(), kNearHistory));
    const auto shared =
        std::find_if(theirs.begin(), theirs.end(), [this](ItemIndex item) { return scratch_.seen.contains(item); });
    if (shared == theirs.end()) continue;  // it lies too far back
    const auto place = static_cast<std::size_t>(shared - theirs.begin());
    std::array<float, kNearHistory> weights;  // NOLINT: filled as far as it is read
    for (std::size_t p = 0; p < theirs.size(); ++p) weights[p] = kDistanceWeights[p > place ? p - place : place - p];
    scratch_.sums.add({theirs, std::span(weights).first(theirs.size())}, found.scores[k]);
  }
}

/// What is nearest to the vector of the history.
void Recall::add_vector(float share) {
  const float weight = share * weight_of(Channel::kVector);
  if (!(weight > 0) || is_over(request_, page_)) return;
  const Timed timed(trace_, Channel::kVector);
  auto& items = scratch_.list_items[n_sources_];
  auto& scores = scratch_.list_scores[n_sources_];
  items.clear();
  scores.clear();
  if (!release_.vectors.empty()) {
    const std::size_t n = std::min(history_.size(), kVectorHistory);
    release_.vectors.fold_in(history_.first(n), weights_of_history_.first(n), scratch_.vectors);
    has_user_vector_ = true;
    models::VectorSearchOptions search;
    search.ef = request_.vector_ef;
    search.k = request_.vector_ef + n;
    models::AllowedItems allowed;
    if (request_.filter != nullptr) {
      allowed = allowed_items();
      search.allowed = &allowed;
    }
    release_.vectors.recall(search, scratch_.vectors, items, scores);
    std::size_t kept = 0;
    for (std::size_t k = 0; k < items.size(); ++k) {
      if (scratch_.seen.contains(items[k]) || !eligible_(items[k])) continue;
      items[kept] = items[k];
      scores[kept++] = scores[k];
    }
    items.resize(kept);
    scores.resize(kept);
  }
  add_source(Channel::kVector, weight, {items, scores});
}

/// What the filter leaves of the whole catalogue, so that the search may choose its way by how much that is.
models::AllowedItems Recall::allowed_items() {
  const std::size_t n = release_.catalog.n_items();
  auto& bits = scratch_.allowed;
  bits.assign((n + 63) / 64, 0);
  std::size_t count = 0;
  for (std::size_t i = 0; i < n; ++i) {
    if (!eligible_(static_cast<ItemIndex>(i))) continue;
    bits[i / 64] |= std::uint64_t{1} << i % 64;
    ++count;
  }
  return {bits, count};
}

/// Whom a page is for knows what he has seen: the channels that a history speaks through leave it out. Nothing is copied for a request that
/// brings nothing itself.
void Recall::read_history() {
  if (user_) {
    history_ = release_.users.history(*user_);
    weights_of_history_ = release_.users.history_weights(*user_);
  }
  if (!request_.recent.empty()) merge_recent();
  for (const ItemIndex item : history_) scratch_.seen.insert(item);
}

/// What the request brings comes first; an item of both counts where it is newest.
void Recall::merge_recent() {
  auto& items = scratch_.history;
  auto& weights = scratch_.history_weights;
  const float newest = weights_of_history_.empty() ? 1 : std::max(weights_of_history_.front(), kLeastBest);
  items.clear();
  weights.clear();
  for (const ItemIndex item : request_.recent.first(std::min(request_.recent.size(), kMaxRecent))) {
    if (std::find(items.begin(), items.end(), item) != items.end()) continue;
    items.push_back(item);
    weights.push_back(newest);
  }
  const std::size_t n_recent = items.size();
  for (std::size_t h = 0; h < history_.size(); ++h) {
    const auto end = items.begin() + static_cast<std::ptrdiff_t>(n_recent);
    if (std::find(items.begin(), end, history_[h]) != end) continue;
    items.push_back(history_[h]);
    weights.push_back(weights_of_history_[h]);
  }
  history_ = items;
  weights_of_history_ = weights;
}

/// The window's list, or that of the next wider window in which anything happened.
NeighbourRow Recall::trending() const {
  auto window = static_cast<std::size_t>(request_.window);
  const models::RankedLists& hot = hot_lists(release_, request_);
  while (window + 1 < models::kTrendingWindows && hot.row(window).items.empty()) ++window;
  return hot.row(window);
}

void Recall::add_sums(Channel channel, float weight, std::size_t depth) {
  auto& items = scratch_.list_items[n_sources_];
  auto& scores = scratch_.list_scores[n_sources_];
  const auto wanted = [this](ItemIndex item) { return !scratch_.seen.contains(item) && eligible_(item); };
  if (probe_ != nullptr) probe_->note(channel, scratch_.sums.place_of(probe_->item, wanted));
  add_source(channel, weight, scratch_.sums.take_best(depth, items, scores, wanted));
}

/// A channel that is switched off leaves no trace; one without a list still counts in the sum of the weights, so that scores of one
/// kind of page compare.
void Recall::add_source(Channel channel, float weight, NeighbourRow list) {
  if (!(weight > 0)) return;
  if (probe_ != nullptr) probe_->look_into(channel, list);
  total_weight_ += weight;
  const std::size_t n = std::min(list.items.size(), kListDepth);
  page_.candidates[static_cast<std::size_t>(channel)] += static_cast<std::uint32_t>(n);
  scratch_.sources[n_sources_++] = {channel, weight, {list.items.first(n), list.scores.first(n)}};
}

}  // namespace lodestone::engine
