#include "features/vectorizer.hpp"

#include <algorithm>
#include <cmath>
#include <optional>

#include "base/error.hpp"
#include "features/schema.hpp"

namespace lodestone::features {
namespace {

constexpr float kMostAffordable = 10;
/// Rows of a category code that is missing, or of a rare text, are like no other.
constexpr bool is_same_code(float a, float b) { return a > 0 && a == b; }

enum class Cross : std::uint8_t {
  kPriceRatio,
  kPriceInRange,
  kBucketDistance,
  kAffordability,
  kTagOverlap,
  kTagJaccard,
  kUserTagOverlap,
  kUserTagJaccard,
  kSameCategory,
  kSameCompany,
  kUserCategory,
  kPageCosine,
  kUserCosine,
  kHistoryNear,
  kSeenCount,
  kRecallScore,
  kRecallRank,
};

/// A cross feature and the stored columns it is made from.
struct CrossRecipe {
  std::string_view name;
  Cross cross;
  std::array<std::string_view, 3> user{};
  std::array<std::string_view, 1> item{};
};

constexpr std::array<CrossRecipe, 17> kRecipes = {{
    {"cross_price_ratio", Cross::kPriceRatio, {"user_price_mean"}, {"item_price"}},
    {"cross_price_in_range", Cross::kPriceInRange, {"user_price_min", "user_price_max"}, {"item_price"}},
    {"cross_price_bucket_distance", Cross::kBucketDistance, {"user_price_bucket"}, {"item_price_bucket"}},
    {"cross_affordability", Cross::kAffordability, {"user_spend_max"}, {"item_price"}},
    {"cross_tag_overlap", Cross::kTagOverlap, {}, {}},
    {"cross_tag_jaccard", Cross::kTagJaccard, {}, {}},
    {"cross_user_tag_overlap", Cross::kUserTagOverlap, {"user_top_tag_1", "user_top_tag_2", "user_top_tag_3"}, {}},
    {"cross_user_tag_jaccard", Cross::kUserTagJaccard, {"user_top_tag_1", "user_top_tag_2", "user_top_tag_3"}, {}},
    {"cross_same_category", Cross::kSameCategory, {}, {"item_category"}},
    {"cross_same_company", Cross::kSameCompany, {}, {"item_company"}},
    {"cross_user_category", Cross::kUserCategory, {"user_top_category"}, {"item_category"}},
    {"cross_page_cosine", Cross::kPageCosine, {}, {}},
    {"cross_user_cosine", Cross::kUserCosine, {}, {}},
    {"cross_history_near", Cross::kHistoryNear, {}, {}},
    {"cross_seen_count", Cross::kSeenCount, {}, {}},
    {"cross_recall_score", Cross::kRecallScore, {}, {}},
    {"cross_recall_rank", Cross::kRecallRank, {}, {}},
}};

constexpr std::array<std::string_view, 7> kRequestNames = {"request_endpoint", "request_device", "request_locale",
                                                           "request_source",   "request_hour",   "request_weekday",
                                                           "request_position"};

template <typename Names>
std::size_t index_of(const Names& names, std::string_view name) {
  return static_cast<std::size_t>(std::find(std::begin(names), std::end(names), name) - std::begin(names));
}

const Feature& find_by_name(std::string_view name) {
  for (const Feature& feature : all_features()) {
    if (feature.name == name) return feature;
  }
  fail(ErrorCode::kInvalidArgument, "\"{}\" is no feature; lodestone features list shows what there is", name);
}

const CrossRecipe* find_recipe(std::string_view name) {
  const auto it = std::find_if(kRecipes.begin(), kRecipes.end(), [&](const CrossRecipe& r) { return r.name == name; });
  return it == kRecipes.end() ? nullptr : &*it;
}

constexpr std::int32_t kNoTag = -1;

/// How many tags are one of three codes. Counted to the end: a loop that ends at a hit costs more.
std::size_t count_tags(std::span<const std::int32_t> tags, const std::array<std::int32_t, 3>& codes) {
  const auto [a, b, c] = codes;
  const auto is = [](std::int32_t tag, std::int32_t code) { return static_cast<std::int32_t>(tag == code); };
  std::int32_t n = 0;
  for (const std::int32_t tag : tags) n += is(tag, a) + is(tag, b) + is(tag, c);
  return static_cast<std::size_t>(n);
}

/// A code to look for; a rare tag, 0, is like no other.
std::int32_t code_of(std::int32_t tag) { return tag > 0 ? tag : kNoTag; }
std::int32_t code_of(float stored) {
  constexpr float kMost = 1U << 24U;  // floats hold each whole number up to here
  return stored > 0 && stored <= kMost ? static_cast<std::int32_t>(stored) : kNoTag;
}

float share_of_all(std::size_t shared, std::size_t n_a, std::size_t n_b) {
  const std::size_t all = n_a + n_b - shared;
  return all == 0 ? 0 : static_cast<float>(shared) / static_cast<float>(all);
}

float request_value(const RequestValues& request, std::size_t at) {
  switch (at) {
    case 0: return static_cast<float>(request.endpoint);
    case 1: return request.device;
    case 2: return request.locale;
    case 3: return request.source;
    case 4: return request.hour;
    case 5: return request.weekday;
    default: return kMissing;  // the place is what a list is being made for
  }
}

}  // namespace

/// Reads names into slots.
class Vectorizer::Builder {
 public:
  Builder(Vectorizer& out, std::span<const std::string> user_columns, std::span<const std::string> item_columns)
      : out_(out), user_columns_(user_columns), item_columns_(item_columns) {}

