#pragma once
// From the canonical tables to what the models are fitted on: items, interactions of users and guests, what each user owns, and
// trending lists. Reads the label queries of sql/labels through the SQL engine; everything here fits into memory by design: 16 bytes
// an interaction.

#include <compare>
#include <cstdint>
#include <vector>

#include "models/interactions.hpp"
#include "models/release.hpp"
#include "table/engine.hpp"

namespace lodestone::app {

/// Interactions with the users behind the rows. Users with an id come first, ascending by id; guests follow.
struct TrainingInteractions {
  models::Interactions matrix;         ///< [n_users + n_guests, n_items], weights decayed by age
  std::vector<std::int64_t> last_at;   ///< beside matrix.items: microseconds of the newest event of the pair
  std::vector<std::int64_t> user_ids;  ///< of the first rows; the guests behind them ascend by their keys
};

/// All items of the lake, ascending by id. Throws contract when there is none.
std::vector<models::Item> read_items(table::Engine& engine);

struct TrainingQueries {
  fs::path sql_folder;  ///< override folder, "" = none
  table::Parameters parameters;
  /// labels/interactions is run in pieces of about this many events, so that the memory of its hash tables does not grow
  /// with them; each piece reads the events once.
  std::uint64_t events_per_slice = 2'000'000;
};

/// Pairs of unknown items are left out. `max_history` newest items a row.
TrainingInteractions read_interactions(table::Engine& engine, const TrainingQueries& queries,
                                       const std::vector<models::Item>& items, std::size_t max_history);

/// Leaves the newest `n_pairs` of all; of equal times those of the earlier rows.
void keep_newest(TrainingInteractions& interactions, std::size_t n_pairs);

/// Whose row of labels/interactions it is. Users come before guests, each ascending.
struct Person {
  enum class Kind : std::uint8_t { kUser, kGuest };
  Kind kind = Kind::kUser;
  std::int64_t key = 0;  ///< user id, or guest_key

  friend auto operator<=>(const Person&, const Person&) = default;
};

/// A person's pair with an item, and its newest event in microseconds.
struct DatedPair {
  Person person;
  ItemIndex item = 0;
  std::int64_t at = 0;
};

/// All pairs of `labels/interactions` with a known item, ascending by person, then item; none is cut off, weights are left aside.
std::vector<DatedPair> read_dated_pairs(table::Engine& engine, const TrainingQueries& queries,
                                        const std::vector<models::Item>& items);

/// Rows of `labels/owned`, put into `users`, which must be ascending by id; a user without history is added.
void read_owned(table::Engine& engine, const TrainingQueries& queries, const std::vector<models::Item>& items,
                std::vector<models::UserData>& users);

/// Trending lists from `labels/trending` (timeframe, item_id, score), a row a models::TrendingWindow, best first.
models::OwnedNeighbours read_trending(table::Engine& engine, const TrainingQueries& queries,
                                      const std::vector<models::Item>& items);

/// Row r of the interactions as a history: newest first, weights as they are. A guest's id is 0.
models::UserData history_of(const TrainingInteractions& interactions, std::size_t r);

/// The users of the release from their interactions.
std::vector<models::UserData> make_users(const TrainingInteractions& interactions);

}  // namespace lodestone::app
