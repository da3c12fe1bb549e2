#include "engine/recommender.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "engine/query.hpp"

namespace lodestone::engine {
namespace {

using models::NeighbourRow;
using models::Release;

/// Items of a history's sums that take part, at least. They are eligible already, so no page needs more than its limit of them.
constexpr std::size_t kHistoryDepth = 100;
/// Items of a history that the channels of content, tags, categories and prices look at, newest first.
constexpr std::size_t kRecentHistory = 10;
/// Items that rules look at, and what each older one keeps of the weight of the next: as the rules were evaluated.
constexpr std::size_t kSequenceHistory = 8;
constexpr float kSequenceDecay = 0.5F;
/// Users alike that have a say, the items of this user by which they are found, and the newest items of theirs that count.
constexpr std::size_t kNearUsers = 60;
constexpr std::size_t kUserCfHistory = 30;
constexpr std::size_t kNearHistory = 50;
/// Items of a category's list that a visitor's recent categories give.
constexpr std::size_t kCategoryDepth = 100;
/// The page's item against the visitor's history on a detail page. Ours: the page is what the visitor looks at now.
constexpr float kPageShare = 2.0F / 3.0F;
/// Items that warm() makes room for besides those of a page: what a request may leave out, and what most users own.
constexpr std::size_t kBlockedItems = 4096;
/// Constant of reciprocal rank fusion (Cormack, Clarke and Buettcher 2009).
constexpr float kRankConstant = 60.0F;
/// A list's best score is taken for at least this, so that its inverse is finite.
constexpr float kLeastBest = 1e-30F;
/// Score of the first item of a page that is backfilled from the start, and what each next one keeps of the score before it.
constexpr float kFirstFilled = 0.1F;
constexpr float kFilledStep = 0.95F;

/// As long as a search may be, in both scripts that are cut in different ways.
constexpr std::string_view kWarmQuery =
    "recommendations for marketplaces of environmental measurements and transportation statistics by provinces and "
    "municipalities, "
    "数据集天气预报交通";

constexpr auto kRankFactors = [] {
  std::array<float, kListDepth + 1> factors{};
  for (std::size_t rank = 1; rank <= kListDepth; ++rank)
    factors[rank] = (kRankConstant + 1) / (kRankConstant + static_cast<float>(rank));
  return factors;
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

/// Adds the time from here to the end of the block to a channel, if anybody wants to know.
class Timed {
 public:
  Timed(RecallTrace* trace, Channel channel) : trace_(trace), channel_(channel), start_(trace == nullptr ? 0 : trace->now()) {}
  ~Timed() {
    if (trace_ != nullptr) trace_->nanoseconds[static_cast<std::size_t>(channel_)] += trace_->now() - start_;
  }
  Timed(const Timed&) = delete;
  Timed& operator=(const Timed&) = delete;

 private:
  RecallTrace* trace_;
  Channel channel_;
  std::uint64_t start_;
};

/// One page under construction.
class PageMaker {
 public:
  PageMaker(const Release& release, const PageRequest& request, Scratch& scratch, Page& page, RecallTrace* trace)
      : release_(release), request_(request), scratch_(scratch), page_(page), trace_(trace) {
    const std::size_t n_items = release.catalog.n_items();
    LODESTONE_ASSERT(!request.item || static_cast<std::size_t>(*request.item) < n_items, "item {} of {}", *request.item, n_items);
    const models::ChannelWeights& weights = request.weights == nullptr ? release.weights : *request.weights;
    weight_of(Channel::kBehavior) = safe_weight(weights.behavior);
    weight_of(Channel::kContent) = safe_weight(weights.content);
    weight_of(Channel::kSequence) = safe_weight(weights.sequence);
    weight_of(Channel::kUserCf) = safe_weight(weights.usercf);
    weight_of(Channel::kTag) = safe_weight(weights.tag);
    weight_of(Channel::kCategory) = safe_weight(weights.category);
    weight_of(Channel::kPrice) = safe_weight(weights.price);
    weight_of(Channel::kPopular) = safe_weight(weights.popular);
    weight_of(Channel::kNew) = safe_weight(weights.fresh);
    if (request.user) user_ = release.users.find(*request.user);
    page_.items.clear();
    page_.items.reserve(std::min(request.limit, n_items));
    page_.candidates.fill(0);
    page_.degrade_reason = {};
    page_.user_known = user_.has_value();
    scratch_.candidates.begin();
    scratch_.blocked.begin(n_items);
    scratch_.sums.begin(n_items);
    if (request.filter != nullptr) scratch_.filter.bind(*request.filter, release.catalog);
    block();
  }

  void run() {
    if (request_.limit == 0) return;
    recall();
    for (std::size_t s = 0; s < n_sources_; ++s) fuse(s);
    place_best();
    // A search gives what matches and no more; without words it is a list of all there is, popular first.
    if (request_.kind != PageKind::kSearch || request_.query_tokens.empty()) backfill();
  }

 private:
  /// What may not be shown, but for availability and the filter, which cost more and are asked of few items.
  void block() {
    if (request_.item) scratch_.blocked.insert(*request_.item);
    for (const ItemId id : request_.exclude) {
      if (const auto item = release_.catalog.find(id)) scratch_.blocked.insert(*item);
    }
    if (user_) {
      for (const ItemIndex item : release_.users.owned(*user_)) scratch_.blocked.insert(item);
    }
  }

  /// The one place that decides whether an item may stand on the page.
  [[nodiscard]] bool eligible(ItemIndex item) const {
    return !scratch_.blocked.contains(item) && release_.catalog.is_available(item) &&
           (request_.filter == nullptr || scratch_.filter.matches(item));
  }

  void recall() {
    switch (request_.kind) {
      case PageKind::kSimilar:
      case PageKind::kDetail: related(); break;
      case PageKind::kUser: personal(); break;
      case PageKind::kTrending: add_source(Channel::kTrending, 1, trending()); break;
      case PageKind::kSearch: search(); break;
    }
  }

  [[nodiscard]] float& weight_of(Channel channel) { return weights_[static_cast<std::size_t>(channel)]; }

  /// What belongs to the page's item; on a detail page also what belongs to the visitor.
  void related() {
    LODESTONE_ASSERT(request_.item.has_value(), "a page of related items needs its item");
    const ItemIndex item = *request_.item;
    const bool both = request_.kind == PageKind::kDetail && has_history();
    const float share = both ? kPageShare : 1;
    add_source(Channel::kBehavior, share * weight_of(Channel::kBehavior), release_.behavior.row(item));
    add_source(Channel::kContent, share * weight_of(Channel::kContent), release_.content.row(item));
    add_source(Channel::kSequence, share * weight_of(Channel::kSequence), release_.sequence.row(item));
    add_source(Channel::kTag, share * weight_of(Channel::kTag), release_.tag.row(item));
    if (both) add_history(1 - share);
    // What is popular around the item supports lists of its own; where there are none the page is a fallback and says so.
    const bool any = std::any_of(scratch_.sources.begin(), scratch_.sources.begin() + static_cast<std::ptrdiff_t>(n_sources_),
                                 [](const Source& source) { return !source.list.items.empty(); });
    add_source(Channel::kCategory, share * weight_of(Channel::kCategory), any ? category_list(item) : NeighbourRow{});
    add_source(Channel::kPrice, share * weight_of(Channel::kPrice), any ? price_list(item) : NeighbourRow{});
  }

  /// A known user's history; a guest, and a user without history, get what is popular.
  void personal() {
    if (!has_history()) {
      add_source(Channel::kPopular, 1, release_.popular.row(0));
      return;
    }
    add_history(1);
    add_recent(Channel::kTag);
    add_recent(Channel::kCategory);
    add_recent(Channel::kPrice);
    add_source(Channel::kPopular, weight_of(Channel::kPopular), release_.popular.row(0));
    add_source(Channel::kNew, weight_of(Channel::kNew), release_.fresh.row(0));
  }

  /// Sum of the weights of the query's tokens; nothing to look for gives what is popular.
  void search() {
    if (request_.query_tokens.empty()) {
      add_source(Channel::kPopular, 1, release_.popular.row(0));
      return;
    }
    const Timed timed(trace_, Channel::kContent);
    const models::TextIndex& index = release_.text;
    for (const std::uint64_t token : request_.query_tokens) {
      const auto it = std::lower_bound(index.tokens.begin(), index.tokens.end(), token);
      if (it == index.tokens.end() || *it != token) continue;
      const auto t = static_cast<std::size_t>(it - index.tokens.begin());
      const std::size_t begin = index.offsets[t];
      const std::size_t n = index.offsets[t + 1] - begin;
      scratch_.sums.add({index.items.subspan(begin, n), index.weights.subspan(begin, n)}, 1);
    }
    add_sums(Channel::kContent, 1, request_.limit);
  }

  /// The channels that know what a history as a whole asks for.
  void add_history(float share) {
    add_summed(Channel::kBehavior, share, [this] { sum_behavior(); });
    add_summed(Channel::kContent, share, [this] { sum_lists(release_.content, kRecentHistory, kListDepth); });
    add_summed(Channel::kSequence, share, [this] { sum_sequence(); });
    add_summed(Channel::kUserCf, share, [this] { sum_near_users(); });
  }

  void add_recent(Channel channel) {
    add_summed(channel, 1, [this, channel] {
      switch (channel) {
        case Channel::kTag: sum_lists(release_.tag, kRecentHistory, kListDepth); break;
        case Channel::kCategory: sum_groups([this](ItemIndex item) { return category_list(item); }); break;
        default: sum_groups([this](ItemIndex item) { return price_list(item); }); break;
      }
    });
  }

  template <typename Sum>
  void add_summed(Channel channel, float share, const Sum& sum) {
    const float weight = share * weight_of(channel);
    if (!(weight > 0)) return;
    const Timed timed(trace_, channel);
    sum();
    add_sums(channel, weight, std::max(kHistoryDepth, request_.limit));
  }

  /// The weights are scaled so that the largest is 1.
  void sum_behavior() {
    const auto history = release_.users.history(*user_);
    const auto weights = release_.users.history_weights(*user_);
    const float largest = *std::max_element(weights.begin(), weights.end());
    if (!(largest > 0)) return;
    for (const ItemIndex item : history) __builtin_prefetch(release_.behavior_influence.offsets().data() + item);
    for (std::size_t h = 0; h < history.size(); ++h) {
      if (h + 1 < history.size()) prefetch(release_.behavior_influence.row(history[h + 1]));
      scratch_.sums.add(release_.behavior_influence.row(history[h]), weights[h] / largest);
    }
  }

  /// The newest counts 1, the one before it 1/2, and so on; each list's best counts 1, as its scores compare inside the list only.
  void sum_lists(const models::Neighbours& lists, std::size_t recent, std::size_t depth) {
    const auto history = release_.users.history(*user_);
    const std::size_t n = std::min(history.size(), recent);
    for (std::size_t h = 0; h < n; ++h) {
      if (h + 1 < n) prefetch(lists.row(history[h + 1]));
      add_scaled(lists.row(history[h]), depth, 1 / static_cast<float>(h + 1));
    }
  }

  /// The lists of the groups that the recent items are in; items of one group add to its weight.
  template <typename List>
  void sum_groups(const List& list_of) {
    const auto history = release_.users.history(*user_);
    for (std::size_t h = 0; h < std::min(history.size(), kRecentHistory); ++h)
      add_scaled(list_of(history[h]), kCategoryDepth, 1 / static_cast<float>(h + 1));
  }

  void add_scaled(const NeighbourRow& row, std::size_t depth, float weight) {
    if (row.items.empty()) return;
    const std::size_t n = std::min(row.items.size(), depth);
    scratch_.sums.add({row.items.first(n), row.scores.first(n)}, weight / std::max(row.scores[0], kLeastBest));
  }

  /// Rules compare across items, so their scores are summed as they are.
  void sum_sequence() {
    const auto history = release_.users.history(*user_);
    float weight = 1;
    for (std::size_t h = 0; h < std::min(history.size(), kSequenceHistory); ++h, weight *= kSequenceDecay)
      scratch_.sums.add(release_.sequence.row(history[h]), weight);
  }

  /// User-kNN: the users who share most of this one's items, and what else they have.
  void sum_near_users() {
    const models::Users& users = release_.users;
    const auto history = users.history(*user_);
    ItemSums& near = scratch_.user_sums;
    near.begin(users.size());
    for (std::size_t h = 0; h < std::min(history.size(), kUserCfHistory); ++h) near.add(release_.item_users.row(history[h]), 1);
    const auto self = static_cast<ItemIndex>(*user_);
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

  [[nodiscard]] NeighbourRow category_list(ItemIndex item) const {
    return release_.popular_by_category.row(static_cast<std::size_t>(release_.catalog.category_number(item)));
  }

  [[nodiscard]] NeighbourRow price_list(ItemIndex item) const {
    if (release_.price_bucket.empty()) return {};
    return release_.price.row(static_cast<std::size_t>(release_.price_bucket[static_cast<std::size_t>(item)]));
  }

  [[nodiscard]] bool has_history() const { return user_ && !release_.users.history(*user_).empty(); }

  /// The window's list, or that of the next wider window in which anything happened.
  [[nodiscard]] NeighbourRow trending() const {
    auto window = static_cast<std::size_t>(request_.window);
    while (window + 1 < models::kTrendingWindows && release_.trending.row(window).items.empty()) ++window;
    return release_.trending.row(window);
  }

  void add_sums(Channel channel, float weight, std::size_t depth) {
    auto& items = scratch_.list_items[n_sources_];
    auto& scores = scratch_.list_scores[n_sources_];
    add_source(channel, weight, scratch_.sums.take_best(depth, items, scores, [this](ItemIndex item) { return eligible(item); }));
  }

  /// A channel that is switched off leaves no trace; one without a list still counts in the sum of the weights, so that scores of one
  /// kind of page compare.
  void add_source(Channel channel, float weight, NeighbourRow list) {
    if (!(weight > 0)) return;
    total_weight_ += weight;
    const std::size_t n = std::min(list.items.size(), kListDepth);
    page_.candidates[static_cast<std::size_t>(channel)] += static_cast<std::uint32_t>(n);
    scratch_.sources[n_sources_++] = {channel, weight, {list.items.first(n), list.scores.first(n)}};
  }

  /// Gives each item of a source its share of the fused score (recommend()).
  void fuse(std::size_t s) {
    const Source& source = scratch_.sources[s];
    if (source.list.items.empty()) return;
    const Timed timed(trace_, source.channel);
    const float unit = source.weight / std::max(source.list.scores[0], kLeastBest);
    for (std::size_t k = 0; k < source.list.items.size(); ++k) {
      Candidate& candidate = scratch_.candidates.at(source.list.items[k]);
      if (candidate.ranks[s] != 0) continue;  // an item counts once in a list
      candidate.ranks[s] = static_cast<std::uint16_t>(k + 1);
      candidate.score += unit * source.list.scores[k] * kRankFactors[k + 1];
    }
  }

  /// Keeps the best eligible candidates while it walks over all; most are too weak to be asked whether they are eligible.
  void place_best() {
    auto& best = scratch_.best;
    best.clear();
    for (const Candidate& candidate : scratch_.candidates.all()) {
      const std::uint64_t key = score_key(candidate.score, candidate.item);
      const bool full = best.size() == request_.limit;
      if ((full && key <= best.back()) || !eligible(candidate.item)) continue;
      if (full) best.pop_back();
      best.insert(std::upper_bound(best.begin(), best.end(), key, std::greater<>()), key);
    }
    for (const std::uint64_t key : best) place(scratch_.candidates.at(key_item(key)));
  }

  void place(const Candidate& candidate) {
    scratch_.blocked.insert(candidate.item);
    PageItem& placed = page_.items.emplace_back();
    placed.item = candidate.item;
    placed.score = std::min(1.0F, candidate.score / total_weight_);
    for (std::size_t s = 0; s < n_sources_; ++s) {
      if (candidate.ranks[s] == 0) continue;
      const auto c = static_cast<std::size_t>(scratch_.sources[s].channel);
      placed.channels = static_cast<ChannelSet>(placed.channels | 1U << c);
      // Of two lists of one channel the first, the page item's, tells.
      if (placed.contributions[c].rank != 0) continue;
      placed.contributions[c] = {candidate.ranks[s], scratch_.sources[s].list.scores[candidate.ranks[s] - 1U]};
    }
  }

  /// Fills the page to its limit: wider windows, popular in the category, popular, then anything, the last added first.
  void backfill() {
    const bool none = scratch_.candidates.all().empty();
    if (none) page_.degrade_reason = "no_candidates";
    if (page_.items.size() >= request_.limit) return;
    if (request_.kind == PageKind::kTrending) {
      for (std::size_t w = static_cast<std::size_t>(request_.window) + 1; w < models::kTrendingWindows; ++w) {
        fill(Channel::kTrending, release_.trending.row(w));
      }
    }
    if (request_.item) {
      fill(none ? Channel::kFallback : Channel::kCategory, category_list(*request_.item));
    }
    fill(none ? Channel::kFallback : Channel::kPopular, release_.popular.row(0));
    if (page_.items.size() >= request_.limit) return;
    const Timed timed(trace_, Channel::kCatalog);
    std::int32_t rank = 0;
    for (auto item = static_cast<ItemIndex>(release_.catalog.n_items()); item-- > 0 && page_.items.size() < request_.limit;) {
      if (eligible(item)) fill_one(Channel::kCatalog, item, {++rank, 0});
    }
  }

  void fill(Channel channel, const NeighbourRow& list) {
    if (page_.items.size() >= request_.limit) return;
    const Timed timed(trace_, channel);
    for (std::size_t k = 0; k < list.items.size() && page_.items.size() < request_.limit; ++k) {
      if (eligible(list.items[k])) fill_one(channel, list.items[k], {static_cast<std::int32_t>(k + 1), list.scores[k]});
    }
  }

  void fill_one(Channel channel, ItemIndex item, const Contribution& contribution) {
    const auto c = static_cast<std::size_t>(channel);
    const float score = page_.items.empty() ? kFirstFilled : page_.items.back().score * kFilledStep;
    scratch_.blocked.insert(item);
    PageItem& placed = page_.items.emplace_back();
    placed.item = item;
    placed.score = score;
    placed.channels = static_cast<ChannelSet>(1U << c);
    placed.contributions[c] = contribution;
    ++page_.candidates[c];
  }

  const Release& release_;
  const PageRequest& request_;
  Scratch& scratch_;
  Page& page_;
  RecallTrace* trace_;
  std::optional<std::size_t> user_;
  std::array<float, kChannels> weights_{};
  float total_weight_ = 0;
  std::size_t n_sources_ = 0;
};

}  // namespace

void recommend(const Release& release, const PageRequest& request, Scratch& scratch, Page& page, RecallTrace* trace) {
  PageMaker(release, request, scratch, page, trace).run();
}

void warm(const Release& release, Scratch& scratch, Page& page) {
  constexpr std::size_t kPages = 64;
  const std::size_t n_items = release.catalog.n_items();
  const std::size_t n_users = release.users.size();
  scratch.reserve(kHistoryDepth, kBlockedItems);
  page.items.reserve(kHistoryDepth);
  std::vector<std::uint64_t> tokens;
  query_tokens(kWarmQuery, tokens);
  PageRequest search;
  search.kind = PageKind::kSearch;
  search.query_tokens = tokens;
  recommend(release, search, scratch, page);
  for (std::size_t i = 0; i < kPages; ++i) {
    PageRequest request;
    if (n_users > 0) request.user = release.users.id(i * n_users / kPages);
    for (const PageKind kind : {PageKind::kUser, PageKind::kTrending, PageKind::kDetail, PageKind::kSimilar}) {
      request.kind = kind;
      if (kind == PageKind::kDetail && n_items == 0) break;
      if (kind == PageKind::kDetail) request.item = static_cast<ItemIndex>(i * n_items / kPages);
      recommend(release, request, scratch, page);
    }
  }
}

}  // namespace lodestone::engine
