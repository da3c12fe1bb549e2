// The rows of the online state are those of the queries over the same events: the one property that keeps serving and training together.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>

#include "base/rng.hpp"
#include "features/build/feature_fixture.hpp"
#include "features/build/online_snapshot.hpp"

namespace lodestone::features {
namespace {

using std::chrono::microseconds;

constexpr std::array<std::string_view, 7> kKinds = {"exposure", "view", "click", "cart", "order", "api_order", "refund"};
constexpr int kUsers = 5;  // and one without events
constexpr int kItems = 6;  // and one without events
constexpr auto kLateness = std::chrono::hours(6);

/// An event and when it comes; those that come again are not apart.
struct Arrival {
  std::string event_id;
  OnlineEvent event;
  TimePoint at;
};

class OnlineStateProperty : public FeatureFixture {
 protected:
  OnlineStateProperty() {
    sql("INSERT INTO items (item_id, price, created_at) SELECT i, i, TIMESTAMP '2026-01-01' FROM range(0, 7) t(i)");
    sql("INSERT INTO users (user_id, created_at) SELECT i, TIMESTAMP '2026-01-01' FROM range(0, 6) t(i)");
  }

  /// Half an hour's grid, and a microsecond beside it, so that many ages are at the very end of a window.
  static TimePoint grid_time(Rng& rng, TimePoint from, int n_half_hours) {
    const auto halves = static_cast<std::int64_t>(rng.below(static_cast<std::uint64_t>(n_half_hours)));
    return from + std::chrono::minutes(30) * halves + microseconds(static_cast<std::int64_t>(rng.below(3)) - 1);
  }
  /// `n` events over 45 days, in order of arrival: some late, some too late, some twice.
  static std::vector<Arrival> make_stream(Rng& rng, TimePoint from, int n) {
    std::vector<Arrival> out;
    for (int i = 0; i < n; ++i) {
      Arrival a;
      a.event_id = fmt::format("e{}", i);
      a.event.id = online_event_id(a.event_id);
      a.event.kind = static_cast<EventKind>(rng.below(kKinds.size()));
      if (!rng.chance(0.2)) a.event.user = UserId(static_cast<std::int64_t>(rng.below(kUsers)));
      a.event.item = ItemId(static_cast<std::int64_t>(rng.below(kItems)));
      a.event.at = grid_time(rng, from, 45 * 48);
      const bool is_money = a.event.kind >= EventKind::kOrder && !rng.chance(0.2);
      if (is_money) a.event.value = static_cast<double>(rng.below(4000)) / 100;
      a.at = a.event.at + microseconds(rng.chance(0.6) ? 0 : static_cast<std::int64_t>(rng.below(8 * kHour)));
      out.push_back(a);
      if (!rng.chance(0.1)) continue;
      a.at += microseconds(static_cast<std::int64_t>(rng.below(4 * kHour)));
      out.push_back(a);
    }
    std::stable_sort(out.begin(), out.end(), [](const Arrival& a, const Arrival& b) { return a.at < b.at; });
    return out;
  }
  void insert(const Arrival& arrival) {
    const OnlineEvent& e = arrival.event;
    rows_.push_back(fmt::format("('{}', '{}', {}, {}, make_timestamp({}), {})", arrival.event_id,
                                kKinds[static_cast<std::size_t>(e.kind)], e.user ? std::to_string(raw(*e.user)) : "NULL",
                                raw(e.item), e.at.time_since_epoch().count(),
                                std::isnan(e.value) ? "NULL" : fmt::format("{}", e.value)));
  }
  void flush() {
    if (rows_.empty()) return;
    sql(fmt::format("INSERT INTO events (event_id, kind, user_id, item_id, \"at\", \"value\") VALUES {}",
                    fmt::join(rows_, ", ")));
    rows_.clear();
  }

