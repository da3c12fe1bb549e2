#pragma once
// All models of one release: with their own memory as training makes them (ReleaseData), and as views over mapped files as the engine
// uses them (Release).

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.hpp"
#include "features/online_state.hpp"
#include "features/text/prefix.hpp"
#include "models/catalog.hpp"
#include "models/ranking/ranker.hpp"
#include "models/recall/latent_vectors.hpp"
#include "models/recall/neighbours.hpp"

namespace lodestone::models {

/// Best first; score is comparable inside one list only.
struct ScoredItem {
  ItemIndex item = 0;
  float score = 0;
  friend bool operator==(const ScoredItem&, const ScoredItem&) = default;
};

/// Lists of items by key: popular overall (one row), popular per category (row = category number), trending per window.
struct RankedLists {
  std::span<const std::uint64_t> offsets;
  std::span<const ItemIndex> items;
  std::span<const float> scores;
  [[nodiscard]] NeighbourRow row(std::size_t i) const {
    return Neighbours(offsets, items, scores).row(static_cast<ItemIndex>(i));
  }
};

/// Known users, ascending by id: what each did (newest first) and what each owns. Behind their histories stand those of guests, who have no id
/// and only serve as neighbours.
class Users {
 public:
  Users() = default;
  Users(std::span<const std::int64_t> ids, std::span<const std::uint64_t> history_offsets,
        std::span<const ItemIndex> history_items, std::span<const float> history_weights,
        std::span<const std::uint64_t> owned_offsets, std::span<const ItemIndex> owned_items)
      : ids_(ids),
        history_offsets_(history_offsets),
        history_items_(history_items),
        history_weights_(history_weights),
        owned_offsets_(owned_offsets),
        owned_items_(owned_items) {}
  [[nodiscard]] std::size_t size() const { return ids_.size(); }
  /// Histories there are, [0, size()) of users and the rest of guests.
  [[nodiscard]] std::size_t n_histories() const { return history_offsets_.empty() ? 0 : history_offsets_.size() - 1; }
  [[nodiscard]] UserId id(std::size_t user) const { return UserId(ids_[user]); }
  /// Binary search.
  [[nodiscard]] std::optional<std::size_t> find(UserId id) const;
  [[nodiscard]] std::span<const ItemIndex> history(std::size_t user) const {
    return history_items_.subspan(history_offsets_[user], history_offsets_[user + 1] - history_offsets_[user]);
  }
  [[nodiscard]] std::span<const float> history_weights(std::size_t user) const {
    return history_weights_.subspan(history_offsets_[user], history_offsets_[user + 1] - history_offsets_[user]);
  }
  /// Items bought, ascending.
  [[nodiscard]] std::span<const ItemIndex> owned(std::size_t user) const {
    return owned_items_.subspan(owned_offsets_[user], owned_offsets_[user + 1] - owned_offsets_[user]);
  }

