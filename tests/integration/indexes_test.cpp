// Indexes for reading changes, against a real MariaDB: what is planned, made, used, measured and dropped, and each refusal's
// sentence.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <set>

#include "base/error.hpp"
#include "simulation/open_sink.hpp"
#include "simulation/simulator.hpp"
#include "sources/mysql/index_change.hpp"
#include "sources/mysql/index_measure.hpp"
#include "sources/mysql/index_plan.hpp"
#include "tests/support/mariadb.hpp"

namespace lodestone::sources {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

const FollowedTable kOrders{"orders", {"update_time", "create_time"}, {"id"}};

class IndexesTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    server_ = &test::shared_mariadb();
    server_->execute("CREATE DATABASE catalog CHARACTER SET utf8mb4");
    server_->execute("CREATE USER planner@'127.0.0.1' IDENTIFIED BY 'p'");
    server_->execute("GRANT SELECT ON catalog.* TO planner@'127.0.0.1'");
  }
  void SetUp() override { make("orders", "InnoDB"); }
  /// 3000 rows, three of each moment, every hundredth without one.
  static void make(const std::string& table, const std::string& engine) {
    server_->execute(
        fmt::format("CREATE OR REPLACE TABLE catalog.{} (id BIGINT PRIMARY KEY, create_time DATETIME, update_time "
                    "DATETIME, name VARCHAR(50)) ENGINE={}",
                    table, engine));
    server_->execute(
        fmt::format("INSERT INTO catalog.{} SELECT seq, '2026-01-01', IF(seq % 100 = 0, NULL, '2026-01-01' + INTERVAL seq "
                    "DIV 3 MINUTE), REPEAT('x', seq % 40) FROM seq_1_to_3000",
                    table));
  }
  static Connection connect(const std::string& user = "root", const std::string& database = "catalog") {
    return Connection({.url = parse_mysql_url(server_->url(database, user)), .password = user == "root" ? "" : "p"});
  }
  static PlannedIndex plan_of(Connection& connection, const FollowedTable& table) {
    return plan_indexes(connection, std::vector{table}, {}).at(0);
  }
  static std::string failure(ErrorCode code, const std::function<void()>& what) {
    try {
      what();
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), code) << error.message();
      return error.message();
    }
    ADD_FAILURE() << "nothing was thrown";
    return "";
  }
  static test::MariaDb* server_;
};
test::MariaDb* IndexesTest::server_ = nullptr;

TEST_F(IndexesTest, pages_of_the_cursor_query_give_every_row_once) {
  server_->execute(
      "CREATE OR REPLACE TABLE catalog.visit (at DATETIME, visitor BINARY(2), goal INT, buster INT UNSIGNED, PRIMARY "
      "KEY (visitor, goal, buster))");
  server_->execute(
      "INSERT INTO catalog.visit SELECT IF(seq % 50 = 0, NULL, '2026-01-01' + INTERVAL seq DIV 40 DAY), UNHEX(LPAD(HEX("
      "seq % 13), 4, '0')), seq % 7, seq FROM seq_1_to_1000");
  Connection connection = connect();
  const TableFacts facts = get_table_facts(connection, "visit");
  const Cursor cursor = make_cursor("visit", "at", std::vector<std::string>{"visitor", "goal", "buster"});
  std::string literals;
  for (const std::string& column : cursor.order)
    literals += (literals.empty() ? "" : ", ") + literal_of(column, facts.find_column(column)->data_type);
  std::set<CursorPosition> seen;
  std::optional<CursorPosition> after;
  for (;;) {
    const std::string page = cursor_query(cursor, after, 17);
    const auto rows = connection.query(
        fmt::format("SELECT {} FROM ({}) AS page ORDER BY at, visitor, goal, buster", literals, page), {"read a page", "", 0});
    if (rows.empty()) break;
    for (const auto& row : rows) {
      after = CursorPosition{};
      for (const auto& value : row) after->push_back(value.value());
      EXPECT_TRUE(seen.insert(*after).second) << "twice";
    }
    ASSERT_LE(seen.size(), 1000U);
  }
  EXPECT_EQ(seen.size(), 1000U);
}

