#include "engine/ranking.hpp"

#include <algorithm>
#include <bit>
#include <chrono>
#include <cmath>

#include "base/error.hpp"
#include "base/key_order.hpp"
#include "models/recall/vector_kernels.hpp"

namespace lodestone::engine {
namespace {

using features::CandidateValues;
using features::kMissing;

/// Raw scores beyond this are as good as certain; their logistic function still is a float above 0 and below 1.
constexpr double kMostCertain = 15;

/// Candidates whose vectors are called for ahead.
constexpr std::size_t kAhead = 8;

static_assert(features::kCrossChannels.size() <= kChannels);

std::span<const float> vector_of(const models::Release& release, ItemIndex item) {
  const models::VectorArrays& arrays = release.vectors.index().arrays();
  return arrays.vectors.subspan(static_cast<std::size_t>(item) * arrays.stride, arrays.stride);
}

void prefetch(std::span<const float> vector) {
  constexpr std::size_t kLine = 64;
  for (std::size_t at = 0; at < vector.size(); at += kLine / sizeof(float)) __builtin_prefetch(vector.data() + at);
}

/// The vector without what the index keeps behind its dimension.
std::span<const float> cleared(const models::Release& release, std::span<const float> vector, std::vector<float>& memory) {
  memory.assign(vector.size(), 0);
  std::copy_n(vector.begin(), release.vectors.index().arrays().dimension, memory.begin());
  return memory;
}

/// One of the two must be cleared.
float dot(std::span<const float> a, std::span<const float> b) {
  static const models::DotProduct product = models::find_dot_product();
  return product(a.data(), b.data(), a.size());
}

features::RequestEndpoint endpoint_of(PageKind kind) {
  switch (kind) {
    case PageKind::kSimilar: return features::RequestEndpoint::kSimilar;
    case PageKind::kDetail: return features::RequestEndpoint::kDetail;
    default: return features::RequestEndpoint::kUser;
  }
}

/// How often a candidate was met before: in what the request brings, and once more in the user's history.
float count_seen(const models::Release& release, const PageRequest& request, std::optional<std::size_t> user, ItemIndex item,
                 const Scratch& scratch) {
  if (!scratch.seen.contains(item)) return 0;
  auto n = std::count(request.recent.begin(), request.recent.end(), item);
  if (user) {
    const auto history = release.users.history(*user);
    n += std::find(history.begin(), history.end(), item) != history.end() ? 1 : 0;
  }
  return static_cast<float>(n);
}

/// What the channels say that a vectorizer asks for.
class ChannelReader {
 public:
  ChannelReader(std::span<const Source> sources, std::uint32_t wanted) {
    for (std::size_t s = sources.size(); s-- > 0;) {
      const auto c = static_cast<std::size_t>(sources[s].channel);
      if (c >= kNamed || (wanted >> c & 1U) == 0 || sources[s].list.items.empty()) continue;
      lists_[n_++] = {sources[s].list.scores.data(), s, c};
    }
  }

  /// Of two lists of one channel the first, the page item's, tells, as in a page's contributions. Without a branch: whether a candidate is in a list is
  /// as good as random.
  void read(const Candidate& candidate, features::ChannelValues& out) const {
    for (const List& list : std::span(lists_).first(n_)) out[list.channel] = {};
    for (const List& list : std::span(lists_).first(n_)) {
      const std::uint32_t rank = candidate.ranks[list.source];
      const bool is_there = rank != 0;
      const float score = list.scores[rank - static_cast<std::uint32_t>(is_there)];
      features::ChannelValue& value = out[list.channel];
      value.score = is_there ? score : value.score;
      value.rank = is_there ? rank : value.rank;
    }
  }

 private:
  static constexpr std::size_t kNamed = features::kCrossChannels.size();
  struct List {
    const float* scores = nullptr;
    std::size_t source = 0;
    std::size_t channel = 0;
  };
  std::array<List, kMaxSources> lists_{};  ///< the last first
  std::size_t n_ = 0;
};

/// A candidate as it is now.
struct CurrentItem {
  features::ItemValues values;
  float length = 0;  ///< its vector's product with itself, 0 where there is none or nobody asks
};

/// Stored rows with what has moved since the release was made, where the request brings that.
class CurrentRows {
 public:
  CurrentRows(const models::Release& release, const PageRequest& request, bool wants_vectors, Scratch& scratch)
      : release_(release),
        ranking_(*release.ranking),
        request_(request),
        scratch_(scratch),
        moves_(request.online != nullptr && !ranking_.online_items.empty()),
        has_vectors_(!release.vectors.empty()),
        wants_vectors_(wants_vectors && has_vectors_),
        state_(request.online != nullptr ? request.online->serial() : 0),
        second_(std::chrono::floor<std::chrono::seconds>(request.now.time_since_epoch()).count()) {
    if (request.online == nullptr) return;
    const std::size_t n = std::max(n_user_features_, n_item_features_);
    if (scratch.whole_row.size() < n) scratch.whole_row.resize(n);
    scratch.item_rows.make_room(ranking_.items.columns.size() + 1);
  }

