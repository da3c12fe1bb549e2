// 30 features a user and 30 an item as of the newest event, from the events of a lake to OUT/user.parquet and OUT/item.parquet:
//   features_bench ours LAKE OUT     by the pass over the events that the product's features are made with
//   features_bench best LAKE OUT     by SQL for the same engine, tuned: small integers once, one row a person and item for all windows of different ones
//   features_bench plain LAKE OUT    by SQL as an analyst writes it: one SELECT for users and one for items
//   features_bench compare A B       fails unless both folders hold the same rows
// A feature is: counts of 4 kinds in 4 windows, all events, popularity by weight halved in 1, 7 and 30 days, days since the last and first action and the last
// order, different partners in 3 windows and ever, active days, clicks a view in 7 days, orders an action in 30 days.

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <array>
#include <bit>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "features/build/event_counts.hpp"
#include "lake/reader.hpp"
#include "table/engine.hpp"

namespace {

using namespace lodestone;
using features::Activity;
using features::EventKind;
using features::Touches;
using features::Window;

constexpr std::array kKinds = {"view", "click", "cart", "order"};
constexpr std::array kWindows = {"1h", "24h", "7d", "30d"};
constexpr std::array kWithin = {"age * 24 < 1", "age < 1", "age < 7", "age < 30"};
constexpr const char* kRates =
    "clicks_7d / (1 + views_7d) AS click_rate, orders_30d / (1 + views_30d + clicks_30d + carts_30d) AS order_rate";

std::vector<std::string> names() {
  std::vector<std::string> out;
  for (const char* kind : kKinds) {
    for (const char* window : kWindows) out.push_back(fmt::format("{}s_{}", kind, window));
  }
  for (const char* name : {"n", "popularity_1", "popularity_7", "popularity_30", "last_days", "first_days", "last_order_days",
                           "active_days", "partners_24h", "partners_7d", "partners_30d", "partners", "click_rate", "order_rate"})
    out.emplace_back(name);
  LODESTONE_ASSERT(out.size() == 30, "{}", out.size());
  return out;
}

/// Different partners of one user or item, by the window of their last touch.
using Partners = std::array<std::uint32_t, features::kWindows>;

/// Rows of ours, made as they are asked for.
class Rows final : public table::RowStream {
 public:
  Rows(std::span<const std::int64_t> ids, const std::vector<Activity>& activity, const std::vector<Partners>& partners)
      : ids_(ids), activity_(activity), partners_(partners) {
    schema_.push_back({"id", table::ColumnType::kInt64});
    for (const std::string& name : names()) schema_.push_back({name, table::ColumnType::kDouble});
  }
  [[nodiscard]] const table::Schema& schema() const override { return schema_; }
  [[nodiscard]] std::uint64_t estimated_rows() const override { return ids_.size(); }
  bool next(table::Batch& batch) override {
    batch.clear();
    for (; !batch.full() && row_ < ids_.size(); ++row_) {
      batch.append_int(0, ids_[row_]);
      std::size_t column = 1;
      const auto put = [&](double value) {
        std::isnan(value) ? batch.append_null(column) : batch.append_double(column, value);
        ++column;
      };
      put_row(activity_[row_], partners_[row_], put);
      batch.end_row();
    }
    return batch.n_rows() > 0;
  }

 private:
  static double days(std::int64_t age) {
    return age == Activity::kNever ? std::numeric_limits<double>::quiet_NaN() : static_cast<double>(age) / 86'400e6;
  }
  static double within(const Activity& a, EventKind kind, Window window) {
    return kind == EventKind::kOrder ? a.orders_within(window) : a.within(kind, window);
  }
  template <typename Put>
  static void put_row(const Activity& a, const Partners& partners, const Put& put) {
    for (const EventKind kind : {EventKind::kView, EventKind::kClick, EventKind::kCart, EventKind::kOrder}) {
      for (std::size_t w = 0; w < 4; ++w) put(within(a, kind, static_cast<Window>(w)));
    }
    double n = 0;
    for (std::size_t kind = 0; kind < features::kEventKinds; ++kind) n += a.total(static_cast<EventKind>(kind));
    put(n);
    for (const double popularity : a.popularity) put(popularity);
    put(days(a.last_action));
    put(days(a.first_action));
    put(days(a.last_order));
    put(std::popcount(a.active_days));
    std::uint32_t sum = partners[0] + partners[1];
    put(sum);
    for (std::size_t w = 2; w < features::kWindows; ++w) put(sum += partners[w]);
    const Window month = Window::kMonth;
    put(within(a, EventKind::kClick, Window::kWeek) / (1 + within(a, EventKind::kView, Window::kWeek)));
    put(a.orders_within(month) /
        (1. + a.within(EventKind::kView, month) + a.within(EventKind::kClick, month) + a.within(EventKind::kCart, month)));
  }

