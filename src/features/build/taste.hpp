#pragma once
// What users touched, by the catalogue: prices, categories and tags of a user's items, and how many people touched each item. One look at one row a
// person and item.

#include <array>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "features/build/event_counts.hpp"

namespace lodestone::features {

/// What is asked of the items of the catalogue; an item's place is its number in EventCounts::items.
struct Catalogue {
  std::vector<double> prices;                   ///< NaN = none
  std::vector<double> buckets;                  ///< of the price, 0 to 9; NaN = none
  std::vector<std::int32_t> categories;         ///< places in category_texts; -1 = none
  std::vector<std::string> category_texts;      ///< ascending
  std::vector<std::uint32_t> tag_begins = {0};  ///< [n_items + 1]
  std::vector<std::uint32_t> tags;              ///< of all items, places in tag_texts
  std::vector<std::string> tag_texts;           ///< ascending

  [[nodiscard]] std::size_t size() const { return prices.size(); }
};

/// Reads the tables feature_item_prices and feature_item_tags and gives the items the first numbers of `items`, which is empty.
Catalogue read_catalogue(table::Engine& engine, Numbering& items);

/// Of one user; an item counts once, and only when it is in the catalogue.
struct Taste {
  static constexpr double kMissing = std::numeric_limits<double>::quiet_NaN();
  static constexpr std::size_t kTopTags = 3;

  std::uint32_t n_items = 0;
  std::uint32_t n_items_7d = 0;
  std::uint32_t n_items_30d = 0;
  std::uint32_t n_categories = 0;
  std::int32_t top_category = -1;  ///< of the most items, of equal ones the first by its text
  std::uint32_t n_tags = 0;        ///< different ones
  std::uint32_t n_tags_seen = 0;
  std::array<std::int32_t, kTopTags> top_tags = {-1, -1, -1};  ///< the same of tags
  std::array<std::uint32_t, kTopTags> top_tag_counts{};
  double top_category_share = kMissing;
  double price_min = kMissing;
  double price_max = kMissing;
  double price_mean = kMissing;
  double price_median = kMissing;
  double price_bucket = kMissing;
};

/// Different people of one item.
struct ItemPeople {
  std::array<std::uint32_t, kWindows> within{};  ///< by the window of their last touch, not nested
  std::uint32_t buyers = 0;
};

/// An account that ordered an item, by their numbers.
struct Buyer {
  std::uint32_t user = 0;
  std::uint32_t item = 0;
};

struct Tastes {
  std::vector<Taste> users;       ///< [n_users]
  std::vector<ItemPeople> items;  ///< [n_items]
  std::vector<Buyer> buyers;      ///< of items in the catalogue
};

/// Adds the touches of the last slice that was counted, and puts them in order. The result does not depend on `n_threads` (0 = usable cores).
void add_tastes(EventCounts& counts, const Catalogue& catalogue, int n_threads, Tastes& out);

}  // namespace lodestone::features