  std::span<const float> user(std::span<const float> stored) {
    if (request_.online == nullptr || ranking_.online_users.empty() || !request_.user) return stored;
    const auto whole = std::span(scratch_.whole_row).first(n_user_features_);
    request_.online->user_row(*request_.user, request_.now, whole);
    scratch_.user_row.assign(stored.begin(), stored.end());
    ranking_.online_users.put(whole, scratch_.user_row);
    return scratch_.user_row;
  }

  /// Its row holds until the next call.
  CurrentItem item(ItemIndex item) {
    CurrentItem out{ranking_.item(item), 0};
    if (!moves_) {
      if (wants_vectors_) out.length = length_of(vector_of(release_, item));
      return out;
    }
    const ItemId id = release_.catalog.id(item);
    const auto [row, is_kept] = scratch_.item_rows.at({state_, request_.online->changes(id), item, second_});
    const std::size_t n = out.values.row.size();
    if (!is_kept) {
      const auto whole = std::span(scratch_.whole_row).first(n_item_features_);
      request_.online->item_row(id, request_.now, whole);
      std::copy(out.values.row.begin(), out.values.row.end(), row.begin());
      ranking_.online_items.put(whole, row.first(n));
      // Also for a ranker that does not ask: the next one may.
      row[n] = has_vectors_ ? length_of(vector_of(release_, item)) : 0;
    }
    out.values.row = row.first(n);
    out.length = row[n];
    return out;
  }

  /// Has the memory of an item come closer.
  void call(ItemIndex item) const {
    if (wants_vectors_) prefetch(vector_of(release_, item));
    if (moves_) scratch_.item_rows.call(state_, item);
    __builtin_prefetch(ranking_.item(item).tags.data());
  }

 private:
  float length_of(std::span<const float> vector) { return dot(cleared(release_, vector, scratch_.item_vector), vector); }

  const models::Release& release_;
  const models::Ranking& ranking_;
  const PageRequest& request_;
  Scratch& scratch_;
  bool moves_ = false;
  bool has_vectors_ = false;
  bool wants_vectors_ = false;
  std::uint64_t state_ = 0;
  std::int64_t second_ = 0;
  std::size_t n_user_features_ = features::features_of(features::Group::kUser).size();
  std::size_t n_item_features_ = features::features_of(features::Group::kItem).size();
};

/// What the vectors of a page's candidates are compared with: those of the page's item, of the visitor, and of what he met last.
class Likeness {
 public:
  Likeness(const models::Release& release, const PageRequest& request, const features::Vectorizer& vectorizer,
           const Recall& recall, Scratch& scratch)
      : release_(release), columns_(scratch.likeness), dimension_(release.vectors.index().arrays().dimension) {
    columns_.begin(dimension_);
    if (release.vectors.empty()) return;
    if (request.item && vectorizer.wants_page_cosine()) has_page_ = columns_.add(first(vector_of(release, *request.item)));
    if (recall.has_user_vector() && vectorizer.wants_user_cosine()) has_user_ = columns_.add(first(scratch.vectors.user));
    begin_ = columns_.size();
    if (!vectorizer.wants_history_near()) return;
    const auto history = recall.history().first(std::min(recall.history().size(), kNearHistory));
    for (std::size_t h = 0; h < history.size(); ++h) {
      if (h + kAhead < history.size()) prefetch(vector_of(release, history[h + kAhead]));
      columns_.add(first(vector_of(release, history[h])));
    }
  }

  /// Candidates that are compared together.
  static constexpr std::size_t kTogether = 4;

  /// Compares up to kTogether candidates, for put() to tell.
  void compare(std::span<const std::uint64_t> keys) {
    if (columns_.size() == 0) return;
    std::array<const float*, kTogether> vectors{};
    for (std::size_t k = 0; k < keys.size(); ++k) vectors[k] = vector_of(release_, key_item(keys[k])).data();
    columns_.multiply(std::span(vectors).first(keys.size()), std::span(products_).first(keys.size()));
  }