  void add(const std::string& name) {
    const Feature& feature = find_by_name(name);
    out_.constant_.push_back(feature.group == Group::kUser || feature.group == Group::kRequest ? 1 : 0);
    switch (feature.group) {
      case Group::kUser: return copy(out_.user_runs_, place(user_columns_, name));
      case Group::kItem: return copy(out_.item_runs_, place(item_columns_, name));
      case Group::kRequest: return push(Source::kRequest, index_of(kRequestNames, name));
      case Group::kCross: return add_cross(name);
    }
  }

 private:
  void push(Source source, std::size_t at) {
    const auto column = static_cast<std::uint16_t>(out_.constant_.size() - 1);
    out_.slots_[static_cast<std::size_t>(source)].push_back({column, static_cast<std::uint16_t>(at)});
  }

  void push_channel(Source source, std::string_view channel) {
    const std::size_t at = index_of(kCrossChannels, channel);
    push(source, at);
    out_.wants_channels_ |= 1U << at;
  }

  void copy(std::vector<Run>& runs, std::size_t at) {
    const std::size_t column = out_.constant_.size() - 1;
    const bool goes_on = !runs.empty() && runs.back().column + runs.back().n == column && runs.back().at + runs.back().n == at;
    if (goes_on) {
      ++runs.back().n;
    } else {
      runs.push_back({column, at, 1});
    }
  }

  static std::size_t place(std::span<const std::string> stored, std::string_view name) {
    const std::size_t at = index_of(stored, name);
    if (at == stored.size())
      fail(ErrorCode::kInvalidArgument, "feature {} is needed and not stored with the release; train again", name);
    return at;
  }