  static bool is_sum(std::string_view name) { return name == "user_spend_sum" || name.starts_with("item_popularity_"); }
  static void expect_equal(std::string_view name, float online, float offline, std::int64_t id) {
    if (is_sum(name)) {
      EXPECT_LE(std::abs(online - offline), 2e-7F * std::abs(offline) + std::numeric_limits<float>::denorm_min())
          << name << " of " << id << ": " << online << ", " << offline;
      return;
    }
    const bool both_missing = std::isnan(online) && std::isnan(offline);
    EXPECT_TRUE(both_missing || std::memcmp(&online, &offline, sizeof online) == 0)
        << name << " of " << id << ": " << online << ", " << offline;
  }
  /// Compares the columns of the state with the queries at `now`, and the others with what stood there.
  void expect_rows(const OnlineState& state, TimePoint now) {
    flush();
    EXPECT_EQ(engine_.query_int("SELECT count(*) - count(DISTINCT event_id) FROM events"), 0);
    const FeatureSet set = build_features(engine_, {{}, {}, 1000}, now);
    for (const FeatureTable* table : {&set.users, &set.items}) {
      const std::span<const std::string_view> columns = online_columns(table->group);
      const std::span<const Feature> features = features_of(table->group);
      for (std::size_t r = 0; r < table->ids.size(); ++r) {
        std::vector<float> row(features.size(), -7);
        const std::int64_t id = table->ids[r];
        if (table->group == Group::kUser) state.user_row(UserId(id), now, row);
        if (table->group == Group::kItem) state.item_row(ItemId(id), now, row);
        for (std::size_t f = 0; f < features.size(); ++f) {
          const bool is_online = std::find(columns.begin(), columns.end(), features[f].name) != columns.end();
          if (is_online) {
            expect_equal(features[f].name, row[f], table->row(r)[f], id);
          } else {
            EXPECT_EQ(row[f], -7) << features[f].name;
          }
        }
      }
    }
    EXPECT_EQ(set.users.ids.size(), static_cast<std::size_t>(kUsers + 1));
    EXPECT_EQ(set.items.ids.size(), static_cast<std::size_t>(kItems + 1));
  }
  /// A stream of which the snapshot takes what came in the first days; then the rest, looked at at random times.
  void run(std::uint64_t seed, int n_events, std::chrono::hours until_snapshot) {
    Rng rng(seed);
    const TimePoint from = parse_time("2026-03-01T00:00:00Z").value();
    const TimePoint start = grid_time(rng, from + until_snapshot, 4);
    std::vector<TimePoint> looks;
    for (int i = 0; i < 3; ++i) looks.push_back(grid_time(rng, start, 34 * 48));
    looks.push_back(grid_time(rng, from + std::chrono::days(60), 48));
    std::sort(looks.begin(), looks.end());
    const std::vector<Arrival> stream = make_stream(rng, from, n_events);
    std::size_t next = 0;
    for (; next < stream.size() && stream[next].at <= start; ++next) {
      const bool is_new = std::none_of(stream.begin(), stream.begin() + static_cast<std::ptrdiff_t>(next),
                                       [&](const Arrival& a) { return a.event_id == stream[next].event_id; });
      if (is_new) insert(stream[next]);
    }
    flush();
    OnlineState state(read_online_snapshot(engine_, {}, start), {.lateness = kLateness, .smoothing = 20});
    expect_rows(state, start);
    std::array<int, 4> outcomes{};
    for (const TimePoint look : looks) {
      for (; next < stream.size() && stream[next].at <= look; ++next) {
        const OnlineState::Added added = state.add(stream[next].event, stream[next].at);
        if (added == OnlineState::Added::kAdded) insert(stream[next]);
        ++outcomes[static_cast<std::size_t>(added)];
      }
      if (look == looks[1]) {
        const OnlineState::Stale stale = state.find_stale(look);
        state.forget(look, stale.users, stale.items);
      }
      expect_rows(state, look);
    }
    EXPECT_GT(outcomes[static_cast<std::size_t>(OnlineState::Added::kDuplicate)], 0);
    EXPECT_GT(outcomes[static_cast<std::size_t>(OnlineState::Added::kTooLate)], 0);
  }

  static constexpr std::uint64_t kHour = 3'600'000'000;
  std::vector<std::string> rows_;
};

TEST_F(OnlineStateProperty, rows_are_those_of_the_queries_over_many_events) { run(1, 3000, std::chrono::hours(240)); }
TEST_F(OnlineStateProperty, rows_are_those_of_the_queries_over_few_events) { run(2, 150, std::chrono::hours(480)); }
TEST_F(OnlineStateProperty, rows_are_those_of_the_queries_from_the_first_day) { run(3, 2000, std::chrono::hours(20)); }

TEST_F(OnlineStateProperty, a_state_that_starts_empty_is_that_of_no_events) {
  const TimePoint now = parse_time("2026-03-01T00:00:00Z").value();
  expect_rows(OnlineState(OnlineSnapshot{}, {}), now);
}

TEST_F(OnlineStateProperty, an_unknown_kind_in_the_lake_is_refused) {
  sql("INSERT INTO events (event_id, kind, item_id, \"at\") VALUES ('e1', 'look', 1, TIMESTAMP '2026-03-01')");
  try {
    (void)read_online_snapshot(engine_, {}, parse_time("2026-03-02T00:00:00Z").value());
    FAIL() << "nothing was thrown";
  } catch (const Error& error) {
    EXPECT_EQ(error.message(), "event e1 is of kind look, which is none; see contracts/events.yaml");
  }
}

}  // namespace
}  // namespace lodestone::features