  /// Of candidate k of those compared last, whose vector has that length. What is like nothing, or like what is not there, stays missing.
  void put(std::size_t k, const CurrentItem& item, CandidateValues& out) const {
    out.page_cosine = out.user_cosine = out.history_near = kMissing;
    if (columns_.size() == 0 || !(item.length > 0)) return;
    const models::VectorColumns::Products& products = products_[k];
    const float length = std::sqrt(item.length);
    if (has_page_) out.page_cosine = products[0] / length;
    if (has_user_) out.user_cosine = products[has_page_ ? 1 : 0] / length;
    if (begin_ == columns_.size()) return;
    const float least = kLeastNear * length;
    std::int32_t n = 0;  // as wide as what is compared, so that it is counted many at once
    for (std::size_t h = begin_; h < columns_.size(); ++h) n += static_cast<std::int32_t>(products[h] > least);
    out.history_near = static_cast<float>(n) / static_cast<float>(columns_.size() - begin_);
  }

 private:
  /// Items of a history that are compared; beside the page and the visitor as many as fit.
  static constexpr std::size_t kNearHistory = 30;
  static_assert(kNearHistory + 2 <= models::VectorColumns::kMost);
  /// A cosine above this is near: on marketplaces whose tastes are known, items of one taste are above and most others below.
  static constexpr float kLeastNear = 0.5F;

  [[nodiscard]] std::span<const float> first(std::span<const float> vector) const { return vector.first(dimension_); }

  const models::Release& release_;
  models::VectorColumns& columns_;
  std::array<models::VectorColumns::Products, kTogether> products_{};
  std::size_t dimension_ = 0;
  std::size_t begin_ = 0;  ///< of the history
  bool has_page_ = false;
  bool has_user_ = false;
};

/// The time that the rankers of a page have.
class RankingTime {
 public:
  RankingTime(const PageRequest& request, Page& page)
      : deadline_(request.deadline),
        page_(page),
        now_(deadline_.now == nullptr ? 0 : deadline_.now()),
        at_(request.ranking_nanoseconds < UINT64_MAX - now_ ? now_ + request.ranking_nanoseconds : UINT64_MAX) {
    if (deadline_.now != nullptr && now_ >= deadline_.at) page_.is_cut = true;
  }

  /// Whether it is up by now, which the page then says.
  bool is_up() {
    if (deadline_.now == nullptr || page_.is_cut || page_.unranked == Unranked::kLate) return has_passed();
    now_ = deadline_.now();
    if (now_ >= deadline_.at) {
      page_.is_cut = true;
    } else if (now_ >= at_) {
      page_.unranked = Unranked::kLate;
    }
    return has_passed();
  }
  [[nodiscard]] bool has_passed() const { return page_.is_cut || page_.unranked == Unranked::kLate; }

  /// When the clock was last read.
  [[nodiscard]] Breaker::Time last() const { return Breaker::Time(std::chrono::nanoseconds(now_)); }
  StopCheck stop_check() {
    return {[](void* self) { return static_cast<RankingTime*>(self)->is_up(); }, this};
  }

