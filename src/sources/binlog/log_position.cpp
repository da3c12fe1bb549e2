#include "sources/binlog/log_position.hpp"

#include <fmt/format.h>

#include "base/error.hpp"
#include "sources/mysql/connection.hpp"

namespace lodestone::sources {
namespace {

[[noreturn]] void fail_off(const Connection& connection) {
  fail(ErrorCode::kContract,
       "{}: the server keeps no binary log; set log_bin and binlog_format=ROW in its configuration and restart it, or leave the "
       "source to "
       "snapshots",
       format_mysql_url(connection.options().url));
}

std::string value_of(Connection& connection, const std::string& sql, const Purpose& purpose) {
  const auto rows = connection.query(sql, purpose);
  return rows.empty() || rows[0].empty() ? "" : rows[0].back().value_or("");
}

}  // namespace

GtidPosition current_gtid(Connection& connection) {
  const Purpose purpose{"ask where the binary log stands", "", 0};
  if (value_of(connection, "SELECT @@global.log_bin", purpose) != "1") fail_off(connection);
  return GtidPosition::parse(value_of(connection, "SELECT @@global.gtid_binlog_pos", purpose));
}

GtidPosition snapshot_gtid(Connection& connection) {
  const Purpose purpose{"ask where the snapshot stands in the binary log", "", 0};
  const std::string file = value_of(connection, "SHOW STATUS LIKE 'binlog_snapshot_file'", purpose);
  const std::string at = value_of(connection, "SHOW STATUS LIKE 'binlog_snapshot_position'", purpose);
  if (file.empty()) fail_off(connection);
  // Null when the file is gone; a position before the first transaction is "".
  const auto rows = connection.query(fmt::format("SELECT BINLOG_GTID_POS({}, {})", quoted_text(file), at), purpose);
  if (rows.empty() || !rows[0][0]) {
    fail(ErrorCode::kUnavailable, "{}: the binary log {} of the snapshot is gone; begin the snapshot again",
         format_mysql_url(connection.options().url), file);
  }
  return GtidPosition::parse(*rows[0][0]);
}

void check_binlog(Connection& connection) {
  const Purpose purpose{"ask how the binary log is kept", "", 0};
  const std::string address = format_mysql_url(connection.options().url);
  const std::string version = value_of(connection, "SELECT VERSION()", purpose);
  if (version.find("MariaDB") == std::string::npos) {
    fail(ErrorCode::kContract,
         "{}: the binary log of version {} cannot be followed, only that of MariaDB 10.5 or newer; leave the source to snapshots",
         address, version);
  }
  if (value_of(connection, "SELECT @@global.log_bin", purpose) != "1") fail_off(connection);
  const std::string format = value_of(connection, "SELECT @@global.binlog_format", purpose);
  if (format != "ROW") {
    fail(ErrorCode::kContract,
         "{}: the binary log holds statements (binlog_format={}), from which changed rows cannot be told; set GLOBAL "
         "binlog_format='ROW', "
         "also in the server's configuration, and take a new snapshot",
         address, format);
  }
}

}  // namespace lodestone::sources