  void add_cross(std::string_view name) {
    constexpr std::string_view kScore = "cross_score_";
    constexpr std::string_view kRank = "cross_rank_";
    if (name.starts_with(kScore)) return push_channel(Source::kChannelScore, name.substr(kScore.size()));
    if (name.starts_with(kRank)) return push_channel(Source::kChannelRank, name.substr(kRank.size()));
    const CrossRecipe* recipe = find_recipe(name);
    LODESTONE_ASSERT(recipe != nullptr, "cross feature {} has no recipe", name);
    push(Source::kCross, static_cast<std::size_t>(recipe->cross));
    Places& p = out_.places_;
    const auto user = [&](std::size_t n) { return place(user_columns_, recipe->user[n]); };
    const auto item = [&] { return place(item_columns_, recipe->item[0]); };
    switch (recipe->cross) {
      case Cross::kPriceRatio:
        p.price_mean = user(0);
        p.item_price = item();
        break;
      case Cross::kPriceInRange:
        p.price_min = user(0);
        p.price_max = user(1);
        p.item_price = item();
        break;
      case Cross::kBucketDistance:
        p.price_bucket = user(0);
        p.item_bucket = item();
        break;
      case Cross::kAffordability:
        p.spend_max = user(0);
        p.item_price = item();
        break;
      case Cross::kUserTagOverlap:
      case Cross::kUserTagJaccard:
        for (std::size_t t = 0; t < p.top_tags.size(); ++t) p.top_tags[t] = user(t);
        out_.wants_user_tags_ = true;
        break;
      case Cross::kTagOverlap:
      case Cross::kTagJaccard: out_.wants_page_tags_ = true; break;
      case Cross::kSameCategory: p.item_category = item(); break;
      case Cross::kSameCompany: p.item_company = item(); break;
      case Cross::kUserCategory:
        p.top_category = user(0);
        p.item_category = item();
        break;
      case Cross::kPageCosine: out_.wants_page_cosine_ = true; break;
      case Cross::kUserCosine: out_.wants_user_cosine_ = true; break;
      case Cross::kHistoryNear: out_.wants_history_near_ = true; break;
      case Cross::kSeenCount:
      case Cross::kRecallScore:
      case Cross::kRecallRank: break;
    }
  }

