#pragma once
// The features that change with every event, kept while events come: what sql/features/ would compute over all events up to now, in a
// microsecond and without asking for them again. A release brings the features and an OnlineSnapshot as of one time; serving takes its rows and
// lets OnlineState overwrite the columns that have moved since.

#include <array>
#include <chrono>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/ids.hpp"
#include "features/event_kind.hpp"
#include "features/schema.hpp"

namespace lodestone::features {

/// Stands for an event_id: XXH3 of its text. Two of n ids fall together with a chance of n^2 / 2^65, 10^-6 for 5 million remembered.
std::uint64_t online_event_id(std::string_view event_id);

struct OnlineEvent {
  std::uint64_t id = 0;  ///< online_event_id()
  EventKind kind = EventKind::kView;
  std::optional<UserId> user;  ///< a guest's events count for the item alone
  ItemId item{};
  TimePoint at;
  double value = std::numeric_limits<double>::quiet_NaN();  ///< money of an order; NaN = not known
};

/// In place of a time: it never happened.
inline constexpr TimePoint kNever = TimePoint::min();

/// What a user did until some time.
struct UserTotals {
  UserId user{};
  std::uint32_t exposures = 0;
  std::uint32_t views = 0;
  std::uint32_t clicks = 0;
  std::uint32_t carts = 0;
  std::uint32_t orders = 0;  ///< API orders among them
  std::uint32_t api_orders = 0;
  std::uint32_t refunds = 0;
  double spend_sum = 0;
  double spend_min = std::numeric_limits<double>::quiet_NaN();  ///< NaN = no order had a value
  double spend_max = std::numeric_limits<double>::quiet_NaN();
  TimePoint first_order = kNever;
  TimePoint last_order = kNever;
  TimePoint last_event = kNever;  ///< exposures and refunds aside
};

/// What was done to an item until some time.
struct ItemTotals {
  ItemId item{};
  std::uint32_t exposures = 0;
  std::uint32_t views = 0;
  std::uint32_t clicks = 0;
  std::uint32_t carts = 0;
  std::uint32_t orders = 0;  ///< API orders among them
  std::uint32_t refunds = 0;
  TimePoint first_event = kNever;  ///< exposures and refunds aside
  TimePoint last_event = kNever;
  TimePoint last_order = kNever;
  std::array<double, 3> popularity{};  ///< halved every 1, 7, 30 days, as of popularity_at
  TimePoint popularity_at = kNever;
};

/// Where a state begins.
struct OnlineSnapshot {
  TimePoint as_of{};
  std::vector<UserTotals> users;    ///< of all events until as_of, each user once
  std::vector<ItemTotals> items;    ///< the same of items
  std::vector<OnlineEvent> recent;  ///< those of (as_of - 30 days, as_of], ascending by time; the totals count them already
};

/// Names of the columns that a state overwrites, in groups kUser and kItem; none in the others. All equal what the queries give bit for bit
/// but for user_spend_sum and item_popularity_*: doubles are added in another order there, so that, rounded to float, they may differ by one
/// unit in the last place (2e-7 of the value; 1e-44 where that is below the normal floats). Left to the next release: what needs the set of
/// items or people touched, all prices, or each order's value (user_spend_std, item_revenue_30d).
std::span<const std::string_view> online_columns(Group group);

/// The state of all users and items. Memory: 220 to 440 bytes a user and 300 to 600 an item that ever had an event (as full as the hash
/// table is), 8 to 16 bytes a view, click or order of the last 30 days for its user, the same or an exposure or cart for its item, and 10 to
/// 20 an event of the last one to two `lateness`. Older times fall out when the next comes, or by forget(). Of users and items that the snapshot
/// does not have, whose ids anybody can make up, those touched last are there; what the others did comes with the next release.
///
/// One thread writes (add, forget); rows may be read by many at once while none does. A server that reads meanwhile holds a lock of its own.
class OnlineState {
 public:
  struct Options {
    /// An event may come so long after it happened; a longer time costs memory, as each event's id is kept as long, to know it again.
    std::chrono::microseconds lateness = std::chrono::hours(24);
    double smoothing = 20;  ///< of the rates, as the queries have it
    std::size_t newcomers =
        100'000;  ///< users, and as many items, that the snapshot does not have; at least half of them are known
  };
  /// What became of an event. Only kAdded changed anything.
  enum class Added : std::uint8_t {
    kAdded,
    kDuplicate,  ///< its id was added before
    kTooLate,    ///< it happened more than `lateness` ago; the next release has it
    kAhead,      ///< it happens after now: somebody's clock is wrong
  };

  /// Throws invalid_argument for a lateness outside 0 to 30 days, contract for a snapshot with an entry twice or recent events out of their
  /// order or time.
  explicit OnlineState(const OnlineSnapshot& snapshot, const Options& options);
  ~OnlineState();
  OnlineState(OnlineState&&) noexcept;
  OnlineState& operator=(OnlineState&&) noexcept;
  OnlineState(const OnlineState&) = delete;
  OnlineState& operator=(const OnlineState&) = delete;

  /// Counts an event that arrived at `now`. Events may come in any order within the lateness; a log that is read again gives as `now` when each
  /// arrived. An order that is refunded later stays an order here until the next release, whose source has the refund alone.
  Added add(const OnlineEvent& event, TimePoint now);

  /// Overwrites the online columns in a row of the schema's user features [n_features], as of `now`, or as of the last add() if that was
  /// later: counters do not run backwards. A user without events has what the queries give one: zeros and missing values.
  void user_row(UserId user, TimePoint now, std::span<float> row) const;
  /// The same of an item.
  void item_row(ItemId item, TimePoint now, std::span<float> row) const;

  /// A number that no other state of this process has.
  [[nodiscard]] std::uint64_t serial() const;
  /// A number that changes with each event of the item, and of some others; what was read of an item holds while time does not pass and this
  /// stays, but for the rates over all items.
  [[nodiscard]] std::uint32_t changes(ItemId item) const;

  /// Who has times that are out of every window.
  struct Stale {
    std::vector<UserId> users;
    std::vector<ItemId> items;
  };
  /// Those at `now`, who are there because nothing is done by them or to them any more. O(users + items); rows may be read meanwhile.
  [[nodiscard]] Stale find_stale(TimePoint now) const;
  /// Frees these times of theirs. Rows are asked for as of `now` or later from then on.
  void forget(TimePoint now, std::span<const UserId> users, std::span<const ItemId> items);

 private:
  struct Data;
  std::unique_ptr<Data> data_;
};

}  // namespace lodestone::features
