// The pass over the events gives what plain SQL over the same events gives: reference/*.sql says the same once more, slowly and in another language.
#include "features/build/event_tables.hpp"

#include <fmt/format.h>

#include "base/rng.hpp"
#include "features/build/feature_fixture.hpp"

namespace lodestone::features {
namespace {

using ::testing::ElementsAre;

class EventTables : public FeatureFixture {
 protected:
  EventTables() {
    sql("INSERT INTO items (item_id, price, category, tags, created_at) SELECT i, CASE WHEN i % 7 > 0 THEN i % 5 + 0.5 END, CASE "
        "WHEN i % 6 > 0 "
        "THEN 'c' || i % 4 END, CASE WHEN i % 5 > 0 THEN ['t' || i % 3, 't' || i % 8, 'all'] END, TIMESTAMP '2026-01-01' "
        "FROM range(1, 41) t(i)");
    make("item_prices");
    make("item_tags");
  }

  /// Random events of 30 users, 20 guests and 45 items, five of which the catalogue does not have; ages at the very ends of windows among them.
  void add_events(int n) {
    constexpr std::array kKinds = {"exposure", "view", "click", "cart", "order", "api_order", "refund"};
    constexpr std::array kEnds = {1, 24, 168, 720};
    Rng rng(7);
    for (int i = 0; i < n; ++i) {
      const char* kind = kKinds[rng.below(kKinds.size())];
      const std::string who =
          rng.chance(0.3) ? fmt::format("{:016x}", 1000 + rng.below(20)) : fmt::format("{}", 1 + rng.below(30));
      const double hours = rng.chance(0.1) ? kEnds[rng.below(kEnds.size())] : static_cast<double>(rng.below(60 * 24 * 60)) / 60;
      const std::string value = rng.chance(0.7) ? fmt::format("{}", static_cast<double>(rng.below(400)) / 8) : "NULL";
      event(kind, who, static_cast<int>(1 + rng.below(45)), hours, value,
            rng.chance(0.5) ? fmt::format("{}", rng.below(14)) : "NULL");
    }
    sql("INSERT INTO events (event_id, kind, user_id, item_id, \"at\") VALUES ('odd', 'like', NULL, 1, TIMESTAMP '2026-10-30')");
    sql("INSERT INTO events (event_id, kind, visitor_id, item_id, \"at\") VALUES ('nobody', 'view', 'no visitor', 1, TIMESTAMP "
        "'2026-10-30')");
    sql("INSERT INTO events (event_id, kind, user_id, item_id, \"at\") VALUES ('later', 'view', 1, 1, TIMESTAMP '2026-10-31 "
        "00:00:01')");
  }

  void make(const std::string& name, bool is_reference = false) {
    table::Parameters values = {{"as_of", "2026-10-31T00:00:00Z"}};
    const fs::path folder = is_reference ? fs::path(LODESTONE_SOURCE_DIR) / "src/features/build/reference" : fs::path();
    const std::string query = is_reference ? read_file(folder / (name + ".sql")) : "";
    if (is_reference) make_folders(overrides_.path() / "features");
    if (is_reference) write_file_atomic(overrides_.path() / "features" / (name + ".sql"), query);
    const auto file = table::SqlFile::load(is_reference ? overrides_.path() : fs::path(), "features/" + name);
    sql(fmt::format("CREATE OR REPLACE TEMPORARY TABLE feature_{} AS {}", name, file.render(values)));
  }

  void count(std::uint64_t n_slices, int n_threads) {
    EventCounts counts;
    const Catalogue catalogue = read_catalogue(engine_, counts.items);
    Tastes tastes;
    for (std::uint64_t slice = 0; slice < n_slices; ++slice) {
      count_events(engine_, parse_time("2026-10-31T00:00:00Z").value(), {slice, n_slices}, counts);
      add_tastes(counts, catalogue, n_threads, tastes);
    }
    make_event_tables(engine_, counts, catalogue, tastes);
  }