  Vectorizer& out_;
  std::span<const std::string> user_columns_;
  std::span<const std::string> item_columns_;
};

Vectorizer::Vectorizer(std::span<const std::string> columns, std::span<const std::string> user_columns,
                       std::span<const std::string> item_columns) {
  Builder builder(*this, user_columns, item_columns);
  for (const std::string& name : columns) builder.add(name);
}

void Vectorizer::fill(const RequestValues& request, std::span<const float> user, const ItemValues& page,
                      const CandidateValues& candidate, std::span<float> out) const {
  const auto copy = [&out](const std::vector<Run>& runs, std::span<const float> from) {
    for (const Run& run : runs) std::copy_n(from.data() + run.at, run.n, out.data() + run.column);
  };
  copy(user_runs_, user);
  copy(item_runs_, candidate.item.row);
  for (const Slot& slot : of(Source::kRequest)) out[slot.column] = request_value(request, slot.at);
  for (const Slot& slot : of(Source::kChannelScore)) {
    const ChannelValue& said = candidate.channels[slot.at];
    out[slot.column] = said.rank > 0 ? said.score : kMissing;
  }
  for (const Slot& slot : of(Source::kChannelRank)) {
    const ChannelValue& said = candidate.channels[slot.at];
    out[slot.column] = said.rank > 0 ? static_cast<float>(said.rank) : kMissing;
  }
  const TagHits hits = count_hits(user, page, candidate.item);
  for (const Slot& slot : of(Source::kCross)) out[slot.column] = cross(slot.at, user, page, candidate, hits);
}

Vectorizer::TagHits Vectorizer::count_hits(std::span<const float> user, const ItemValues& page, const ItemValues& item) const {
  TagHits hits;
  if (wants_page_tags_) {
    const auto code = [&page](std::size_t t) { return t < page.tags.size() ? code_of(page.tags[t]) : kNoTag; };
    for (std::size_t t = 0; t < page.tags.size(); t += 3) hits.page += count_tags(item.tags, {code(t), code(t + 1), code(t + 2)});
  }
  if (wants_user_tags_) {
    const auto code = [&](std::size_t t) { return code_of(user[places_.top_tags[t]]); };
    hits.user = count_tags(item.tags, {code(0), code(1), code(2)});
  }
  return hits;
}

/// Comparisons with NaN are false, so what is missing is in no range and like nothing.
float Vectorizer::cross(std::size_t at, std::span<const float> user, const ItemValues& page, const CandidateValues& candidate,
                        const TagHits& hits) const {
  const Places& p = places_;
  const ItemValues& item = candidate.item;
  const bool has_page = !page.row.empty();
  switch (static_cast<Cross>(at)) {
    case Cross::kPriceRatio: return std::log((1 + item.row[p.item_price]) / (1 + user[p.price_mean]));
    case Cross::kPriceInRange:
      return item.row[p.item_price] >= user[p.price_min] && item.row[p.item_price] <= user[p.price_max] ? 1 : 0;
    case Cross::kBucketDistance: return std::abs(item.row[p.item_bucket] - user[p.price_bucket]);
    case Cross::kAffordability: {
      const float spend = user[p.spend_max];
      const float price = item.row[p.item_price];
      if (std::isnan(spend) || std::isnan(price)) return kMissing;
      return price > 0 ? std::min(spend / price, kMostAffordable) : kMostAffordable;
    }
    case Cross::kTagOverlap: return static_cast<float>(hits.page);
    case Cross::kTagJaccard: return has_page ? share_of_all(hits.page, item.tags.size(), page.tags.size()) : 0;
    case Cross::kUserTagOverlap: return static_cast<float>(hits.user);
    case Cross::kUserTagJaccard: {
      const auto n_top = static_cast<std::size_t>(
          std::count_if(p.top_tags.begin(), p.top_tags.end(), [&](std::size_t place) { return user[place] > 0; }));
      return share_of_all(hits.user, n_top, item.tags.size());
    }
    case Cross::kSameCategory: return has_page && is_same_code(item.row[p.item_category], page.row[p.item_category]) ? 1 : 0;
    case Cross::kSameCompany: return has_page && is_same_code(item.row[p.item_company], page.row[p.item_company]) ? 1 : 0;
    case Cross::kUserCategory: return is_same_code(item.row[p.item_category], user[p.top_category]) ? 1 : 0;
    case Cross::kPageCosine: return candidate.page_cosine;
    case Cross::kUserCosine: return candidate.user_cosine;
    case Cross::kHistoryNear: return candidate.history_near;
    case Cross::kSeenCount: return candidate.seen_count;
    case Cross::kRecallScore: return candidate.recall_score;
    case Cross::kRecallRank: return candidate.recall_rank;
  }
  return kMissing;
}

void set_time(std::int64_t micros, RequestValues& values) {
  constexpr std::int64_t kHour = 3'600'000'000;
  const std::int64_t hours = micros / kHour;
  values.hour = static_cast<float>(hours % 24);
  values.weekday = static_cast<float>((hours / 24 + 3) % 7);  // 1970-01-01 was a Thursday
}

StoredColumns stored_columns(std::span<const std::string> columns) {
  std::vector<std::string_view> wanted;
  for (const std::string& name : columns) {
    wanted.push_back(find_by_name(name).name);
    const CrossRecipe* recipe = find_recipe(name);
    if (recipe == nullptr) continue;
    wanted.insert(wanted.end(), recipe->user.begin(), recipe->user.end());
    wanted.insert(wanted.end(), recipe->item.begin(), recipe->item.end());
  }
  const auto pick = [&](Group group) {
    std::vector<std::string> out;
    for (const Feature& feature : features_of(group)) {
      if (std::find(wanted.begin(), wanted.end(), feature.name) != wanted.end()) out.emplace_back(feature.name);
    }
    return out;
  };
  return {pick(Group::kUser), pick(Group::kItem)};
}

std::vector<float> default_row(std::span<const std::string> stored) {
  std::vector<float> out;
  for (const std::string& name : stored) out.push_back(find_by_name(name).fallback);
  return out;
}

}  // namespace lodestone::features