 private:
  const Deadline& deadline_;
  Page& page_;
  std::uint64_t now_;
  std::uint64_t at_;
};

/// Places in the pool take so many bits of a key, which a score does without: it keeps 36 behind the point, a float has 23.
constexpr std::uint64_t kPlaces = 1U << 16U;

/// Larger for what comes first: by score, and what is equal stays as recall has it.
std::uint64_t ranked_key(double score, std::size_t place) {
  constexpr std::uint64_t kSign = std::uint64_t{1} << 63U;
  const auto bits = std::bit_cast<std::uint64_t>(score + 0.0);  // -0 is 0
  // The bits of numbers below 0 rise as they fall.
  const std::uint64_t rising = (bits & kSign) != 0 ? ~bits : bits | kSign;
  return (rising & ~(kPlaces - 1)) | (kPlaces - 1 - place);
}
std::size_t key_place(std::uint64_t key) { return kPlaces - 1 - key % kPlaces; }

/// Lets the rankers score the pool, one after the other, until one has.
void score_pool(const models::Release& release, const PageRequest& request, std::optional<std::size_t> user, const Recall& recall,
                Scratch& scratch, Page& page, RankingTime& time) {
  const std::size_t n = scratch.pool.size();
  LODESTONE_ASSERT(n <= kPlaces, "{} candidates to rank", n);
  if (scratch.scores.size() < n) scratch.scores.resize(std::max(n, kRankDepth));
  for (const auto& ranker : release.ranking->rankers) {
    const bool has_scored = make_rows(release, request, user, recall, ranker->vectorizer(), scratch, time.stop_check()) &&
                            ranker->score(scratch.rows, n, scratch.scores, scratch.trees, time.stop_check());
    if (time.is_up()) return;
    if (has_scored) {
      page.ranker = ranker.get();
      return;
    }
    ++page.n_failed_rankers;
  }
  page.unranked = Unranked::kFailed;
}

}  // namespace

bool make_rows(const models::Release& release, const PageRequest& request, std::optional<std::size_t> user, const Recall& recall,
               const features::Vectorizer& vectorizer, Scratch& scratch, StopCheck stop) {
  LODESTONE_ASSERT(release.ranking != nullptr, "rows need the features of the release");
  const models::Ranking& ranking = *release.ranking;
  const std::size_t n_columns = vectorizer.n_columns();
  const std::size_t room = std::max(kRankDepth, scratch.pool.size()) * n_columns;
  if (scratch.rows.size() < room) scratch.rows.resize(room);

  features::RequestValues values = request.values;
  values.endpoint = endpoint_of(request.kind);
  const bool wants_vectors = vectorizer.wants_page_cosine() || vectorizer.wants_user_cosine() || vectorizer.wants_history_near();
  CurrentRows current(release, request, wants_vectors, scratch);
  const std::span<const float> user_row = current.user(user ? ranking.users.row(*user) : std::span<const float>(ranking.guest));
  features::ItemValues page;
  if (request.item) {
    const CurrentItem item = current.item(*request.item);
    scratch.page_row.assign(item.values.row.begin(), item.values.row.end());
    page = {scratch.page_row, item.values.tags};
  }
  Likeness likeness(release, request, vectorizer, recall, scratch);

  const ChannelReader channels(recall.sources(), vectorizer.wants_channels());
  CandidateValues candidate;
  const std::span<const std::uint64_t> pool = scratch.pool;
  for (std::size_t r = 0; r < pool.size(); ++r) {
    const ItemIndex item = key_item(pool[r]);
    if (r > 0 && r % models::TreeScorer::kRowsBetweenAsks == 0 && stop.is_due()) return false;
    if (r + kAhead < pool.size()) current.call(key_item(pool[r + kAhead]));
    const Candidate& found = scratch.candidates.at(item);
    const CurrentItem now = current.item(item);
    candidate.item = now.values;
    channels.read(found, candidate.channels);
    candidate.recall_score = std::min(1.0F, found.score / recall.total_weight());
    candidate.recall_rank = static_cast<float>(r + 1);
    if (r % Likeness::kTogether == 0) likeness.compare(pool.subspan(r, std::min(Likeness::kTogether, pool.size() - r)));
    likeness.put(r % Likeness::kTogether, now, candidate);
    candidate.seen_count = count_seen(release, request, user, item, scratch);
    vectorizer.fill(values, user_row, page, candidate, std::span(scratch.rows).subspan(r * n_columns, n_columns));
  }
  return true;
}

void rank_pool(const models::Release& release, const PageRequest& request, std::optional<std::size_t> user, const Recall& recall,
               std::size_t n_first, Scratch& scratch, Page& page) {
  if (page.is_cut) return;
  RankingTime time(request, page);
  if (time.has_passed()) return;
  Breaker* breaker = request.ranking_breaker;
  if (breaker != nullptr && !breaker->allows(time.last())) {
    page.unranked = Unranked::kOpen;
    return;
  }
  score_pool(release, request, user, recall, scratch, page, time);
  // Where the request's own time was up, others may have taken it.
  if (breaker != nullptr && !page.is_cut) page.ranker != nullptr ? breaker->succeed() : breaker->fail(time.last());
  if (page.ranker == nullptr) return;
  auto& keys = scratch.best;
  keys.clear();
  for (std::size_t r = 0; r < scratch.pool.size(); ++r) keys.push_back(ranked_key(scratch.scores[r], r));
  n_first = std::min(n_first, keys.size());
  select_largest(keys, n_first);
  keys.resize(n_first);
  sort_largest_first(keys);
  scratch.order.clear();
  for (const std::uint64_t key : keys) scratch.order.push_back(static_cast<std::uint32_t>(key_place(key)));
}

float ranked_score(double raw) { return static_cast<float>(1 / (1 + std::exp(-std::clamp(raw, -kMostCertain, kMostCertain)))); }

}  // namespace lodestone::engine