  /// Rows of the reference whose value in any of its columns is another in the table, as text.
  std::vector<std::string> differences(const std::string& reference, const std::string& table, const std::string& id) {
    std::vector<std::string> out;
    for (const table::ResultColumn& column : engine_.describe("SELECT * FROM " + reference)) {
      if (column.name == id) continue;
      const std::string mine = "t." + column.name;
      const std::string theirs = "r." + column.name;
      // The queries that read these take null for 0.
      const bool is_sum =
          column.name.find("revenue") != std::string::npos || column.name.find("active_days") != std::string::npos;
      const std::string same =
          column.kind == table::ValueKind::kText
              ? fmt::format("{} IS NOT DISTINCT FROM {}", mine, theirs)
              : fmt::format(
                    "CASE WHEN {0} IS NULL OR {1} IS NULL THEN {0} IS NOT DISTINCT FROM {1} ELSE abs({0} - {1}) <= "
                    "1e-12 * greatest(1, abs({1})) END",
                    is_sum ? "coalesce(" + mine + ", 0)" : mine, is_sum ? "coalesce(" + theirs + ", 0)" : theirs);
      engine_.query(fmt::format("SELECT CAST(r.{0} AS VARCHAR), CAST({1} AS VARCHAR), CAST({2} AS VARCHAR) FROM {3} r LEFT JOIN "
                                "{4} t ON t.{0} = r.{0} "
                                "WHERE NOT ({5})",
                                id, mine, theirs, reference, table, same),
                    [&](const table::Chunk& chunk) {
                      for (std::size_t r = 0; r < chunk.n_rows(); ++r)
                        out.push_back(fmt::format("{} of {}: {}, {}", column.name, chunk.format_at(0, r), chunk.format_at(1, r),
                                                  chunk.format_at(2, r)));
                    });
    }
    return out;
  }
  void expect_reference() {
    for (const char* name :
         {"pairs", "user_activity", "user_taste", "user_categories", "user_tags", "item_activity", "item_people"})
      make(name, true);
    for (const char* name : {"user_activity", "user_taste", "user_categories", "user_tags"})
      EXPECT_THAT(differences(fmt::format("feature_{}", name), "feature_user_events", "user_id"), ElementsAre()) << name;
    for (const char* name : {"item_activity", "item_people"})
      EXPECT_THAT(differences(fmt::format("feature_{}", name), "feature_item_events", "item_id"), ElementsAre()) << name;
    EXPECT_EQ(engine_.query_int("SELECT count(*) FROM feature_user_events"),
              engine_.query_int("SELECT count(*) FROM feature_user_activity"));
    const std::string buyers =
        "SELECT person AS user_id, item_id FROM feature_pairs WHERE orders > 0 AND person >= 0 AND item_id <= 40";
    EXPECT_EQ(engine_.query_int("SELECT count(*) FROM feature_buyers"),
              engine_.query_int("SELECT count(*) FROM (" + buyers + ")"));
    EXPECT_EQ(engine_.query_int("SELECT count(*) FROM (" + buyers + " EXCEPT SELECT user_id, item_id FROM feature_buyers)"), 0);
  }

  TemporaryFolder overrides_;
};

TEST_F(EventTables, are_those_of_plain_sql) {
  add_events(900);
  count(1, 1);
  expect_reference();
}

TEST_F(EventTables, do_not_depend_on_slices_or_threads) {
  add_events(600);
  count(3, 2);
  expect_reference();
}

TEST_F(EventTables, know_each_user_and_item_once) {
  add_events(200);
  count(2, 2);
  EXPECT_EQ(engine_.query_int("SELECT count(*) - count(DISTINCT user_id) FROM feature_user_events"), 0);
  EXPECT_EQ(engine_.query_int("SELECT count(*) - count(DISTINCT item_id) FROM feature_item_events"), 0);
}

TEST_F(EventTables, are_there_without_events_and_catalogue) {
  sql("DELETE FROM items");
  make("item_prices");
  make("item_tags");
  count(1, 1);
  EXPECT_EQ(engine_.query_int("SELECT (SELECT count(*) FROM feature_user_events) + (SELECT count(*) FROM feature_item_events)"),
            0);
}

TEST_F(EventTables, a_guest_has_the_number_that_the_engine_gives) {
  for (const char* visitor : {"f000000000000ff0", "00000000000000ff", "FFFFFFFFFFFFFFFF", "no visitor"})
    EXPECT_EQ(guest_number(visitor), engine_.query_int(fmt::format("SELECT visitor_key('{}')", visitor))) << visitor;
}

}  // namespace
}  // namespace lodestone::features
