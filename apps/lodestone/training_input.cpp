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

/// People in the order in which they come, to be put into the order of their keys.
class Numbering {
 public:
  std::uint32_t number(std::int64_t key) {
    const auto [it, added] = numbers_.emplace(key, static_cast<std::uint32_t>(keys_.size()));
    if (added) keys_.push_back(key);
    return it->second;
  }
  [[nodiscard]] std::vector<std::int64_t> ascending() const {
    std::vector<std::int64_t> sorted = keys_;
    std::sort(sorted.begin(), sorted.end());
    return sorted;
  }
  /// Number -> place of its key among all, ascending.
  [[nodiscard]] std::vector<std::uint32_t> places() const {
    std::vector<std::uint32_t> order(keys_.size());
    std::iota(order.begin(), order.end(), 0U);
    std::sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) { return keys_[a] < keys_[b]; });
    std::vector<std::uint32_t> places(order.size());
    for (std::size_t i = 0; i < order.size(); ++i) places[order[i]] = static_cast<std::uint32_t>(i);
    return places;
  }

 private:
  absl::flat_hash_map<std::int64_t, std::uint32_t> numbers_;
  std::vector<std::int64_t> keys_;
};

/// Gathers the rows of labels/interactions.
struct PairReader {
  explicit PairReader(const std::vector<Item>& all) : items(&all) {}

  void add(const Chunk& chunk) {
    for (std::size_t r = 0; r < chunk.n_rows(); ++r) {
      const ItemIndex item = find_item(*items, chunk.int_at(2, r));
      if (item < 0) continue;
      const std::uint32_t row =
          chunk.is_null(0, r) ? kGuest | guests.number(chunk.int_at(1, r)) : users.number(chunk.int_at(0, r));
      pairs.push_back({row, item, static_cast<float>(chunk.double_at(3, r)), chunk.int_at(4, r)});
    }
  }

  /// Guests are numbered from the top bit until the number of users is known.
  static constexpr std::uint32_t kGuest = 1U << 31U;
  const std::vector<Item>* items;
  std::vector<Pair> pairs;
  Numbering users;
  Numbering guests;
};

/// A query that does not declare `slices` is run whole.
std::uint64_t count_slices(table::Engine& engine, const table::SqlFile& query, std::uint64_t events_per_slice) {
  const std::vector<std::string> names = query.parameters();
  if (std::find(names.begin(), names.end(), "slices") == names.end()) return 1;
  const auto n_events = static_cast<std::uint64_t>(engine.query_int("SELECT count(*) FROM events").value_or(0));
  return 1 + n_events / events_per_slice;
}

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
  const table::SqlFile query = table::SqlFile::load(queries.sql_folder, "labels/interactions");
  const std::uint64_t n_slices = count_slices(engine, query, queries.events_per_slice);
  PairReader reader(items);
  for (std::uint64_t slice = 0; slice < n_slices; ++slice) {
    table::Parameters values = queries.parameters;
    values["slices"] = std::to_string(n_slices);
    values["slice"] = std::to_string(slice);
    engine.query(
        "SELECT user_id, guest_key, item_id, CAST(weight AS DOUBLE) AS weight, last_at FROM (" + query.render(values) + ")",
        [&](const Chunk& chunk) { reader.add(chunk); });
  }
  // Users ascending by id, then the guests by their keys: the same rows however the query was cut.
  TrainingInteractions out;
  out.user_ids = reader.users.ascending();
  const std::vector<std::uint32_t> user_place = reader.users.places();
  const std::vector<std::uint32_t> guest_place = reader.guests.places();
  std::vector<Pair> pairs = std::move(reader.pairs);
  for (Pair& pair : pairs) {
    pair.user = (pair.user & PairReader::kGuest) != 0
                    ? static_cast<std::uint32_t>(user_place.size()) + guest_place[pair.user & ~PairReader::kGuest]
                    : user_place[pair.user];
  }
  out.matrix.n_items = items.size();
  const std::vector<std::uint64_t> offsets = row_offsets(pairs, user_place.size() + guest_place.size());
  std::vector<Pair> sorted(pairs.size());
  std::vector<std::uint64_t> next(offsets.begin(), offsets.end() - 1);
  for (const Pair& pair : pairs) sorted[next[pair.user]++] = pair;
  pairs = {};
  for (std::size_t u = 0; u + 1 < offsets.size(); ++u) {
    append_row(std::span(sorted).subspan(offsets[u], offsets[u + 1] - offsets[u]), max_history, out);
  }
  return out;
}