 private:
  std::span<const std::int64_t> ids_;
  std::span<const std::uint64_t> history_offsets_;
  std::span<const ItemIndex> history_items_;
  std::span<const float> history_weights_;
  std::span<const std::uint64_t> owned_offsets_;
  std::span<const ItemIndex> owned_items_;
};

/// Weight of each channel in the fusion. 0 switches a channel off. The numbers are what a release has that nothing could be learned for.
struct ChannelWeights {
  double behavior = 1.0;
  double content = 0.5;
  double vector = 0.3;
  double sequence = 0.3;
  double session = 0.2;  ///< of the sequence channel's lists from the nearest sessions
  double usercf = 0.2;
  double tag = 0.1;
  double category = 0.05;
  double price = 0.02;
  double popular = 0.1;
  double fresh = 0.02;
};

/// A weight by the name of its channel, for whatever handles all of them: manifest, configuration, learning.
struct WeightField {
  std::string_view name;
  double ChannelWeights::*field;
};
inline constexpr std::array<WeightField, 11> kWeightFields = {{{"behavior", &ChannelWeights::behavior},
                                                               {"content", &ChannelWeights::content},
                                                               {"vector", &ChannelWeights::vector},
                                                               {"sequence", &ChannelWeights::sequence},
                                                               {"session", &ChannelWeights::session},
                                                               {"usercf", &ChannelWeights::usercf},
                                                               {"tag", &ChannelWeights::tag},
                                                               {"category", &ChannelWeights::category},
                                                               {"price", &ChannelWeights::price},
                                                               {"popular", &ChannelWeights::popular},
                                                               {"new", &ChannelWeights::fresh}}};

/// Inverted text index: token hashes ascending, and for each the items with their weight (BM25, ready to be summed).
struct TextIndex {
  std::span<const std::uint64_t> tokens;
  std::span<const std::uint64_t> offsets;
  std::span<const ItemIndex> items;
  std::span<const float> weights;
};

/// Trending windows that a release carries, in this order.
enum class TrendingWindow : int { kHour = 0, kDay = 1, kWeek = 2 };
inline constexpr std::size_t kTrendingWindows = 3;

struct Release {
  std::string id;  ///< bundle id, the `algorithm_version` of answers
  Catalog catalog;
  Neighbours behavior;            ///< for /similar: item -> its nearest
  Neighbours behavior_influence;  ///< for histories: history item -> candidates it speaks for
  Neighbours content;
  LatentVectors vectors;  ///< for histories; empty in a release that has none
  Neighbours vector;      ///< item -> its nearest by their vectors
  Neighbours sequence;    ///< item -> what comes after it
  Neighbours tag;         ///< item -> items that share its tags
  /// Item -> a sample of those who have it in their history (numbers of histories of `users`, not items), with 1 / sqrt(its length).
  Neighbours item_users;
  std::span<const std::int32_t> price_bucket;  ///< by item: row of `price`; empty in a release that has none
  RankedLists price;    ///< row = bucket: the popular items of about that price; the last row, of items without a price, is empty
  RankedLists fresh;    ///< one row: new items
  RankedLists popular;  ///< one row
  RankedLists popular_by_category;  ///< row = category number of the catalogue
  RankedLists trending;             ///< row = TrendingWindow
  TextIndex text;
  features::PrefixIndex words;  ///< of titles and tags, to complete a search
  Users users;
  std::shared_ptr<const Ranking> ranking;  ///< null in a release that has none
  ChannelWeights weights;
};

/// One user's row of ReleaseData.
struct UserData {
  UserId id{};
  std::vector<ItemIndex> history;  ///< newest first
  std::vector<float> history_weights;
  std::vector<ItemIndex> owned;  ///< ascending
};

struct OwnedTextIndex {
  std::vector<std::uint64_t> tokens;
  std::vector<std::uint64_t> offsets{0};
  std::vector<ItemIndex> items;
  std::vector<float> weights;
  [[nodiscard]] TextIndex view() const { return {tokens, offsets, items, weights}; }
};

struct ReleaseData {
  std::vector<Item> items;  ///< ascending by id
  OwnedNeighbours behavior;
  OwnedNeighbours behavior_influence;
  OwnedNeighbours content;
  OwnedLatentVectors vectors;
  OwnedNeighbours sequence;
  OwnedNeighbours tag;
  OwnedNeighbours item_users;
  std::vector<std::int32_t> price_bucket;
  OwnedNeighbours price;
  OwnedNeighbours fresh;
  OwnedNeighbours popular;
  OwnedNeighbours popular_by_category;
  OwnedNeighbours trending;
  OwnedTextIndex text;
  features::OwnedPrefixArrays words;
  std::vector<UserData> users;  ///< ascending by id
  OwnedNeighbours
      guests;  ///< histories of the guests in item_users, numbered behind the users: items newest first, scores the weights
  OwnedRanking ranking;
  std::optional<features::OnlineSnapshot> online;  ///< where the features that change with events begin
  ChannelWeights weights;
};

/// The number that save_catalog gives to each category: first seen in ascending item order, so that popular_by_category can be made
/// before packing. One number an item.
std::vector<std::int32_t> number_categories(std::span<const Item> items);

}  // namespace lodestone::models
