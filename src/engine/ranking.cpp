#include "engine/ranking.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/error.hpp"

namespace lodestone::engine {
namespace {

using features::CandidateValues;
using features::kMissing;

/// Raw scores beyond this are as good as certain; their logistic function still is a float above 0 and below 1.
constexpr double kMostCertain = 15;

static_assert(features::kCrossChannels.size() <= kChannels);

/// The same sum on every processor: the lanes are added in one order, whatever the registers.
struct Dots {
  float ab = 0;
  float aa = 0;
};
Dots dots(std::span<const float> a, std::span<const float> b) {
  constexpr std::size_t kLanes = 16;
  std::array<float, kLanes> ab{};
  std::array<float, kLanes> aa{};
  const std::size_t whole = a.size() / kLanes * kLanes;
  for (std::size_t i = 0; i < whole; i += kLanes) {
    for (std::size_t l = 0; l < kLanes; ++l) {
      ab[l] += a[i + l] * b[i + l];
      aa[l] += a[i + l] * a[i + l];
    }
  }
  for (std::size_t i = whole; i < a.size(); ++i) {
    ab[i - whole] += a[i] * b[i];
    aa[i - whole] += a[i] * a[i];
  }
  Dots out;
  for (std::size_t l = 0; l < kLanes; ++l) {
    out.ab += ab[l];
    out.aa += aa[l];
  }
  return out;
}

std::span<const float> vector_of(const models::Release& release, ItemIndex item) {
  const models::VectorArrays& arrays = release.vectors.index().arrays();
  return arrays.vectors.subspan(static_cast<std::size_t>(item) * arrays.stride, arrays.dimension);
}

/// Cosine to one fixed vector; missing where one of the two has no length.
class Cosine {
 public:
  Cosine() = default;
  explicit Cosine(std::span<const float> to) : to_(to), length_(dots(to, to).aa) {}
  [[nodiscard]] float operator()(std::span<const float> vector) const {
    if (!(length_ > 0)) return kMissing;
    const Dots d = dots(vector, to_);
    return d.aa > 0 ? d.ab / std::sqrt(d.aa * length_) : kMissing;
  }

 private:
  std::span<const float> to_;
  float length_ = 0;
};

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

/// Of two lists of one channel the first, the page item's, tells, as in a page's contributions.
void read_channels(std::span<const Source> sources, const Candidate& candidate, features::ChannelValues& out) {
  out = {};
  for (std::size_t s = sources.size(); s-- > 0;) {
    const std::uint16_t rank = candidate.ranks[s];
    const auto c = static_cast<std::size_t>(sources[s].channel);
    if (rank == 0 || c >= out.size()) continue;
    out[c] = {sources[s].list.scores[rank - 1U], rank};
  }
}

/// Stored rows with what has moved since the release was made, where the request brings that.
class CurrentRows {
 public:
  CurrentRows(const models::Ranking& ranking, const PageRequest& request, Scratch& scratch)
      : ranking_(ranking), request_(request), scratch_(scratch) {
    const std::size_t n =
        std::max(features::features_of(features::Group::kUser).size(), features::features_of(features::Group::kItem).size());
    if (request.online != nullptr && scratch.whole_row.size() < n) scratch.whole_row.resize(n);
  }

  std::span<const float> user(std::span<const float> stored) {
    if (request_.online == nullptr || ranking_.online_users.empty() || !request_.user) return stored;
    const auto whole = std::span(scratch_.whole_row).first(features::features_of(features::Group::kUser).size());
    request_.online->user_row(*request_.user, request_.now, whole);
    scratch_.user_row.assign(stored.begin(), stored.end());
    ranking_.online_users.put(whole, scratch_.user_row);
    return scratch_.user_row;
  }

  /// The row lies in `memory` until that is used again.
  features::ItemValues item(const models::Release& release, ItemIndex item, std::vector<float>& memory) {
    features::ItemValues values = ranking_.item(item);
    if (request_.online == nullptr || ranking_.online_items.empty()) return values;
    const auto whole = std::span(scratch_.whole_row).first(features::features_of(features::Group::kItem).size());
    request_.online->item_row(release.catalog.id(item), request_.now, whole);
    memory.assign(values.row.begin(), values.row.end());
    ranking_.online_items.put(whole, memory);
    values.row = memory;
    return values;
  }