TEST_F(IndexesTest, a_missing_index_is_planned_made_and_used) {
  Connection connection = connect();
  limit_lock_waits(connection);
  const PlannedIndex index = plan_of(connection, kOrders);
  EXPECT_EQ(index.state, IndexState::kMissing);
  EXPECT_EQ(create_statement(index),
            "CREATE INDEX `lodestone_update_time` ON `orders` (`update_time`, `id`) ALGORITHM=INPLACE LOCK=NONE");
  const auto position = find_position(connection, index.facts, *index.cursor, 100);
  ASSERT_TRUE(position);
  const ReadingCost before = measure_reading(connection, *index.cursor, *position, 100);
  EXPECT_EQ(before.plan.key, "");
  EXPECT_EQ(before.plan.access, "ALL");
  EXPECT_TRUE(before.plan.sorts);
  EXPECT_EQ(create_index(connection, index, Locking::kRefuse), ChangeResult::kOnline);
  EXPECT_EQ(create_index(connection, index, Locking::kRefuse), ChangeResult::kThere);
  const ReadingCost after = measure_reading(connection, *index.cursor, *position, 100);
  EXPECT_EQ(after.plan.key, "lodestone_update_time");
  EXPECT_EQ(after.plan.access, "range");
  EXPECT_FALSE(after.plan.sorts);
  EXPECT_LT(after.plan.n_rows, before.plan.n_rows / 10);
  EXPECT_EQ(plan_of(connection, kOrders).state, IndexState::kOurs);
}

TEST_F(IndexesTest, an_index_of_the_database_that_serves_is_left_to_do_it) {
  Connection connection = connect();
  // InnoDB appends the primary key, so the change column alone is enough.
  server_->execute("CREATE INDEX theirs ON catalog.orders (update_time)");
  PlannedIndex index = plan_of(connection, kOrders);
  EXPECT_EQ(index.state, IndexState::kServed);
  EXPECT_EQ(index.name, "theirs");
  for (const char* useless : {"(update_time, name)", "(update_time DESC)", "(name, update_time)", "(create_time, update_time)",
                              "(update_time) IGNORED"}) {
    server_->execute(fmt::format("CREATE OR REPLACE INDEX theirs ON catalog.orders {}", useless));
    EXPECT_EQ(plan_of(connection, kOrders).state, IndexState::kMissing) << useless;
  }
  make("orders", "MyISAM");
  server_->execute("CREATE INDEX theirs ON catalog.orders (update_time)");
  EXPECT_EQ(plan_of(connection, kOrders).state, IndexState::kMissing);
}

TEST_F(IndexesTest, wishes_that_no_query_uses_are_skipped_with_the_reason) {
  Connection connection = connect();
  const std::vector<WishedIndex> wishes = {{"orders", "idx_update_time", {"update_time"}},
                                           {"orders", "idx_create_time", {"create_time"}},
                                           {"elsewhere", "idx", {"a"}}};
  const auto plan = plan_indexes(connection, std::vector{kOrders}, wishes);
  ASSERT_EQ(plan.size(), 2U);
  EXPECT_EQ(plan[1].name, "idx_create_time");
  EXPECT_EQ(plan[1].state, IndexState::kSkipped);
  EXPECT_EQ(plan[1].reason, "no query of ours filters by create_time; changes are read in the order (update_time, id)");
}

TEST_F(IndexesTest, tables_that_cannot_have_it_say_why) {
  Connection connection = connect();
  server_->execute("CREATE OR REPLACE VIEW catalog.seen AS SELECT * FROM catalog.orders");
  PlannedIndex index = plan_of(connection, {"seen", {"update_time"}, {"id"}});
  EXPECT_EQ(index.state, IndexState::kImpossible);
  EXPECT_EQ(index.reason, "it is a view, and a view has no index; add this one to the table behind it");
  index = plan_of(connection, {"orders", {"update_time"}, {"number"}});
  EXPECT_EQ(index.state, IndexState::kImpossible);
  EXPECT_EQ(index.reason, "it lacks column number, which its contract names as part of the key");
  server_->execute("CREATE INDEX lodestone_update_time ON catalog.orders (name)");
  index = plan_of(connection, kOrders);
  EXPECT_EQ(index.state, IndexState::kImpossible);
  EXPECT_EQ(index.reason, "an index of that name is there over (name); run lodestone indexes drop, or drop it by hand");
  index = plan_of(connection, {"orders", {"changed_at", "seen_at"}, {"id"}});
  EXPECT_EQ(index.state, IndexState::kSkipped);
  EXPECT_EQ(index.reason, "it has no column changed_at or seen_at, so it is read whole");
  EXPECT_EQ(plan_of(connection, {"orders", {}, {"id"}}).reason, "its contract names no change column, so it is read whole");
  EXPECT_THAT(failure(ErrorCode::kNotFound,
                      [&] {
                        plan_of(connection, {"nowhere", {"a"}, {"id"}});
                      }),
              HasSubstr("cannot look into table nowhere: the database has no such table"));
}

