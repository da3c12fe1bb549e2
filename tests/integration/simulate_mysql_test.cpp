// A simulated marketplace in a real MariaDB: nothing is lost on the way in, and nothing of others is touched.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.hpp"
#include "simulation/open_sink.hpp"
#include "simulation/simulator.hpp"
#include "sources/mysql/mysql_source.hpp"
#include "tests/support/mariadb.hpp"

namespace lodestone::simulation {
namespace {

using testing::HasSubstr;

SimulationOptions small_options() {
  SimulationOptions options;
  options.items = 500;
  options.users = 400;
  options.events = 20'000;
  options.days = 30;
  options.end = *parse_time("2026-03-01T00:00:00Z");
  return options;
}

class SimulateMysql : public testing::Test {
 protected:
  static void SetUpTestSuite() { server_ = &test::shared_mariadb(); }
  static std::uint64_t count(const std::string& from_where) {
    return std::stoull(server_->value("SELECT COUNT(*) FROM " + from_where));
  }
  static test::MariaDb* server_;
};
test::MariaDb* SimulateMysql::server_ = nullptr;

TEST_F(SimulateMysql, rows_in_the_databases_are_those_of_the_truth) {
  const auto sink = open_sink({.to = server_->url("market")});
  const SimulationSummary summary = simulate(small_options(), *sink);
  for (std::size_t i = 0; i < kTableCount; ++i) {
    const TableSpec& spec = marketplace_tables()[i];
    EXPECT_EQ(count((spec.database == Database::kBusiness ? "market." : "matomo.") + spec.name), summary.rows[i]) << spec.name;
  }
  const Counts& counts = summary.counts;
  EXPECT_EQ(count("market.order_tab WHERE pay_status IN (1, 5) AND is_delete = 0"), counts.orders.paid);
  EXPECT_EQ(count("market.order_tab WHERE pay_status = 0 AND is_delete = 0"), counts.orders.unpaid);
  EXPECT_EQ(count("market.order_tab WHERE pay_status = 3 AND is_delete = 0"), counts.orders.refunded);
  EXPECT_EQ(count("market.order_tab WHERE is_delete = 1"), counts.orders.deleted);
  EXPECT_EQ(count("market.api_order WHERE pay_status = 1 AND is_delete = 0"), counts.api_orders.paid);
  EXPECT_EQ(count("matomo.matomo_log_link_visit_action WHERE idaction_event_category IS NOT NULL"), counts.clicks);
  EXPECT_EQ(count("matomo.matomo_log_conversion WHERE idgoal = -1"), counts.cart_updates);
  EXPECT_EQ(count("matomo.matomo_log_conversion WHERE idgoal = 0 AND idorder IS NOT NULL"), counts.order_conversions);
  EXPECT_EQ(count("matomo.matomo_log_visit WHERE user_id IS NOT NULL"), counts.visits_with_account);
  EXPECT_EQ(count("matomo.matomo_log_link_visit_action a JOIN matomo.matomo_log_action u ON u.idaction = a.idaction_url WHERE "
                  "u.name LIKE '%/payment/%' "
                  "AND a.idaction_event_category IS NULL"),
            counts.payment_pages);
  // Times are naive Shanghai time in the business tables, UTC in Matomo's; a paid order's conversion shows both.
  EXPECT_EQ(count("market.order_tab o JOIN matomo.matomo_log_conversion c ON c.idorder = CONCAT('D', o.id) WHERE o.pay_time = "
                  "c.server_time + INTERVAL 8 HOUR"),
            count("matomo.matomo_log_conversion WHERE idorder LIKE 'D%'"));
  // Four-byte characters arrive whole.
  EXPECT_GT(count("market.user WHERE user_name LIKE '%😀%'"), 0U);

  sources::MysqlSource source({.url = server_->url("matomo"), .table_prefix = "matomo_"});
  EXPECT_THAT(source.tables(), testing::ElementsAre("log_action", "log_conversion", "log_link_visit_action", "log_visit"));
  // The types that the simulator writes are those that the source reads.
  for (std::size_t i = 0; i < kTableCount; ++i) {
    const TableSpec& spec = marketplace_tables()[i];
    sources::MysqlSource any({.url = server_->url(spec.database == Database::kBusiness ? "market" : "matomo")});
    EXPECT_EQ(any.schema(spec.name).size(), spec.schema.size());
    const table::Schema schema = any.schema(spec.name);
    for (std::size_t c = 0; c < schema.size(); ++c) {
      EXPECT_EQ(schema[c].name, spec.schema[c].name);
      EXPECT_EQ(schema[c].type, spec.schema[c].type) << spec.name << "." << schema[c].name;
    }
  }
}

TEST_F(SimulateMysql, tables_with_rows_are_left_alone_unless_told) {
  server_->execute("CREATE DATABASE live");
  server_->execute("CREATE TABLE live.order_tab (id INT PRIMARY KEY)");
  server_->execute("INSERT INTO live.order_tab VALUES (7)");
  SinkOptions options{.to = server_->url("live"), .matomo = server_->url("live_matomo")};
  try {
    open_sink(options);
    FAIL() << "a table with rows was accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kContract);
    EXPECT_THAT(
        error.message(),
        HasSubstr("/live: table order_tab has rows, and simulated ones go into empty tables only; name another database, or "
                  "replace the tables by --overwrite"));
  }
  EXPECT_EQ(server_->value("SELECT id FROM live.order_tab"), "7");
  EXPECT_EQ(count("information_schema.TABLES WHERE TABLE_SCHEMA = 'live'"), 1U);
  options.existing = Existing::kReplace;
  const auto sink = open_sink(options);
  const SimulationSummary summary = simulate(small_options(), *sink);
  EXPECT_EQ(count("live.order_tab"), summary.rows[kOrderTab]);
  EXPECT_EQ(count("live_matomo.matomo_log_visit"), summary.rows[kLogVisit]);
}

TEST_F(SimulateMysql, an_account_that_may_not_make_databases_is_told) {
  server_->execute("CREATE USER poor@'127.0.0.1' IDENTIFIED BY 'p'");
  try {
    open_sink({.to = server_->url("new", "poor"), .password = "p"});
    FAIL() << "accepted";
  } catch (const Error& error) {
    EXPECT_THAT(error.message(), HasSubstr("cannot make database new: user \"poor\" lacks the right on database \"new\""));
  }
}

}  // namespace
}  // namespace lodestone::simulation