 private:
  const models::Ranking& ranking_;
  const PageRequest& request_;
  Scratch& scratch_;
};

}  // namespace

void make_rows(const models::Release& release, const PageRequest& request, std::optional<std::size_t> user, const Recall& recall,
               const features::Vectorizer& vectorizer, Scratch& scratch) {
  LODESTONE_ASSERT(release.ranking != nullptr, "rows need the features of the release");
  const models::Ranking& ranking = *release.ranking;
  const std::size_t n_columns = vectorizer.n_columns();
  const std::size_t room = std::max(kRankDepth, scratch.pool.size()) * n_columns;
  if (scratch.rows.size() < room) scratch.rows.resize(room);

  features::RequestValues values = request.values;
  values.endpoint = endpoint_of(request.kind);
  CurrentRows current(ranking, request, scratch);
  const std::span<const float> user_row = current.user(user ? ranking.users.row(*user) : std::span<const float>(ranking.guest));
  const features::ItemValues page =
      request.item ? current.item(release, *request.item, scratch.page_row) : features::ItemValues{};
  const bool has_vectors = !release.vectors.empty();
  Cosine to_page;
  if (vectorizer.wants_page_cosine() && has_vectors && request.item) to_page = Cosine(vector_of(release, *request.item));
  Cosine to_user;
  if (vectorizer.wants_user_cosine() && recall.has_user_vector())
    to_user = Cosine(std::span<const float>(scratch.vectors.user).first(release.vectors.index().arrays().dimension));
  const bool wants_vector = vectorizer.wants_page_cosine() || vectorizer.wants_user_cosine();

  CandidateValues candidate;
  for (std::size_t r = 0; r < scratch.pool.size(); ++r) {
    const ItemIndex item = key_item(scratch.pool[r]);
    const Candidate& found = scratch.candidates.at(item);
    candidate.item = current.item(release, item, scratch.item_row);
    read_channels(recall.sources(), found, candidate.channels);
    candidate.recall_score = std::min(1.0F, found.score / recall.total_weight());
    candidate.recall_rank = static_cast<float>(r + 1);
    if (wants_vector && has_vectors) {
      const std::span<const float> vector = vector_of(release, item);
      candidate.page_cosine = to_page(vector);
      candidate.user_cosine = to_user(vector);
    }
    candidate.seen_count = count_seen(release, request, user, item, scratch);
    vectorizer.fill(values, user_row, page, candidate, std::span(scratch.rows).subspan(r * n_columns, n_columns));
  }
}

void rank_pool(const models::Release& release, const PageRequest& request, std::optional<std::size_t> user, const Recall& recall,
               Scratch& scratch, Page& page) {
  const std::size_t n = scratch.pool.size();
  if (scratch.scores.size() < n) scratch.scores.resize(std::max(n, kRankDepth));
  for (const auto& ranker : release.ranking->rankers) {
    if (is_over(request, page)) return;
    make_rows(release, request, user, recall, ranker->vectorizer(), scratch);
    if (!ranker->score(scratch.rows, n, scratch.scores, scratch.trees)) {
      ++page.n_failed_rankers;
      continue;
    }
    page.ranker = ranker.get();
    break;
  }
  if (page.ranker == nullptr) return;
  auto& order = scratch.order;
  order.resize(n);
  for (std::size_t r = 0; r < n; ++r) order[r] = static_cast<std::uint32_t>(r);
  // Equal scores stay as recall has them.
  std::sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) {
    return scratch.scores[a] != scratch.scores[b] ? scratch.scores[a] > scratch.scores[b] : a < b;
  });
}

float ranked_score(double raw) { return static_cast<float>(1 / (1 + std::exp(-std::clamp(raw, -kMostCertain, kMostCertain)))); }

}  // namespace lodestone::engine