TEST_F(IndexesTest, a_missing_right_names_the_grant) {
  Connection connection = connect("planner");
  const PlannedIndex index = plan_of(connection, kOrders);
  EXPECT_EQ(failure(ErrorCode::kUnavailable, [&] { create_index(connection, index, Locking::kRefuse); }),
            fmt::format("mysql://planner@127.0.0.1:{}/catalog: cannot add index lodestone_update_time to table orders: user "
                        "\"planner\" lacks the right; an administrator must run GRANT INDEX ON `catalog`.`orders` TO "
                        "'planner'@'127.0.0.1';",
                        server_->port()));
  const Result<WriteCost> writes = measure_writes(connection, index);
  ASSERT_FALSE(writes);
  EXPECT_EQ(writes.reason(),
            "not measured: user \"planner\" may not copy the table; GRANT CREATE, INSERT, UPDATE, DROP, INDEX ON `catalog`.* "
            "allows it");
  // The grant that is named is enough.
  server_->execute("GRANT INDEX ON catalog.orders TO planner@'127.0.0.1'");
  EXPECT_EQ(create_index(connection, index, Locking::kRefuse), ChangeResult::kOnline);
  EXPECT_EQ(drop_index(connection, index, Locking::kRefuse), ChangeResult::kOnline);
  EXPECT_EQ(drop_index(connection, index, Locking::kRefuse), ChangeResult::kThere);
  server_->execute("REVOKE INDEX ON catalog.orders FROM planner@'127.0.0.1'");
}

TEST_F(IndexesTest, a_server_that_only_reads) {
  server_->execute("GRANT INDEX ON catalog.orders TO planner@'127.0.0.1'");
  server_->execute("SET GLOBAL read_only = 1");
  Connection connection = connect("planner");
  const PlannedIndex index = plan_of(connection, kOrders);
  EXPECT_THAT(failure(ErrorCode::kUnavailable, [&] { create_index(connection, index, Locking::kRefuse); }),
              testing::AllOf(HasSubstr("cannot add index lodestone_update_time to table orders: the server only reads ("),
                             HasSubstr("give the address of the server that it copies from")));
  server_->execute("SET GLOBAL read_only = 0");
  server_->execute("REVOKE INDEX ON catalog.orders FROM planner@'127.0.0.1'");
}

TEST_F(IndexesTest, what_cannot_be_done_online_needs_leave_to_lock) {
  make("orders", "MyISAM");
  Connection connection = connect();
  const PlannedIndex index = plan_of(connection, kOrders);
  EXPECT_THAT(
      failure(ErrorCode::kUnavailable, [&] { create_index(connection, index, Locking::kRefuse); }),
      testing::AllOf(HasSubstr("cannot add index lodestone_update_time to table orders while others write ("),
                     HasSubstr("it would copy the table (about 3000 rows, 0 MiB) and hold off every write to it until that is "
                               "done; choose a calm hour and give --allow-lock")));
  EXPECT_EQ(plan_of(connection, kOrders).state, IndexState::kMissing);
  EXPECT_EQ(create_index(connection, index, Locking::kAllow), ChangeResult::kLocking);
  EXPECT_EQ(plan_of(connection, kOrders).state, IndexState::kOurs);
  EXPECT_THAT(failure(ErrorCode::kUnavailable, [&] { drop_index(connection, index, Locking::kRefuse); }),
              HasSubstr("while others write (its engine is MyISAM)"));
  EXPECT_EQ(drop_index(connection, index, Locking::kAllow), ChangeResult::kLocking);
}

TEST_F(IndexesTest, a_table_that_a_transaction_holds_is_not_waited_for_long) {
  Connection holder = connect();
  holder.execute("START TRANSACTION", {"begin", "", 0});
  holder.execute("UPDATE orders SET name = 'held' WHERE id = 1", {"write", "", 0});
  Connection connection = connect();
  limit_lock_waits(connection, std::chrono::seconds(1));
  const PlannedIndex index = plan_of(connection, kOrders);
  EXPECT_THAT(
      failure(ErrorCode::kUnavailable, [&] { create_index(connection, index, Locking::kRefuse); }),
      HasSubstr("a transaction held table orders too long, and others would have waited behind this change; run it again when no "
                "long transaction is open"));
  holder.execute("ROLLBACK", {"end", "", 0});
  EXPECT_EQ(create_index(connection, index, Locking::kRefuse), ChangeResult::kOnline);
}

TEST_F(IndexesTest, only_indexes_that_a_plan_made_are_ours) {
  Connection connection = connect();
  create_index(connection, plan_of(connection, kOrders), Locking::kRefuse);
  server_->execute("CREATE INDEX lodestone_create_time ON catalog.orders (create_time, id)");
  server_->execute("CREATE INDEX lodestone_name ON catalog.orders (name)");
  server_->execute("CREATE INDEX theirs ON catalog.orders (update_time, id)");
  const OurIndexes found = find_our_indexes(connection, std::vector{kOrders});
  std::vector<std::string> names;
  for (const PlannedIndex& index : found.ours) names.push_back(index.name);
  EXPECT_THAT(names, ElementsAre("lodestone_create_time", "lodestone_update_time"));
  EXPECT_THAT(found.others, ElementsAre("orders.lodestone_name"));
  for (const PlannedIndex& index : found.ours) drop_index(connection, index, Locking::kRefuse);
  const TableFacts facts = get_table_facts(connection, "orders");
  EXPECT_NE(facts.find_index("theirs"), nullptr);
  EXPECT_NE(facts.find_index("lodestone_name"), nullptr);
  EXPECT_EQ(facts.indexes.size(), 3U);
}

