#include "training_input.hpp"

#include <absl/container/flat_hash_map.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "base/error.hpp"

namespace lodestone::app {
namespace {

using models::Item;
using table::Chunk;

double number_or_nan(const Chunk& chunk, std::size_t column, std::size_t row) {
  return chunk.is_null(column, row) ? std::numeric_limits<double>::quiet_NaN() : chunk.double_at(column, row);
}

std::string text_or_empty(const Chunk& chunk, std::size_t column, std::size_t row) {
  return chunk.is_null(column, row) ? std::string() : std::string(chunk.text_at(column, row));
}

std::int64_t time_or_none(const Chunk& chunk, std::size_t column, std::size_t row) {
  return chunk.is_null(column, row) ? Item::kNoTime : chunk.int_at(column, row);
}

/// Item id -> its number, by binary search: items are ascending.
ItemIndex find_item(const std::vector<Item>& items, std::int64_t id) {
  const auto it = std::lower_bound(items.begin(), items.end(), id,
                                   [](const Item& item, std::int64_t wanted) { return raw(item.id) < wanted; });
  return it == items.end() || raw(it->id) != id ? -1 : static_cast<ItemIndex>(it - items.begin());
}

/// One pair of user and item while rows are gathered.
struct Pair {
  std::uint32_t user;
  ItemIndex item;
  float weight;
  std::int64_t at;
};

/// Rows 0 .. n-1 by counting sort on the user.
std::vector<std::uint64_t> row_offsets(const std::vector<Pair>& pairs, std::size_t n_rows) {
  std::vector<std::uint64_t> offsets(n_rows + 1);
  for (const Pair& pair : pairs) ++offsets[pair.user + 1];
  std::partial_sum(offsets.begin(), offsets.end(), offsets.begin());
  return offsets;
}

/// Keeps the newest `max_history` of each row and puts them in ascending item order.
void append_row(std::span<Pair> row, std::size_t max_history, TrainingInteractions& out) {
  if (row.size() > max_history) {
    std::nth_element(row.begin(), row.begin() + static_cast<std::ptrdiff_t>(max_history), row.end(),
                     [](const Pair& a, const Pair& b) { return a.at != b.at ? a.at > b.at : a.item < b.item; });
    row = row.first(max_history);
  }
  std::sort(row.begin(), row.end(), [](const Pair& a, const Pair& b) { return a.item < b.item; });
  for (const Pair& pair : row) {
    out.matrix.items.push_back(pair.item);
    out.matrix.weights.push_back(pair.weight);
    out.last_at.push_back(pair.at);
  }
  out.matrix.offsets.push_back(out.matrix.items.size());
}

models::OwnedNeighbours ordered_lists(std::vector<std::vector<models::ScoredItem>>& rows) {
  models::OwnedNeighbours lists;
  for (auto& row : rows) {
    std::sort(row.begin(), row.end(), [](const models::ScoredItem& a, const models::ScoredItem& b) {
      return a.score != b.score ? a.score > b.score : a.item < b.item;
    });
    for (const models::ScoredItem& entry : row) {
      lists.items.push_back(entry.item);
      lists.scores.push_back(entry.score);
    }
    lists.offsets.push_back(lists.items.size());
  }
  return lists;
}

}  // namespace

std::vector<Item> read_items(table::Engine& engine) {
  std::vector<Item> items;
  engine.query(
      "SELECT item_id, title, description, tags, category, company, CAST(price AS DOUBLE), cover_image, data_format, "
      "CAST(records AS DOUBLE), created_at, updated_at, is_available FROM items ORDER BY item_id",
      [&](const Chunk& chunk) {
        for (std::size_t r = 0; r < chunk.n_rows(); ++r) {
          Item& item = items.emplace_back();
          item.id = ItemId(chunk.int_at(0, r));
          item.title = text_or_empty(chunk, 1, r);
          item.description = text_or_empty(chunk, 2, r);
          if (!chunk.is_null(3, r)) {
            for (const std::string_view tag : chunk.texts_at(3, r)) item.tags.emplace_back(tag);
          }
          item.category = text_or_empty(chunk, 4, r);
          item.company = text_or_empty(chunk, 5, r);
          item.price = number_or_nan(chunk, 6, r);
          item.cover_image = text_or_empty(chunk, 7, r);
          item.data_format = text_or_empty(chunk, 8, r);
          item.records = number_or_nan(chunk, 9, r);
          item.created_at = time_or_none(chunk, 10, r);
          item.updated_at = time_or_none(chunk, 11, r);
          item.is_available = !chunk.is_null(12, r) && chunk.bool_at(12, r);
        }
      });
  if (items.empty())
    fail(ErrorCode::kContract, "the lake's table items is empty; check source.business and run lodestone extract");
  return items;
}

TrainingInteractions read_interactions(table::Engine& engine, const TrainingQueries& queries, const std::vector<Item>& items,
                                       std::size_t max_history) {
  std::vector<Pair> pairs;
  absl::flat_hash_map<std::int64_t, std::uint32_t> users;
  absl::flat_hash_map<std::int64_t, std::uint32_t> guests;
  std::vector<std::int64_t> user_of;
  // Guests are numbered from the top bit until the number of users is known.
  constexpr std::uint32_t kGuest = 1U << 31U;
  const table::SqlFile query = table::SqlFile::load(queries.sql_folder, "labels/interactions");
  engine.query("SELECT user_id, guest_key, item_id, CAST(weight AS DOUBLE) AS weight, last_at FROM (" +
                   query.render(queries.parameters) + ")",
               [&](const Chunk& chunk) {
                 for (std::size_t r = 0; r < chunk.n_rows(); ++r) {
                   const ItemIndex item = find_item(items, chunk.int_at(2, r));
                   if (item < 0) continue;
                   std::uint32_t row = 0;
                   if (!chunk.is_null(0, r)) {
                     const auto [it, added] = users.emplace(chunk.int_at(0, r), static_cast<std::uint32_t>(users.size()));
                     if (added) user_of.push_back(it->first);
                     row = it->second;
                   } else {
                     row = kGuest | guests.emplace(chunk.int_at(1, r), static_cast<std::uint32_t>(guests.size())).first->second;
                   }
                   pairs.push_back({row, item, static_cast<float>(chunk.double_at(3, r)), chunk.int_at(4, r)});
                 }
               });
  // Users ascending by id, then the guests.
  TrainingInteractions out;
  std::vector<std::uint32_t> order(user_of.size());
  std::iota(order.begin(), order.end(), 0U);
  std::sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) { return user_of[a] < user_of[b]; });
  std::vector<std::uint32_t> place(user_of.size());
  for (std::size_t i = 0; i < order.size(); ++i) {
    place[order[i]] = static_cast<std::uint32_t>(i);
    out.user_ids.push_back(user_of[order[i]]);
  }
  for (Pair& pair : pairs) {
    pair.user = (pair.user & kGuest) != 0 ? static_cast<std::uint32_t>(user_of.size()) + (pair.user & ~kGuest) : place[pair.user];
  }
  out.matrix.n_items = items.size();
  const std::vector<std::uint64_t> offsets = row_offsets(pairs, users.size() + guests.size());
  std::vector<Pair> sorted(pairs.size());
  std::vector<std::uint64_t> next(offsets.begin(), offsets.end() - 1);
  for (const Pair& pair : pairs) sorted[next[pair.user]++] = pair;
  pairs = {};
  for (std::size_t u = 0; u + 1 < offsets.size(); ++u) {
    append_row(std::span(sorted).subspan(offsets[u], offsets[u + 1] - offsets[u]), max_history, out);
  }
  return out;
}

