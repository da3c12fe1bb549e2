#pragma once
// The one vectorizer: the rows that a ranker is fitted on and the rows that it scores in a request are made by this code from the same numbers, so that
// they cannot differ.

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace lodestone::features {

/// The channels that have cross_score_* and cross_rank_* features, in the order of ChannelValues.
inline constexpr std::array<std::string_view, 11> kCrossChannels = {"behavior", "content", "vector",  "sequence", "usercf", "tag",
                                                                    "category", "price",   "popular", "trending", "new"};

/// What a channel said of a candidate; rank 0 = nothing.
struct ChannelValue {
  float score = 0;
  std::uint32_t rank = 0;
};
using ChannelValues = std::array<ChannelValue, kCrossChannels.size()>;

inline constexpr float kMissing = std::numeric_limits<float>::quiet_NaN();

/// request_endpoint.
enum class RequestEndpoint : std::uint8_t { kSimilar = 1, kDetail = 2, kUser = 3 };

/// What a request says of itself; what it does not say is missing.
struct RequestValues {
  RequestEndpoint endpoint = RequestEndpoint::kSimilar;
  float device = kMissing;
  float locale = kMissing;
  float source = kMissing;
  float hour = kMissing;     ///< 0 to 23, UTC
  float weekday = kMissing;  ///< 0 = Monday, UTC
};

/// Sets hour and weekday by microseconds since 1970.
void set_time(std::int64_t micros, RequestValues& values);

/// One item as rows see it.
struct ItemValues {
  std::span<const float> row;          ///< of the stored item columns
  std::span<const std::int32_t> tags;  ///< codes in the vocabulary of tags, each once; 0 = a rare tag, which is like no other
};

/// A candidate beside its item.
struct CandidateValues {
  ItemValues item;
  ChannelValues channels{};
  float recall_score = kMissing;  ///< of the fusion
  float recall_rank = kMissing;   ///< by it, from 1
  float page_cosine = kMissing;
  float user_cosine = kMissing;
  float seen_count = 0;
  float history_near = kMissing;  ///< share of what the visitor met last whose vectors are near the item's
};

/// A row's columns are features of the schema, by name, in any order. Const after construction and safe from many threads.
class Vectorizer {
 public:
  /// `columns` name the features of a row; `user_columns` and `item_columns` those that the stored rows of users and items hold. Throws
  /// invalid_argument for a name that the schema does not know and for a stored column that is needed and not there.
  Vectorizer(std::span<const std::string> columns, std::span<const std::string> user_columns,
             std::span<const std::string> item_columns);

  [[nodiscard]] std::size_t n_columns() const { return constant_.size(); }
  /// [n_columns], 1 where all rows of one request hold the same: features of the user and of the request.
  [[nodiscard]] std::span<const std::uint8_t> constant() const { return constant_; }
  /// What a caller must bring; what nobody asks for need not be computed.
  [[nodiscard]] bool wants_page_cosine() const { return wants_page_cosine_; }
  [[nodiscard]] bool wants_user_cosine() const { return wants_user_cosine_; }
  [[nodiscard]] bool wants_history_near() const { return wants_history_near_; }
  /// Bit c is set where a column is made of what channel c said.
  [[nodiscard]] std::uint32_t wants_channels() const { return wants_channels_; }

  /// Writes a row [n_columns]. `user` is the stored row of the user, a guest's when there is none (default_row()); `page` the page's item, an
  /// empty row when the page has none.
  void fill(const RequestValues& request, std::span<const float> user, const ItemValues& page, const CandidateValues& candidate,
            std::span<float> out) const;

 private:
  enum class Source : std::uint8_t { kRequest, kChannelScore, kChannelRank, kCross };
  static constexpr std::size_t kSources = 4;
  struct Slot {
    std::uint16_t column = 0;
    std::uint16_t at = 0;  ///< number of the channel, or of the cross or request feature
  };
  /// Columns that stand side by side in the stored row too.
  struct Run {
    std::size_t column = 0;
    std::size_t at = 0;
    std::size_t n = 0;
  };
  /// Places of what crosses are made from in the stored rows.
  struct Places {
    std::size_t price_mean = 0, price_min = 0, price_max = 0, price_bucket = 0, spend_max = 0, top_category = 0;
    std::array<std::size_t, 3> top_tags{};
    std::size_t item_price = 0, item_bucket = 0, item_category = 0, item_company = 0;
  };
  /// Tags that a candidate shares with the page's item and with the user's top tags.
  struct TagHits {
    std::size_t page = 0, user = 0;
  };
  class Builder;

  [[nodiscard]] TagHits count_hits(std::span<const float> user, const ItemValues& page, const ItemValues& item) const;
  [[nodiscard]] float cross(std::size_t at, std::span<const float> user, const ItemValues& page, const CandidateValues& candidate,
                            const TagHits& hits) const;

  [[nodiscard]] const std::vector<Slot>& of(Source source) const { return slots_[static_cast<std::size_t>(source)]; }

  std::vector<Run> user_runs_;
  std::vector<Run> item_runs_;
  std::array<std::vector<Slot>, kSources> slots_;  ///< by source, so that a row is filled without a choice at each column
  std::vector<std::uint8_t> constant_;
  Places places_;
  std::uint32_t wants_channels_ = 0;
  bool wants_page_cosine_ = false;
  bool wants_user_cosine_ = false;
  bool wants_history_near_ = false;
  bool wants_page_tags_ = false;
  bool wants_user_tags_ = false;
};

/// The stored columns that rows with these features are made from, in the order of the schema: those named, and what crosses take.
struct StoredColumns {
  std::vector<std::string> user;
  std::vector<std::string> item;
};
StoredColumns stored_columns(std::span<const std::string> columns);

/// The row of somebody, or of an item, of whom nothing is known: the defaults of the schema.
std::vector<float> default_row(std::span<const std::string> stored);

}  // namespace lodestone::features
