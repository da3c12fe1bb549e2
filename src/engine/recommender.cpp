#include "engine/recommender.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "base/key_order.hpp"
#include "engine/eligibility.hpp"
#include "engine/explanation.hpp"
#include "engine/query.hpp"
#include "engine/ranking.hpp"
#include "engine/recall.hpp"
#include "engine/rerank.hpp"

namespace lodestone::engine {
namespace {

using models::NeighbourRow;
using models::Release;

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

/// One page under construction.
class PageMaker {
 public:
  PageMaker(const Release& release, const PageRequest& request, Scratch& scratch, Page& page, RecallTrace* trace)
      : release_(release),
        request_(request),
        user_(request.user ? release.users.find(*request.user) : std::nullopt),
        scratch_(scratch),
        page_(page),
        trace_(trace),
        eligible_(release, request, user_, scratch),
        recall_(release, request, user_, eligible_, scratch, page, trace),
        rerank_(release, request, scratch) {
    page_.items.clear();
    page_.items.reserve(std::min(request.limit, release.catalog.n_items()));
    page_.candidates.fill(0);
    page_.degrade_reason = {};
    page_.is_cut = false;
    page_.external_names = request.external_names;
    page_.user_known = user_.has_value();
    page_.ranker = nullptr;
    page_.n_failed_rankers = 0;
    page_.unranked = Unranked::kNot;
    page_.n_ranked = 0;
    page_.rows.clear();
    scratch_.candidates.begin();
  }

  void run() {
    if (request_.limit == 0) return;
    fill_page();
    if (page_.is_cut) mark_all(Channel::kPartial);
    if (page_.unranked != Unranked::kNot) mark_all(Channel::kUnranked);
  }

  /// Makes the page and says what became of an item.
  TargetExplanation explain(ItemIndex target) {
    RecallProbe probe{target, {}};
    recall_.set_probe(&probe);
    explains_ = true;
    run();
    TargetExplanation out;
    out.channels = probe.places;
    out.is_in_history = request_.kind != PageKind::kSimilar && scratch_.seen.contains(target);
    out.last_score = page_.items.empty() ? 0 : page_.items.back().score;
    const auto shown = find_placed(target);
    if (shown != page_.items.end()) out.place = static_cast<std::size_t>(shown - page_.items.begin()) + 1;
    note_places(target, out);
    if (out.place > 0) return out;
    const std::optional<Fate> obstacle = find_obstacle(release_, request_, target);
    out.fate = obstacle ? *obstacle : (out.fused_rank > 0 ? Fate::kBelowCut : Fate::kNoChannel);
    return out;
  }

  /// Candidates with their features, for who fits a ranker.
  void make_rows_of_pool(const features::Vectorizer& vectorizer, std::size_t depth) {
    recall();
    choose_pool(depth);
    static_cast<void>(make_rows(release_, request_, user_, recall_, vectorizer, scratch_));
  }

 private:
  /// For words; without them it is a list of all there is.
  [[nodiscard]] bool is_search() const { return request_.kind == PageKind::kSearch && !request_.query_tokens.empty(); }

  void fill_page() {
    recall();
    if (!is_ranked() || !place_ranked()) rerank_.is_active() ? place_reranked() : place_best();
    // A search gives what matches and no more; without words it is a list of all there is, popular first.
    if (!is_search()) backfill();
    if (!rerank_.buries() || page_.items.size() >= request_.limit || is_search()) return;
    may_fill_buried_ = true;  // rather than a short list
    backfill();
  }

  void recall() {
    recall_.run();
    for (std::size_t s = 0; s < recall_.sources().size(); ++s) fuse(s);
    has_candidates_ = !scratch_.candidates.all().empty();
  }

  [[nodiscard]] std::vector<PageItem>::const_iterator find_placed(ItemIndex item) const {
    return std::find_if(page_.items.begin(), page_.items.end(), [item](const PageItem& placed) { return placed.item == item; });
  }

  /// Where the target stands by the fused score and by the ranker, among what may be shown; what stands on the page is blocked by now.
  void note_places(ItemIndex target, TargetExplanation& out) const {
    const auto all = scratch_.candidates.all();
    const auto found =
        std::find_if(all.begin(), all.end(), [target](const Candidate& c) { return c.item == target && c.score > 0; });
    if (found == all.end()) return;
    out.fused_score = std::min(1.0F, found->score / recall_.total_weight());
    out.fused_rank = 1;
    for (const Candidate& candidate : all) {
      const bool better = score_key(candidate.score, candidate.item) > score_key(found->score, target);
      if (better && (eligible_(candidate.item) || find_placed(candidate.item) != page_.items.end())) ++out.fused_rank;
    }
    if (page_.ranker == nullptr) return;
    for (std::size_t place = 0; place < scratch_.order.size(); ++place) {
      const std::uint32_t r = scratch_.order[place];
      if (key_item(scratch_.pool[r]) != target) continue;
      out.ranked_place = place + 1;
      out.ranked_score = ranked_score(scratch_.scores[r]);
    }
  }