std::vector<DatedPair> read_dated_pairs(table::Engine& engine, const TrainingQueries& queries, const std::vector<Item>& items) {
  const table::SqlFile query = table::SqlFile::load(queries.sql_folder, "labels/interactions");
  const std::uint64_t n_slices = count_slices(engine, query, queries.events_per_slice);
  std::vector<DatedPair> pairs;
  for (std::uint64_t slice = 0; slice < n_slices; ++slice) {
    table::Parameters values = queries.parameters;
    values["slices"] = std::to_string(n_slices);
    values["slice"] = std::to_string(slice);
    engine.query("SELECT user_id, guest_key, item_id, last_at FROM (" + query.render(values) + ")", [&](const Chunk& chunk) {
      for (std::size_t r = 0; r < chunk.n_rows(); ++r) {
        const ItemIndex item = find_item(items, chunk.int_at(2, r));
        if (item < 0) continue;
        const Person person = chunk.is_null(0, r) ? Person{Person::Kind::kGuest, chunk.int_at(1, r)}
                                                  : Person{Person::Kind::kUser, chunk.int_at(0, r)};
        pairs.push_back({person, item, chunk.int_at(3, r)});
      }
    });
  }
  std::sort(pairs.begin(), pairs.end(),
            [](const DatedPair& a, const DatedPair& b) { return a.person != b.person ? a.person < b.person : a.item < b.item; });
  return pairs;
}

models::UserData history_of(const TrainingInteractions& interactions, std::size_t r) {
  models::UserData out;
  if (r < interactions.user_ids.size()) out.id = UserId(interactions.user_ids[r]);
  const std::size_t begin = interactions.matrix.offsets[r];
  std::vector<std::size_t> order(interactions.matrix.offsets[r + 1] - begin);
  std::iota(order.begin(), order.end(), begin);
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return interactions.last_at[a] > interactions.last_at[b]; });
  for (const std::size_t at : order) {
    out.history.push_back(interactions.matrix.items[at]);
    out.history_weights.push_back(interactions.matrix.weights[at]);
  }
  return out;
}

std::vector<models::UserData> make_users(const TrainingInteractions& interactions) {
  std::vector<models::UserData> users;
  for (std::size_t u = 0; u < interactions.user_ids.size(); ++u) users.push_back(history_of(interactions, u));
  return users;
}

void keep_newest(TrainingInteractions& interactions, std::size_t n_pairs) {
  if (interactions.last_at.size() <= n_pairs) return;
  std::vector<std::int64_t> times = interactions.last_at;
  const auto place = static_cast<std::ptrdiff_t>(times.size() - n_pairs);
  std::nth_element(times.begin(), times.begin() + place, times.end());
  const std::int64_t oldest = n_pairs > 0 ? times[static_cast<std::size_t>(place)] : std::numeric_limits<std::int64_t>::max();
  auto equal =
      static_cast<std::size_t>(std::count_if(times.begin() + place, times.end(), [&](std::int64_t t) { return t == oldest; }));
  models::Interactions& x = interactions.matrix;
  std::size_t kept = 0;
  std::size_t begin = 0;
  for (std::size_t u = 0; u < x.n_users(); ++u) {
    const std::size_t end = x.offsets[u + 1];
    for (std::size_t at = begin; at < end; ++at) {
      const std::int64_t t = interactions.last_at[at];
      if (t < oldest || (t == oldest && equal == 0)) continue;
      if (t == oldest) --equal;
      x.items[kept] = x.items[at];
      x.weights[kept] = x.weights[at];
      interactions.last_at[kept++] = t;
    }
    begin = end;
    x.offsets[u + 1] = kept;
  }
  x.items.resize(kept);
  x.weights.resize(kept);
  interactions.last_at.resize(kept);
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
