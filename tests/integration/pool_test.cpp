// The connection pool against a real MariaDB: nothing stays connected, what died between two uses is replaced, limits hold.
#include "sources/mysql/pool.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <optional>
#include <thread>

#include "base/error.hpp"
#include "sources/mysql/mysql_source.hpp"
#include "tests/support/mariadb.hpp"
#include "tests/support/metrics_lint.hpp"

namespace lodestone::sources {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::HasSubstr;

class PoolTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    server_ = &test::shared_mariadb();
    server_->execute("CREATE DATABASE pooled CHARACTER SET utf8mb4");
    server_->execute("CREATE TABLE pooled.visit (id BIGINT UNSIGNED PRIMARY KEY, name VARCHAR(255))");
    server_->execute("INSERT INTO pooled.visit SELECT seq, REPEAT('n', 100) FROM seq_1_to_60000");
    server_->execute("CREATE USER swimmer@'127.0.0.1' IDENTIFIED BY 'deep'");
    server_->execute("GRANT SELECT ON pooled.* TO swimmer@'127.0.0.1'");
  }
  static PoolOptions options() {
    return {.connection = {.url = parse_mysql_url(server_->url("pooled", "swimmer")), .password = "deep"}, .name = "business"};
  }
  /// Connections of the pool's account that the server lists. It takes notice of one that was closed a moment later.
  static int connected(int expected) {
    int n = -1;
    for (int attempt = 0; attempt < 800 && n != expected; ++attempt) {
      n = std::stoi(server_->value("SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE USER = 'swimmer'"));
      if (n != expected) std::this_thread::sleep_for(milliseconds(25));
    }
    return n;
  }
  static std::string one(ConnectionPool::Lease& lease) {
    return lease->query("SELECT COUNT(*) FROM visit", {"count visits", "", 0})[0][0].value();
  }
  static std::uint64_t read_all(ConnectionPool& pool) {
    MysqlSource source(pool);
    TableSnapshot snapshot = source.snapshot("visit");
    table::Batch batch(snapshot.stream->schema());
    std::uint64_t n = 0;
    while (snapshot.stream->next(batch)) n += batch.n_rows();
    return n;
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
test::MariaDb* PoolTest::server_ = nullptr;

TEST_F(PoolTest, five_extractions_at_once_leave_nothing_connected) {
  {
    ConnectionPool pool(options());
    std::atomic<std::uint64_t> n_rows = 0;
    std::vector<std::thread> threads;
    for (int i = 0; i < 5; ++i) threads.emplace_back([&] { n_rows += read_all(pool) + read_all(pool); });
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(n_rows, 600'000U);
    const PoolStatus status = pool.status();
    EXPECT_EQ(status.in_use, 0);
    EXPECT_EQ(status.n_reconnected, 0U);
    // A reading that came to its end gives its connection back, so ten readings need at most five.
    EXPECT_LE(status.n_created, 5U);
    EXPECT_EQ(static_cast<std::uint64_t>(status.idle), status.n_created);
    EXPECT_EQ(connected(status.idle), status.idle);
  }
  EXPECT_EQ(connected(0), 0);
}

TEST_F(PoolTest, each_source_sees_its_own_moment_though_it_gets_the_same_connection) {
  server_->execute("CREATE OR REPLACE TABLE pooled.moment (id INT PRIMARY KEY)");
  ConnectionPool pool(options());
  const auto count = [&] {
    MysqlSource source(pool);
    TableSnapshot snapshot = source.snapshot("moment");
    table::Batch batch(snapshot.stream->schema());
    std::size_t n = 0;
    while (snapshot.stream->next(batch)) n += batch.n_rows();
    return n;
  };
  EXPECT_EQ(count(), 0U);
  server_->execute("INSERT INTO pooled.moment VALUES (1)");
  EXPECT_EQ(count(), 1U);
  EXPECT_EQ(pool.status().n_created, 1U);
}

TEST_F(PoolTest, a_killed_connection_costs_one_reconnect_and_no_error) {
  ConnectionPool pool(options());
  std::uint64_t id = 0;
  {
    ConnectionPool::Lease lease = pool.acquire();
    id = lease->id();
  }
  server_->execute(fmt::format("KILL CONNECTION {}", id));
  EXPECT_EQ(connected(0), 0);
  ConnectionPool::Lease lease = pool.acquire();
  EXPECT_EQ(one(lease), "60000");
  EXPECT_NE(lease->id(), id);
  const PoolStatus status = pool.status();
  EXPECT_EQ(status.n_reconnected, 1U);
  EXPECT_EQ(status.n_created, 2U);
}

TEST_F(PoolTest, one_that_the_server_closed_for_silence_is_replaced) {
  ConnectionPool pool(options());
  {
    ConnectionPool::Lease lease = pool.acquire();
    lease->execute("SET SESSION wait_timeout = 1", {"shorten the silence", "", 0});
  }
  EXPECT_EQ(connected(0), 0);
  ConnectionPool::Lease lease = pool.acquire();
  EXPECT_EQ(one(lease), "60000");
  EXPECT_EQ(pool.status().n_reconnected, 1U);
}

TEST_F(PoolTest, a_restart_of_the_server_between_two_uses_is_not_noticed) {
  test::MariaDb server;
  ConnectionPool pool({.connection = {.url = parse_mysql_url(server.url("mysql"))}});
  {
    const ConnectionPool::Lease first = pool.acquire();
    const ConnectionPool::Lease second = pool.acquire();
  }
  EXPECT_EQ(pool.status().idle, 2);
  server.restart();
  const ConnectionPool::Lease first = pool.acquire();
  const ConnectionPool::Lease second = pool.acquire();
  EXPECT_EQ(first->query("SELECT 1", {"ask", "", 0}).size(), 1U);
  EXPECT_EQ(second->query("SELECT 1", {"ask", "", 0}).size(), 1U);
  EXPECT_EQ(pool.status().n_reconnected, 2U);
}

TEST_F(PoolTest, a_server_that_stays_away_is_said_and_takes_no_room) {
  test::MariaDb server;
  ConnectionPool pool({.connection = {.url = parse_mysql_url(server.url("mysql"))}, .size = 1, .max_overflow = 0});
  { const ConnectionPool::Lease lease = pool.acquire(); }
  server.kill();
  for (int i = 0; i < 2; ++i)
    EXPECT_THAT(failure(ErrorCode::kUnavailable, [&] { (void)pool.acquire(); }), HasSubstr("no server answers at 127.0.0.1:"));
  EXPECT_EQ(pool.status().in_use, 0);
}

TEST_F(PoolTest, an_old_connection_is_replaced_before_use) {
  FixedClock clock(TimePoint(seconds(1'800'000'000)));
  ConnectionPool pool(options(), clock);
  std::uint64_t id = 0;
  {
    ConnectionPool::Lease lease = pool.acquire();
    id = lease->id();
  }
  clock.advance(seconds(3599));
  EXPECT_EQ(pool.acquire()->id(), id);
  clock.advance(seconds(1));
  EXPECT_NE(pool.acquire()->id(), id);
  EXPECT_EQ(pool.status().n_recycled, 1U);
  EXPECT_EQ(pool.status().n_reconnected, 0U);
  EXPECT_EQ(connected(1), 1);
}

TEST_F(PoolTest, when_all_are_in_use_a_sentence_names_the_limits) {
  PoolOptions limited = options();
  limited.size = 1;
  limited.max_overflow = 1;
  limited.timeout = milliseconds(50);
  ConnectionPool pool(limited);
  std::optional<ConnectionPool::Lease> first(pool.acquire());
  const ConnectionPool::Lease second = pool.acquire();
  EXPECT_EQ(
      failure(ErrorCode::kTimeout, [&] { (void)pool.acquire(); }),
      fmt::format("pool business: all 2 connections to mysql://swimmer@127.0.0.1:{}/pooled are in use (source.pool_size 1 and "
                  "source.pool_max_overflow 1), and none came back within 0.05 s; raise these two, or "
                  "source.pool_timeout_seconds to wait longer",
                  server_->port()));
  EXPECT_EQ(pool.status().n_waits, 1U);
  EXPECT_EQ(format_pool_status(pool),
            "pool business: 2 in use, 0 idle, 1 beyond 1 (at most 1); 2 opened, 0 recycled, 0 reconnected, 1 waits");
  first.reset();
  EXPECT_EQ(connected(1), 1);  // the one beyond the size was closed
  EXPECT_EQ(pool.status().overflow, 0);
}

TEST_F(PoolTest, who_waits_gets_the_connection_that_comes_back) {
  PoolOptions limited = options();
  limited.size = 1;
  limited.max_overflow = 0;
  ConnectionPool pool(limited);
  std::atomic<int> n_done = 0;
  std::vector<std::thread> threads;
  {
    const ConnectionPool::Lease lease = pool.acquire();
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&] {
        ConnectionPool::Lease mine = pool.acquire();
        if (one(mine) == "60000") ++n_done;
      });
    }
    while (pool.status().n_waits < 4) std::this_thread::sleep_for(milliseconds(1));
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(n_done, 4);
  EXPECT_EQ(pool.status().n_created, 1U);
}

TEST_F(PoolTest, what_stands_in_the_middle_of_something_is_closed) {
  ConnectionPool pool(options());
  {
    const ConnectionPool::Lease lease = pool.acquire();
    lease->execute("START TRANSACTION", {"begin", "", 0});
  }
  EXPECT_EQ(pool.status().idle, 0);
  {
    const ConnectionPool::Lease lease = pool.acquire();
    lease->execute("START TRANSACTION READ ONLY", {"begin", "", 0});
    lease->roll_back();
  }
  EXPECT_EQ(pool.status().idle, 1);
  {
    MysqlSource source(pool);
    const TableSnapshot snapshot = source.snapshot("visit");
    table::Batch batch(snapshot.stream->schema());
    ASSERT_TRUE(snapshot.stream->next(batch));
  }
  EXPECT_EQ(pool.status().idle, 0);
  {
    const ConnectionPool::Lease lease = pool.acquire();
    server_->execute(fmt::format("KILL CONNECTION {}", lease->id()));
    failure(ErrorCode::kUnavailable, [&] { lease->execute("SELECT SLEEP(5)", {"wait", "", 0}); });
    failure(ErrorCode::kUnavailable, [&] { lease->execute("SELECT 1", {"ask", "", 0}); });
  }
  EXPECT_EQ(pool.status().idle, 0);
  EXPECT_EQ(connected(0), 0);
}

TEST_F(PoolTest, a_server_that_was_still_sending_notices_at_once_that_nobody_reads) {
  // More than the buffers between the two hold, so that the server waits for the reader.
  server_->execute("CREATE OR REPLACE TABLE pooled.much AS SELECT seq, REPEAT('n', 1000) AS text FROM seq_1_to_60000");
  ConnectionPool pool(options());
  {
    MysqlSource source(pool);
    const TableSnapshot snapshot = source.snapshot("much");
    table::Batch batch(snapshot.stream->schema());
    ASSERT_TRUE(snapshot.stream->next(batch));
    const std::string state =
        fmt::format("SELECT STATE FROM information_schema.PROCESSLIST WHERE ID = {}", source.connection().id());
    // It is in this state for a moment at each packet, too; what stays in it waits.
    int n_in_a_row = 0;
    for (int attempt = 0; attempt < 1200 && n_in_a_row < 20; ++attempt) {
      n_in_a_row = server_->value(state) == "Writing to net" ? n_in_a_row + 1 : 0;
      std::this_thread::sleep_for(milliseconds(25));
    }
    ASSERT_EQ(n_in_a_row, 20);
  }
  EXPECT_EQ(connected(0), 0);
}

TEST_F(PoolTest, a_failed_statement_does_not_cost_the_connection) {
  ConnectionPool pool(options());
  {
    const ConnectionPool::Lease lease = pool.acquire();
    failure(ErrorCode::kUnavailable, [&] { lease->execute("SELEC 1", {"ask", "", 0}); });
  }
  EXPECT_EQ(pool.status().idle, 1);
}

TEST_F(PoolTest, a_server_without_room_is_said) {
  server_->execute("CREATE USER lone@'127.0.0.1' IDENTIFIED BY 'x' WITH MAX_USER_CONNECTIONS 1");
  server_->execute("GRANT SELECT ON pooled.* TO lone@'127.0.0.1'");
  ConnectionPool pool({.connection = {.url = parse_mysql_url(server_->url("pooled", "lone")), .password = "x"}});
  const ConnectionPool::Lease lease = pool.acquire();
  EXPECT_THAT(failure(ErrorCode::kUnavailable, [&] { (void)pool.acquire(); }),
              testing::AllOf(HasSubstr("the server has no room for another connection ("),
                             HasSubstr("lower source.pool_size and source.pool_max_overflow")));
}

TEST_F(PoolTest, sizes_that_make_no_pool_are_refused) {
  PoolOptions bad = options();
  bad.size = 0;
  EXPECT_EQ(failure(ErrorCode::kInvalidArgument, [&] { const ConnectionPool pool(bad); }),
            "pool business: size 0 and overflow 20 make no pool; give a size of at least 1 and an overflow of at least 0");
}

TEST_F(PoolTest, metrics_sum_the_pools) {
  PoolOptions small = options();
  small.size = 1;
  const auto metrics = [](const metrics::Registry& registry, const char* state) {
    return test::parse_metrics(registry.expose()).at(fmt::format("db_pool_connections{{state=\"{}\"}}", state));
  };
  ConnectionPool business(options());
  ConnectionPool matomo(small);
  metrics::Registry registry;
  const ConnectionPool* pools[] = {&business, &matomo};
  register_pool_metrics(registry, pools);
  EXPECT_EQ(metrics(registry, "idle"), 0);
  {
    const ConnectionPool::Lease a = business.acquire();
    const ConnectionPool::Lease b = matomo.acquire();
    const ConnectionPool::Lease c = matomo.acquire();
    EXPECT_EQ(metrics(registry, "in_use"), 3);
    EXPECT_EQ(metrics(registry, "overflow"), 1);
  }
  EXPECT_EQ(metrics(registry, "idle"), 2);
  EXPECT_EQ(metrics(registry, "in_use"), 0);
  EXPECT_EQ(metrics(registry, "overflow"), 0);
  EXPECT_THAT(test::lint_metrics(registry.expose()), testing::IsEmpty());
}

}  // namespace
}  // namespace lodestone::sources