  /// A ranker is fitted on pages of related items and on pages for people with a history; other lists keep their own order.
  [[nodiscard]] bool is_ranked() const {
    if (!request_.with_ranker || release_.ranking == nullptr || release_.ranking->rankers.empty()) return false;
    return request_.kind == PageKind::kSimilar || request_.kind == PageKind::kDetail ||
           (request_.kind == PageKind::kUser && !recall_.history().empty());
  }

  /// The best `depth` eligible candidates by the fused score, best first. They are looked for among the best quarter more, then among all.
  void choose_pool(std::size_t depth) {
    auto& keys = scratch_.best;
    auto& pool = scratch_.pool;
    keys.clear();
    pool.clear();
    for (const Candidate& candidate : scratch_.candidates.all()) keys.push_back(score_key(candidate.score, candidate.item));
    std::size_t from = 0;
    for (std::size_t n = depth + depth / 4; pool.size() < depth && from < keys.size(); n = keys.size()) {
      const std::size_t to = std::min(n, keys.size());
      select_largest(std::span(keys).subspan(from), to - from);
      sort_largest_first(std::span(keys).subspan(from, to - from));
      for (; from < to && pool.size() < depth; ++from) {
        if (eligible_(key_item(keys[from]))) pool.push_back(keys[from]);
      }
    }
  }

  /// Puts the candidates in the order of a ranker; false when none could, and the page is as it was.
  bool place_ranked() {
    choose_pool(std::max(kRankDepth, request_.limit));
    if (scratch_.pool.empty()) return true;
    const std::uint64_t start = trace_ == nullptr ? 0 : trace_->now();
    // Who chooses otherwise, or asks for the place of one, needs them all in order.
    const std::size_t n_first = rerank_.is_active() || explains_ ? scratch_.pool.size() : request_.limit;
    rank_pool(release_, request_, user_, recall_, n_first, scratch_, page_);
    if (trace_ != nullptr && page_.ranker != nullptr) trace_->ranking = trace_->now() - start;
    if (page_.ranker == nullptr) return false;
    page_.n_ranked = static_cast<std::uint32_t>(scratch_.pool.size());
    if (rerank_.is_active()) {
      scratch_.ordered.clear();
      for (const std::uint32_t r : scratch_.order)
        scratch_.ordered.push_back({.item = key_item(scratch_.pool[r]), .score = ranked_score(scratch_.scores[r]), .row = r});
      place_chosen();
      return true;
    }
    for (const std::uint32_t r : scratch_.order) {
      if (page_.items.size() == request_.limit) break;  // there are more where somebody asks for the place of one
      place(scratch_.candidates.at(key_item(scratch_.pool[r])), ranked_score(scratch_.scores[r]));
      keep_row(r);
    }
    return true;
  }

  /// The features of the item placed last, for who asked for them.
  void keep_row(std::uint32_t r) {
    if (!request_.with_rows) return;
    const std::size_t n_columns = page_.ranker->columns().size();
    page_.items.back().row = static_cast<std::uint32_t>(page_.rows.size() / n_columns);
    const auto row = std::span(scratch_.rows).subspan(r * n_columns, n_columns);
    page_.rows.insert(page_.rows.end(), row.begin(), row.end());
  }

  /// As place_best(), by rules, diversity and exploration.
  void place_reranked() {
    choose_pool(std::max(kRankDepth, request_.limit));
    scratch_.ordered.clear();
    for (const std::uint64_t key : scratch_.pool) {
      const float score = std::min(1.0F, key_score(key) / recall_.total_weight());
      scratch_.ordered.push_back({.item = key_item(key), .score = score});
    }
    place_chosen();
  }

  void place_chosen() {
    rerank_.choose(request_.limit, eligible_);
    for (const Ordered& one : scratch_.chosen) {
      place(scratch_.candidates.at(one.item), one.score);  // a pinned item may be a new candidate, of no channel
      PageItem& placed = page_.items.back();
      placed.propensity = one.propensity;
      if (one.is_pinned) mark(placed, Channel::kPinned);
      if (one.is_explored) mark(placed, Channel::kExploration);
      if (one.row != Ordered::kNoRow && page_.ranker != nullptr) keep_row(one.row);
    }
  }

  void mark_all(Channel channel) {
    for (PageItem& item : page_.items) item.channels |= 1U << static_cast<unsigned>(channel);
  }

  void mark(PageItem& placed, Channel channel) {
    placed.channels = static_cast<ChannelSet>(placed.channels | 1U << static_cast<unsigned>(channel));
    ++page_.candidates[static_cast<std::size_t>(channel)];
  }