TEST_F(IndexesTest, measuring_writes_leaves_nothing_behind) {
  const char* kContent =
      "SELECT CONCAT(COUNT(*), ' ', SUM(CRC32(CONCAT_WS('|', id, create_time, update_time, name)))) FROM catalog.orders";
  Connection connection = connect();
  const PlannedIndex index = plan_of(connection, kOrders);
  const std::string sum = server_->value(kContent);
  const Result<WriteCost> writes = measure_writes(connection, index);
  ASSERT_TRUE(writes) << writes.reason();
  EXPECT_EQ(writes.value().n_writes, 1000U);
  EXPECT_GT(writes.value().without_us, 0);
  EXPECT_GT(writes.value().with_us, 0);
  EXPECT_EQ(server_->value(kContent), sum);
  EXPECT_EQ(server_->value("SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_NAME LIKE 'lodestone%'"), "0");
  server_->execute("ALTER TABLE catalog.orders ADD stamp INT DEFAULT 7");
  EXPECT_TRUE(measure_writes(connection, plan_of(connection, {"orders", {"stamp"}, {"id"}})));
  server_->execute("DELETE FROM catalog.orders WHERE id > 5");
  const Result<WriteCost> few = measure_writes(connection, index);
  ASSERT_FALSE(few);
  EXPECT_EQ(few.reason(), "not measured: table orders has too few rows");
}

TEST_F(IndexesTest, measuring_writes_neither_waits_for_the_shop_nor_lets_it_wait) {
  Connection shop = connect();
  shop.execute("START TRANSACTION", {"begin", "", 0});
  shop.execute("UPDATE orders SET name = 'held' WHERE id = 1", {"write", "", 0});
  Connection connection = connect();
  connection.execute("SET SESSION innodb_lock_wait_timeout = 1", {"set up the session", "", 0});
  const Result<WriteCost> writes = measure_writes(connection, plan_of(connection, kOrders));
  EXPECT_TRUE(writes) << writes.reason();
}

TEST_F(IndexesTest, rows_that_cannot_be_written_again_leave_the_cost_unmeasured) {
  server_->execute("ALTER TABLE catalog.orders ADD twice BIGINT AS (id * 2) STORED");
  Connection connection = connect();
  const Result<WriteCost> writes = measure_writes(connection, plan_of(connection, kOrders));
  ASSERT_FALSE(writes);
  EXPECT_THAT(writes.reason(),
              HasSubstr("not measured: a copy of the table cannot be written as the table is (The value specified for "
                        "generated column 'twice'"));
  EXPECT_EQ(server_->value("SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_NAME LIKE 'lodestone%'"), "0");
}

TEST_F(IndexesTest, a_server_that_does_not_count_says_how_to_make_it) {
  Connection connection = connect();
  const auto use = read_index_use(connection);
  ASSERT_FALSE(use);
  EXPECT_EQ(use.reason(),
            "the server does not count the use of indexes; put performance_schema=ON below [mysqld] of its configuration and "
            "restart it");
}

TEST_F(IndexesTest, the_copies_of_a_marketplace_can_be_written) {
  simulation::SimulationOptions options;
  options.items = 200;
  options.users = 150;
  options.events = 5'000;
  options.days = 30;
  options.end = *parse_time("2026-03-01T00:00:00Z");
  const auto sink = simulation::open_sink({.to = server_->url("bazaar"), .matomo = server_->url("bazaar_visits")});
  simulation::simulate(options, *sink);
  Connection business = connect("root", "bazaar");
  Connection matomo = connect("root", "bazaar_visits");
  // Texts with quotes, bytes that are no text, decimals, a key of three columns.
  for (const FollowedTable& table :
       {FollowedTable{"dataset", {"update_time"}, {"id"}}, FollowedTable{"user", {"modify_time"}, {"id"}}}) {
    const Result<WriteCost> writes = measure_writes(business, plan_of(business, table));
    EXPECT_TRUE(writes) << writes.reason();
  }
  for (const FollowedTable& table : {FollowedTable{"matomo_log_visit", {"visit_last_action_time"}, {"idvisit"}},
                                     FollowedTable{"matomo_log_conversion", {"server_time"}, {"idvisit", "idgoal", "buster"}}}) {
    const Result<WriteCost> writes = measure_writes(matomo, plan_of(matomo, table));
    EXPECT_TRUE(writes) << writes.reason();
  }
}

}  // namespace
}  // namespace lodestone::sources
