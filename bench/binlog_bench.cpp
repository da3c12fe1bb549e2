// Three sides of the binary log benchmark (bench/binlog.py):
//   binlog_bench fill URL ROWS    makes a table like matomo_log_link_visit_action and fills it, 10,000 rows a transaction
//   binlog_bench read URL         a replica that takes all events of the log and looks into none
//   binlog_bench decode URL       the product's reader: every row decoded into a batch
// The last two print {"rows": n, "seconds": s}; read, which cannot know its rows, prints 0.

#include <fmt/core.h>
#include <mysql.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <string>

#include <mariadb_rpl.h>

#include "base/error.hpp"
#include "sources/binlog/binlog_stream.hpp"
#include "sources/mysql/connection.hpp"

namespace {

using lodestone::ErrorCode;
using lodestone::fail;
using lodestone::sources::Connection;
using lodestone::sources::ConnectionOptions;

constexpr const char* kTable = "link_visit_action";

ConnectionOptions options_of(const std::string& url) { return {.url = lodestone::sources::parse_mysql_url(url)}; }

std::size_t fill(const std::string& url, std::size_t n_rows) {
  Connection connection(options_of(url));
  const lodestone::sources::Purpose purpose{"fill the table", "", 0};
  connection.execute(
      fmt::format("CREATE TABLE {} (idlink_va BIGINT UNSIGNED PRIMARY KEY, idsite INT UNSIGNED NOT NULL, idvisitor BINARY(8) NOT "
                  "NULL, idvisit BIGINT UNSIGNED NOT NULL, idaction_url INT UNSIGNED, idaction_name INT UNSIGNED, "
                  "idaction_event_category INT UNSIGNED, idaction_event_action INT UNSIGNED, server_time DATETIME NOT NULL, "
                  "time_spent INT UNSIGNED, idpageview CHAR(6), custom_dimension_1 VARCHAR(255), custom_dimension_2 "
                  "VARCHAR(255), price DECIMAL(10,2)) CHARACTER SET utf8mb4",
                  kTable),
      purpose);
  constexpr std::size_t kPerTransaction = 10'000;
  for (std::size_t first = 1; first <= n_rows; first += kPerTransaction) {
    connection.execute(fmt::format("INSERT INTO {} SELECT seq, 1, UNHEX(LPAD(HEX(seq * 7919), 16, '0')), seq DIV 5, seq % 13000, "
                                   "seq % 13000 + 20000, IF(seq "
                                   "% 7 = 0, 11, NULL), IF(seq % 7 = 0, 12, NULL), '2026-01-01' + INTERVAL seq SECOND, seq % "
                                   "300, 'abc123', IF(seq % 3 = "
                                   "0, CONCAT('req_', MD5(seq)), NULL), NULL, seq % 4000 / 100 FROM seq_{}_to_{}",
                                   kTable, first, std::min(first + kPerTransaction - 1, n_rows)),
                       purpose);
  }
  return n_rows;
}

/// As the reader asks for the log, with the checksums verified by neither: what the server and the line can do at most.
void read_undecoded(const std::string& url) {
  Connection connection(options_of(url));
  connection.execute("SET @mariadb_slave_capability = 4, @master_binlog_checksum = 'CRC32', @slave_connect_state = ''",
                     {"read the binary log", "", 0});
  MARIADB_RPL* replica = mariadb_rpl_init(connection.handle());
  mariadb_rpl_optionsv(replica, MARIADB_RPL_FILENAME, "", std::size_t{0});
  mariadb_rpl_optionsv(replica, MARIADB_RPL_START, 4UL);
  mariadb_rpl_optionsv(replica, MARIADB_RPL_SERVER_ID, 4711U);
  mariadb_rpl_optionsv(replica, MARIADB_RPL_FLAGS, static_cast<unsigned>(MARIADB_RPL_BINLOG_DUMP_NON_BLOCK));
  if (mariadb_rpl_open(replica) != 0) fail(ErrorCode::kUnavailable, "{}: {}", url, mysql_error(connection.handle()));
  unsigned long length = mysql_net_read_packet(connection.handle());
  while (length != packet_error && !(connection.handle()->net.read_pos[0] == 0xfe && length < 8)) {
    length = mysql_net_read_packet(connection.handle());
  }
  if (length == packet_error) fail(ErrorCode::kUnavailable, "{}: {}", url, mysql_error(connection.handle()));
  mariadb_rpl_close(replica);
}

std::size_t decode(const std::string& url) {
  Connection connection(options_of(url));
  lodestone::sources::BinlogStream stream({.connection = options_of(url), .mode = lodestone::sources::BinlogMode::kToEnd},
                                          {lodestone::sources::read_binlog_table(connection, kTable)});
  std::size_t n = 0;
  while (stream.next(std::chrono::hours(1)) == lodestone::sources::BinlogStep::kChanges) {
    for (const auto* changes : stream.piece().tables) n += changes->rows.size();
  }
  return n;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const std::string mode = argc > 2 ? argv[1] : "";
    if (mode == "fill" && argc == 4) {
      fill(argv[2], std::stoul(argv[3]));
      return 0;
    }
    if ((mode != "read" && mode != "decode") || argc != 3)
      fail(ErrorCode::kInvalidArgument, "usage: fill URL ROWS | read URL | decode URL");
    const auto start = std::chrono::steady_clock::now();
    std::size_t n = 0;
    if (mode == "read") {
      read_undecoded(argv[2]);
    } else {
      n = decode(argv[2]);
    }
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    fmt::print("{{\"rows\": {}, \"seconds\": {:.4f}}}\n", n, seconds);
    return 0;
  } catch (const lodestone::Error& error) {
    fmt::print(stderr, "binlog_bench: {}\n", error.message());
    return 1;
  }
}