  /// Gives each item of a source its share of the fused score (recommend()).
  void fuse(std::size_t s) {
    const Source& source = recall_.sources()[s];
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
      if ((full && key <= best.back()) || !eligible_(candidate.item)) continue;
      if (full) best.pop_back();
      best.insert(std::upper_bound(best.begin(), best.end(), key, std::greater<>()), key);
    }
    for (const std::uint64_t key : best) {
      const Candidate& candidate = scratch_.candidates.at(key_item(key));
      place(candidate, std::min(1.0F, candidate.score / recall_.total_weight()));
    }
  }

  void place(const Candidate& candidate, float score) {
    eligible_.block(candidate.item);
    PageItem& placed = page_.items.emplace_back();
    placed.item = candidate.item;
    placed.score = score;
    for (std::size_t s = 0; s < recall_.sources().size(); ++s) {
      if (candidate.ranks[s] == 0) continue;
      const auto c = static_cast<std::size_t>(recall_.sources()[s].channel);
      placed.channels = static_cast<ChannelSet>(placed.channels | 1U << c);
      // Of two lists of one channel the first, the page item's, tells.
      if (placed.contributions[c].rank != 0) continue;
      placed.contributions[c] = {candidate.ranks[s], recall_.sources()[s].list.scores[candidate.ranks[s] - 1U]};
    }
  }

  /// Fills the page to its limit: wider windows, popular in the category, popular, then anything, the last added first.
  void backfill() {
    const bool none = !has_candidates_;
    if (none) page_.degrade_reason = "no_candidates";
    if (page_.items.size() >= request_.limit) return;
    if (request_.kind == PageKind::kTrending) {
      for (std::size_t w = static_cast<std::size_t>(request_.window) + 1; w < models::kTrendingWindows; ++w) {
        fill(Channel::kTrending, hot_lists(release_, request_).row(w));
      }
    }
    if (request_.item) {
      fill(none ? Channel::kFallback : Channel::kCategory, category_list(release_, *request_.item));
    }
    fill(none ? Channel::kFallback : Channel::kPopular, release_.popular.row(0));
    if (page_.items.size() >= request_.limit) return;
    const Timed timed(trace_, Channel::kCatalog);
    std::int32_t rank = 0;
    for (auto item = static_cast<ItemIndex>(release_.catalog.n_items()); item-- > 0 && page_.items.size() < request_.limit;) {
      if (may_fill(item)) fill_one(Channel::kCatalog, item, {++rank, 0});
    }
  }

  void fill(Channel channel, const NeighbourRow& list) {
    if (page_.items.size() >= request_.limit) return;
    const Timed timed(trace_, channel);
    for (std::size_t k = 0; k < list.items.size() && page_.items.size() < request_.limit; ++k) {
      if (may_fill(list.items[k])) fill_one(channel, list.items[k], {static_cast<std::int32_t>(k + 1), list.scores[k]});
    }
  }

  [[nodiscard]] bool may_fill(ItemIndex item) const {
    return eligible_(item) && (may_fill_buried_ || !rerank_.buries() || !rerank_.is_buried(item));
  }

  void fill_one(Channel channel, ItemIndex item, const Contribution& contribution) {
    const auto c = static_cast<std::size_t>(channel);
    const float score = page_.items.empty() ? kFirstFilled : page_.items.back().score * kFilledStep;
    eligible_.block(item);
    PageItem& placed = page_.items.emplace_back();
    placed.item = item;
    placed.score = score;
    placed.channels = static_cast<ChannelSet>(1U << c);
    placed.contributions[c] = contribution;
    ++page_.candidates[c];
  }

  const Release& release_;
  const PageRequest& request_;
  std::optional<std::size_t> user_;
  Scratch& scratch_;
  Page& page_;
  RecallTrace* trace_;
  Eligibility eligible_;
  Recall recall_;
  Rerank rerank_;
  bool has_candidates_ = false;  ///< of recall; a pinned item is none
  bool may_fill_buried_ = false;
  bool explains_ = false;
};

}  // namespace

void recommend(const Release& release, const PageRequest& request, Scratch& scratch, Page& page, RecallTrace* trace) {
  PageMaker(release, request, scratch, page, trace).run();
}

TargetExplanation explain_target(const Release& release, const PageRequest& request, ItemIndex target, Scratch& scratch,
                                 Page& page) {
  return PageMaker(release, request, scratch, page, nullptr).explain(target);
}

void make_candidate_rows(const Release& release, const PageRequest& request, const features::Vectorizer& vectorizer,
                         std::size_t depth, Scratch& scratch, Page& page) {
  PageMaker(release, request, scratch, page, nullptr).make_rows_of_pool(vectorizer, depth);
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