std::vector<models::UserData> make_users(const TrainingInteractions& interactions) {
  std::vector<models::UserData> users;
  std::vector<std::size_t> order;
  for (std::size_t u = 0; u < interactions.user_ids.size(); ++u) {
    models::UserData& user = users.emplace_back();
    user.id = UserId(interactions.user_ids[u]);
    const std::size_t begin = interactions.matrix.offsets[u];
    order.resize(interactions.matrix.offsets[u + 1] - begin);
    std::iota(order.begin(), order.end(), begin);
    std::stable_sort(order.begin(), order.end(),
                     [&](std::size_t a, std::size_t b) { return interactions.last_at[a] > interactions.last_at[b]; });
    for (const std::size_t at : order) {
      user.history.push_back(interactions.matrix.items[at]);
      user.history_weights.push_back(interactions.matrix.weights[at]);
    }
  }
  return users;
}

void read_owned(table::Engine& engine, const TrainingQueries& queries, const std::vector<Item>& items,
                std::vector<models::UserData>& users) {
  const table::SqlFile query = table::SqlFile::load(queries.sql_folder, "labels/owned");
  std::vector<models::UserData> more;
  engine.query("SELECT user_id, item_id FROM (" + query.render(queries.parameters) + ") ORDER BY user_id, item_id",
               [&](const Chunk& chunk) {
                 for (std::size_t r = 0; r < chunk.n_rows(); ++r) {
                   const ItemIndex item = find_item(items, chunk.int_at(1, r));
                   if (item < 0) continue;
                   const auto id = static_cast<UserId>(chunk.int_at(0, r));
                   const auto it = std::lower_bound(users.begin(), users.end(), id,
                                                    [](const models::UserData& u, UserId wanted) { return u.id < wanted; });
                   if (it != users.end() && it->id == id) {
                     it->owned.push_back(item);
                     continue;
                   }
                   if (more.empty() || more.back().id != id) more.emplace_back().id = id;
                   more.back().owned.push_back(item);
                 }
               });
  users.insert(users.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
  std::sort(users.begin(), users.end(), [](const models::UserData& a, const models::UserData& b) { return a.id < b.id; });
}

models::OwnedNeighbours read_trending(table::Engine& engine, const TrainingQueries& queries, const std::vector<Item>& items) {
  std::vector<std::vector<models::ScoredItem>> windows(models::kTrendingWindows);
  const table::SqlFile query = table::SqlFile::load(queries.sql_folder, "labels/trending");
  engine.query("SELECT timeframe, item_id, CAST(score AS DOUBLE) AS score FROM (" + query.render(queries.parameters) + ")",
               [&](const Chunk& chunk) {
                 for (std::size_t r = 0; r < chunk.n_rows(); ++r) {
                   const ItemIndex item = find_item(items, chunk.int_at(1, r));
                   const auto score = static_cast<float>(chunk.double_at(2, r));
                   if (item < 0 || !(score > 0)) continue;
                   const std::string_view name = chunk.text_at(0, r);
                   const auto window = name == "1h"    ? models::TrendingWindow::kHour
                                       : name == "24h" ? models::TrendingWindow::kDay
                                                       : models::TrendingWindow::kWeek;
                   windows[static_cast<std::size_t>(window)].push_back({item, score});
                 }
               });
  return ordered_lists(windows);
}

}  // namespace lodestone::app
