#include "training/attributes.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <string_view>

#include "base/rng.hpp"
#include "training/item_knn.hpp"
#include "training/top_items.hpp"

namespace lodestone::training {
namespace {

using models::Item;
using models::ScoredItem;

/// How much popularity may move an item among those with shared tags: it parts equals and leaves the others in their order.
constexpr float kPopularShare = 0.05F;
constexpr double kMicrosPerDay = 86.4e9;

float largest_of(std::span<const float> popularity) {
  return popularity.empty() ? 0 : *std::max_element(popularity.begin(), popularity.end());
}

void append_row(models::OwnedNeighbours& lists, const std::vector<ScoredItem>& row) {
  for (const ScoredItem& entry : row) {
    lists.items.push_back(entry.item);
    lists.scores.push_back(entry.score);
  }
  lists.offsets.push_back(lists.items.size());
}

}  // namespace

models::OwnedNeighbours fit_tags(std::span<const Item> items, std::span<const float> popularity,
                                 const AttributeOptions& options) {
  // Tags in the place of users: who touched an item there has it here, and the idf of a user of many items is that of a common tag.
  std::map<std::string_view, std::vector<ItemIndex>> items_of;
  for (std::size_t i = 0; i < items.size(); ++i) {
    for (const std::string& tag : items[i].tags) {
      std::vector<ItemIndex>& row = items_of[tag];
      if (row.empty() || row.back() != static_cast<ItemIndex>(i)) row.push_back(static_cast<ItemIndex>(i));
    }
  }
  models::Interactions tags;
  tags.n_items = items.size();
  for (const auto& [tag, row] : items_of) {
    tags.items.insert(tags.items.end(), row.begin(), row.end());
    tags.offsets.push_back(tags.items.size());
  }
  tags.weights.assign(tags.items.size(), 1.0F);
  ItemKnnOptions knn;
  knn.weighting = Weighting::kTfIdf;
  knn.neighbors = 2 * options.neighbors;  // the popular ones of equals are chosen below
  knn.threads = options.threads;
  const models::OwnedNeighbours near = fit_item_knn(tags, knn);
  const float most = std::max(1e-30F, largest_of(popularity));
  models::OwnedNeighbours out;
  std::vector<ScoredItem> row;
  for (std::size_t i = 0; i < items.size(); ++i) {
    row.clear();
    const models::NeighbourRow from = near.view().row(static_cast<ItemIndex>(i));
    for (std::size_t k = 0; k < from.items.size(); ++k) {
      const float share = popularity[static_cast<std::size_t>(from.items[k])] / most;
      row.push_back({from.items[k], from.scores[k] * (1 + kPopularShare * share)});
    }
    keep_top(row, options.neighbors);
    append_row(out, row);
  }
  return out;
}

PriceLists fit_prices(std::span<const Item> items, std::span<const float> popularity, const AttributeOptions& options) {
  std::vector<double> prices;
  for (const Item& item : items) {
    if (std::isfinite(item.price)) prices.push_back(item.price);
  }
  std::sort(prices.begin(), prices.end());
  std::vector<double> edges;  // bucket b holds prices from edges[b - 1] up to below edges[b]
  for (std::size_t b = 1; b < options.price_buckets && !prices.empty(); ++b) {
    const double edge = prices[b * prices.size() / options.price_buckets];
    if (edge > prices.front() && (edges.empty() || edge > edges.back())) edges.push_back(edge);
  }
  const std::size_t n_priced = prices.empty() ? 0 : edges.size() + 1;
  PriceLists out;
  std::vector<std::vector<ScoredItem>> rows(n_priced + 1);
  for (std::size_t i = 0; i < items.size(); ++i) {
    std::size_t bucket = n_priced;
    if (std::isfinite(items[i].price)) {
      bucket = static_cast<std::size_t>(std::upper_bound(edges.begin(), edges.end(), items[i].price) - edges.begin());
      // Items that nobody touched still have a place in the list, behind the others.
      rows[bucket].push_back({static_cast<ItemIndex>(i), popularity[i] + 1e-3F});
    }
    out.bucket_of.push_back(static_cast<std::int32_t>(bucket));
  }
  // The rows end with the highest bucket that an item has, which is how a reader counts them.
  const std::int32_t last = out.bucket_of.empty() ? 0 : *std::max_element(out.bucket_of.begin(), out.bucket_of.end());
  rows.resize(static_cast<std::size_t>(last) + 1);
  for (std::vector<ScoredItem>& row : rows) {
    keep_top(row, options.list_items);
    append_row(out.lists, row);
  }
  return out;
}

models::OwnedNeighbours fit_new(std::span<const Item> items, const AttributeOptions& options) {
  std::int64_t newest = Item::kNoTime;
  for (const Item& item : items) newest = std::max(newest, item.created_at);
  std::vector<ScoredItem> row;
  for (std::size_t i = 0; i < items.size(); ++i) {
    const Item& item = items[i];
    const bool says_what_it_is = !item.title.empty() && (!item.description.empty() || !item.tags.empty());
    if (item.created_at == Item::kNoTime || !item.is_available || !says_what_it_is) continue;
    const double days = static_cast<double>(newest - item.created_at) / kMicrosPerDay;
    const auto score = static_cast<float>(std::pow(0.5, days / options.new_half_life_days));
    if (score > 0) row.push_back({static_cast<ItemIndex>(i), score});
  }
  keep_top(row, options.list_items);
  models::OwnedNeighbours out;
  append_row(out, row);
  return out;
}

models::OwnedNeighbours sample_item_users(const models::Interactions& interactions, const AttributeOptions& options) {
  const std::size_t n_users = interactions.n_users();
  const models::ItemUsers users = models::transpose(interactions);
  models::OwnedNeighbours out;
  std::vector<ScoredItem> row;  // of users
  std::vector<std::uint64_t> hashes(n_users);
  for (std::size_t u = 0; u < n_users; ++u) {
    std::uint64_t state = u;
    hashes[u] = split_mix(state);
  }
  for (std::size_t i = 0; i < interactions.n_items; ++i) {
    row.clear();
    for (std::uint64_t at = users.offsets[i]; at < users.offsets[i + 1]; ++at) {
      const auto user = static_cast<std::size_t>(users.users[at]);
      const std::size_t n = interactions.row(user).items.size();
      if (n >= 2) row.push_back({users.users[at], 1 / std::sqrt(static_cast<float>(n))});
    }
    if (row.size() > options.users_per_item) {
      std::nth_element(row.begin(), row.begin() + static_cast<std::ptrdiff_t>(options.users_per_item), row.end(),
                       [&](const ScoredItem& a, const ScoredItem& b) {
                         const std::uint64_t x = hashes[static_cast<std::size_t>(a.item)];
                         const std::uint64_t y = hashes[static_cast<std::size_t>(b.item)];
                         return x != y ? x < y : a.item < b.item;
                       });
      row.resize(options.users_per_item);
    }
    std::sort(row.begin(), row.end(), better);
    append_row(out, row);
  }
  return out;
}

}  // namespace lodestone::training