  std::span<const std::int64_t> ids_;
  const std::vector<Activity>& activity_;
  const std::vector<Partners>& partners_;
  table::Schema schema_;
  std::size_t row_ = 0;
};

void add_partners(const Touches& touches, std::size_t n_persons, std::vector<Partners>* persons, std::vector<Partners>& items) {
  for (std::uint32_t person = 0; person < n_persons; ++person) {
    for (std::size_t t = 0; t < touches.size(person); ++t) {
      const features::Touch touch = touches.at(person, t);
      const auto window = static_cast<std::size_t>(touch.window);
      ++items[touch.item][window];
      if (persons != nullptr) ++(*persons)[person][window];
    }
  }
}

void run_ours(table::Engine& engine, TimePoint as_of, const fs::path& out) {
  features::EventCounts counts;
  features::count_events(engine, as_of, {}, counts);
  std::vector<Partners> users(counts.users.size());
  std::vector<Partners> items(counts.items.size());
  counts.guest_touches.sort(counts.guests.size(), 0);
  add_partners(counts.guest_touches, counts.guests.size(), nullptr, items);
  counts.guest_touches.clear();
  counts.user_touches.sort(counts.users.size(), 0);
  add_partners(counts.user_touches, counts.users.size(), &users, items);
  counts.user_touches.clear();
  Rows user_rows(counts.users.ids(), counts.user_activity, users);
  engine.write_parquet(user_rows, out / "user.parquet", nullptr);
  Rows item_rows(counts.items.ids(), counts.item_activity, items);
  engine.write_parquet(item_rows, out / "item.parquet", nullptr);
}

/// Events with age in days, the weight of their kind and the person's key.
std::string aged_events(TimePoint as_of, const std::string& kind) {
  return fmt::format(
      "SELECT user_id, coalesce(user_id, visitor_key(visitor_id)) AS person, item_id, {} AS kind, CASE kind WHEN 'view' THEN 1 "
      "WHEN 'click' THEN 2 WHEN "
      "'cart' THEN 3 WHEN 'order' THEN 5 WHEN 'api_order' THEN 5 ELSE 0 END AS weight, ({} - unix_micros(e.at)) / 86400000000 AS "
      "age FROM events e",
      kind, as_of.time_since_epoch().count());
}

/// The features but for different partners and rates, in one GROUP BY. `kinds` are the values of kind in the order of kKinds.
std::string counts_sql(const std::vector<std::string>& kinds) {
  std::vector<std::string> out;
  for (std::size_t k = 0; k < kKinds.size(); ++k) {
    for (std::size_t w = 0; w < kWindows.size(); ++w)
      out.push_back(
          fmt::format("count(*) FILTER (WHERE kind = {} AND {}) AS {}s_{}", kinds[k], kWithin[w], kKinds[k], kWindows[w]));
  }
  out.emplace_back("count(*) AS n");
  for (const int half_life : {1, 7, 30})
    out.push_back(fmt::format("sum(weight * pow(0.5, age / {})) AS popularity_{}", half_life, half_life));
  out.emplace_back("min(age) FILTER (WHERE weight > 0) AS last_days");
  out.emplace_back("max(age) FILTER (WHERE weight > 0) AS first_days");
  out.push_back(fmt::format("min(age) FILTER (WHERE kind = {}) AS last_order_days", kinds[3]));
  return fmt::format("{}", fmt::join(out, ", "));
}

void run_plain(table::Engine& engine, TimePoint as_of, const fs::path& out) {
  const std::string events = aged_events(as_of, "CASE kind WHEN 'api_order' THEN 'order' ELSE kind END");
  struct Side {
    const char* key;
    const char* partner;
    const char* file;
  };
  for (const Side& side : {Side{"user_id", "item_id", "user.parquet"}, Side{"item_id", "person", "item.parquet"}}) {
    std::string partners = "count(DISTINCT CAST(floor(age) AS INTEGER)) FILTER (WHERE weight > 0 AND age < 30) AS active_days";
    for (std::size_t w = 1; w < kWindows.size(); ++w)
      partners += fmt::format(", count(DISTINCT {}) FILTER (WHERE weight > 0 AND {}) AS partners_{}", side.partner, kWithin[w],
                              kWindows[w]);
    partners += fmt::format(", count(DISTINCT {}) FILTER (WHERE weight > 0) AS partners", side.partner);
    engine.write_parquet(
        fmt::format("SELECT *, {} FROM (SELECT {} AS id, {}, {} FROM ({}) WHERE {} IS NOT NULL GROUP BY {})", kRates, side.key,
                    counts_sql({"'view'", "'click'", "'cart'", "'order'"}), partners, events, side.key, side.key),
        out / side.file);
  }
}

void run_best(table::Engine& engine, TimePoint as_of, const fs::path& out) {
  const std::string kind =
      "CAST(CASE kind WHEN 'view' THEN 0 WHEN 'click' THEN 1 WHEN 'cart' THEN 2 WHEN 'order' THEN 3 WHEN 'api_order' THEN 3 ELSE "
      "4 END AS TINYINT)";
  engine.execute(
      fmt::format("CREATE TEMPORARY TABLE e AS SELECT CAST(user_id AS INTEGER) AS user_id, person, CAST(item_id AS INTEGER) AS "
                  "item_id, kind, "
                  "CAST(weight AS TINYINT) AS weight, age FROM ({})",
                  aged_events(as_of, kind)));
  engine.execute(
      "CREATE TEMPORARY TABLE pairs AS SELECT person, item_id, min(age) AS age FROM e WHERE weight > 0 AND person IS NOT NULL "
      "GROUP BY ALL");
  struct Side {
    const char* key;
    const char* pair_key;
    const char* file;
  };
  for (const Side& side : {Side{"user_id", "person", "user.parquet"}, Side{"item_id", "item_id", "item.parquet"}}) {
    const std::string activity = fmt::format(
        "SELECT {0} AS id, {1}, coalesce(bit_count(bit_or(shiftleft(CAST(1 AS INTEGER), CAST(floor(least(age, 30)) AS INTEGER))) "
        "FILTER (WHERE weight > 0 AND age < 30)), 0) AS active_days FROM e WHERE {0} IS NOT NULL GROUP BY {0}",
        side.key, counts_sql({"0", "1", "2", "3"}));
    const std::string partners = fmt::format(
        "SELECT {0} AS id, count(*) FILTER (WHERE age < 1) AS partners_24h, count(*) FILTER (WHERE age < 7) AS partners_7d, "
        "count(*) FILTER (WHERE age < 30) "
        "AS partners_30d, count(*) AS partners FROM pairs GROUP BY {0}",
        side.pair_key);
    engine.write_parquet(
        fmt::format("SELECT a.*, coalesce(p.partners_24h, 0) AS partners_24h, coalesce(p.partners_7d, 0) AS partners_7d, "
                    "coalesce(p.partners_30d, 0) AS partners_30d, coalesce(p.partners, 0) AS partners, {} FROM ({}) a LEFT JOIN "
                    "({}) p ON "
                    "p.id = a.id",
                    kRates, activity, partners),
        out / side.file);
  }
}

/// Values of sums may differ in their last bits.
void compare(table::Engine& engine, const fs::path& a, const fs::path& b) {
  for (const char* file : {"user.parquet", "item.parquet"}) {
    std::string differs = "x.id IS NULL OR y.id IS NULL";
    for (const std::string& name : names())
      differs +=
          fmt::format(" OR (x.{0} IS NULL) <> (y.{0} IS NULL) OR abs(x.{0} - y.{0}) > 1e-9 * greatest(1, abs(y.{0}))", name);
    const auto n = engine.query_int(
        fmt::format("SELECT count(*) FROM read_parquet({}) x FULL JOIN read_parquet({}) y ON x.id = y.id WHERE {}",
                    table::quote_literal((a / file).string()), table::quote_literal((b / file).string()), differs));
    if (n != 0) fail(ErrorCode::kInternal, "{} of {} and {} differ in {} rows", file, a.string(), b.string(), n.value_or(-1));
  }
}

}  // namespace

int main(int argc, char** argv) {
  try {
    if (argc != 4) fail(ErrorCode::kInvalidArgument, "give MODE LAKE OUT, or compare A B");
    const std::string mode = argv[1];
    table::Engine engine(
        {.memory_budget_bytes = 1ULL << 30U, .n_threads = 0, .temp_folder = fs::temp_directory_path() / "features_bench"});
    if (mode == "compare") {
      compare(engine, argv[2], argv[3]);
      return 0;
    }
    const lake::Reader reader(argv[2]);
    reader.attach(engine);
    const auto newest = engine.query_int("SELECT unix_micros(max(e.at)) FROM events e");
    if (!newest) fail(ErrorCode::kInvalidArgument, "{} has no events", argv[2]);
    const TimePoint as_of{std::chrono::microseconds(*newest)};
    make_folders(argv[3]);
    if (mode == "ours") run_ours(engine, as_of, argv[3]);
    if (mode == "best") run_best(engine, as_of, argv[3]);
    if (mode == "plain") run_plain(engine, as_of, argv[3]);
    return 0;
  } catch (const Error& error) {
    fmt::print(stderr, "features_bench: {}\n", error.message());
    return 1;
  }
}
