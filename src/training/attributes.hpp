#pragma once
// Lists from what items are rather than from who touched them: shared tags, about the same price, new; and the sample of users by which
// user-kNN finds its neighbours when a page is made.

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "models/interactions.hpp"
#include "models/recall/neighbours.hpp"
#include "models/release.hpp"

namespace lodestone::training {

struct AttributeOptions {
  std::size_t neighbors = 100;       ///< of a tag list
  std::size_t list_items = 300;      ///< of a price bucket and of the new items
  std::size_t price_buckets = 8;     ///< at most; fewer where prices repeat
  double new_half_life_days = 30;    ///< a new item's score halves with it, counted back from the newest item
  std::size_t users_per_item = 200;  ///< of the sample for user-kNN; a page costs its history times this
  int threads = 0;                   ///< 0 = all cores; the results do not depend on it
};

/// Row i: the items that share tags with item i, by cosine of their idf-weighted tags; of items that are equally near the more popular comes
/// first. `popularity` [n_items] from 0 on. Items without tags have empty rows.
models::OwnedNeighbours fit_tags(std::span<const models::Item> items, std::span<const float> popularity,
                                 const AttributeOptions& options);

struct PriceLists {
  std::vector<std::int32_t> bucket_of;  ///< by item; the last bucket holds the items without a price, and has an empty row
  models::OwnedNeighbours lists;        ///< row = bucket: its items, popular first, scores positive
};

/// Buckets are quantiles of the prices there are: fixed edges would put a real catalogue into one or two of them.
PriceLists fit_prices(std::span<const models::Item> items, std::span<const float> popularity, const AttributeOptions& options);

/// One row: available items that say what they are (a title, and a description or tags), newest first by created_at, score
/// 0.5^(days before the newest / half-life). Items without a time are left out.
models::OwnedNeighbours fit_new(std::span<const models::Item> items, const AttributeOptions& options);

/// Row i: people (rows of `interactions`, guests among them) who have item i and at least one other, at most users_per_item of them, chosen
/// by a hash so that nobody is favoured; scores 1 / sqrt(items of the person), which makes sums over a history the cosine's numerator.
models::OwnedNeighbours sample_item_users(const models::Interactions& interactions, const AttributeOptions& options);

}  // namespace lodestone::training
