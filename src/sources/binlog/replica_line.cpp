#include "sources/binlog/replica_line.hpp"

#include <errmsg.h>
#include <fmt/format.h>
#include <mysql.h>
#include <mysqld_error.h>
#include <unistd.h>

#include <array>
#include <memory>

#include <mariadb_rpl.h>

#include "base/error.hpp"
#include "base/hash.hpp"
#include "sources/binlog/binlog_stream.hpp"
#include "sources/binlog/log_position.hpp"

namespace lodestone::sources {
namespace {

using std::chrono::seconds;
using std::chrono::steady_clock;

constexpr unsigned char kEndPacket = 0xfe;
constexpr std::uint32_t kLogStart = 4;  // behind the file's magic bytes

ConnectionOptions line_options(const BinlogOptions& options) {
  ConnectionOptions out = options.connection;
  out.read_timeout = options.silence;
  return out;
}

/// Other processes and other streams of this one make other numbers; servers are numbered by people, who begin with 1.
std::uint32_t derived_server_id(const std::string& address) {
  static std::atomic<std::uint32_t> counter = 0;
  std::array<char, 256> host{};
  ::gethostname(host.data(), host.size() - 1);
  const std::string text = fmt::format("{}|{}|{}|{}", host.data(), ::getpid(), address, counter.fetch_add(1));
  return static_cast<std::uint32_t>(xxh3(text)) | 0x80000000U;
}

}  // namespace

ReplicaLine::ReplicaLine(const BinlogOptions& options)
    : connection_(line_options(options), Connection::Select::kNone), start_(options.start.format()) {
  check_binlog(connection_);
  choose_server_id(options);
  open(options);
}

void ReplicaLine::choose_server_id(const BinlogOptions& options) {
  const std::string address = format_mysql_url(options.connection.url);
  const auto rows = connection_.query("SELECT @@global.server_id", {"ask for the server's number", "", 0});
  const std::string own = rows.empty() ? "" : rows[0][0].value_or("");
  if (options.server_id != 0 && own == std::to_string(options.server_id)) {
    fail(ErrorCode::kContract,
         "{}: the replica cannot have the server id {}, which is the server's own; choose another, or 0 to have one made",
         address, options.server_id);
  }
  server_id_ = options.server_id;
  while (server_id_ == 0 || own == std::to_string(server_id_)) server_id_ = derived_server_id(address);
}

void ReplicaLine::open(const BinlogOptions& options) {
  const Purpose purpose{"read the binary log", "", 0};
  const auto checksum = connection_.query("SELECT @@global.binlog_checksum", purpose);
  checksum_ = !checksum.empty() && checksum[0][0] == "CRC32" ? EventChecksum::kCrc32 : EventChecksum::kNone;
  const auto heartbeat = std::chrono::duration_cast<std::chrono::nanoseconds>(options.heartbeat).count();
  // 4: this replica knows GTIDs, and all events that come with them.
  connection_.execute(
      fmt::format("SET @mariadb_slave_capability = 4, @master_binlog_checksum = {}, @master_heartbeat_period = {}, "
                  "@slave_connect_state = {}",
                  checksum_ == EventChecksum::kCrc32 ? "'CRC32'" : "'NONE'", heartbeat, quoted_text(start_)),
      purpose);
  const std::unique_ptr<MARIADB_RPL, void (*)(MARIADB_RPL*)> replica(mariadb_rpl_init(connection_.handle()), mariadb_rpl_close);
  LODESTONE_ASSERT(replica != nullptr, "mariadb_rpl_init");
  const unsigned flags = options.mode == BinlogMode::kToEnd ? MARIADB_RPL_BINLOG_DUMP_NON_BLOCK : 0;
  mariadb_rpl_optionsv(replica.get(), MARIADB_RPL_FILENAME, "", std::size_t{0});
  mariadb_rpl_optionsv(replica.get(), MARIADB_RPL_START, static_cast<unsigned long>(kLogStart));
  mariadb_rpl_optionsv(replica.get(), MARIADB_RPL_SERVER_ID, server_id_);
  mariadb_rpl_optionsv(replica.get(), MARIADB_RPL_FLAGS, flags);
  if (mariadb_rpl_open(replica.get()) != 0) fail_line(seconds(0));
}

ReplicaLine::Got ReplicaLine::receive() {
  if (cancelled_) return Got::kCancelled;
  const auto start = steady_clock::now();
  const unsigned long length = mysql_net_read_packet(connection_.handle());
  if (cancelled_) return Got::kCancelled;
  if (length == packet_error || length == 0) fail_line(std::chrono::duration_cast<seconds>(steady_clock::now() - start));
  const unsigned char* packet = connection_.handle()->net.read_pos;
  if (packet[0] == kEndPacket && length < 8) return Got::kEnd;
  event_ = {reinterpret_cast<const char*>(packet + 1), length - 1};
  return Got::kEvent;
}

void ReplicaLine::fail_line(seconds waited) {
  const unsigned number = mysql_errno(connection_.handle());
  const std::string message = mysql_error(connection_.handle());
  const std::string address = format_mysql_url(connection_.options().url);
  if (number == ER_SPECIFIC_ACCESS_DENIED_ERROR || number == ER_ACCESS_DENIED_ERROR) {
    // The line is taken: the account's full name comes from a connection beside it.
    Connection beside(connection_.options(), Connection::Select::kNone);
    fail(ErrorCode::kUnavailable,
         "{}: cannot read the binary log: user \"{}\" lacks the right; an administrator must run GRANT REPLICATION SLAVE ON *.* "
         "TO {};",
         address, connection_.options().url.user, beside.account());
  }
  if (number == ER_MASTER_FATAL_ERROR_READING_BINLOG && message.find("GTID") != std::string::npos) {
    throw LogPurged(fmt::format(
        "{}: the binary log no longer holds what follows {} (the server says: {}); take a new snapshot, and keep logs longer "
        "(binlog_expire_logs_seconds) than the longest pause between two runs",
        address, start_.empty() ? "its beginning" : start_, message));
  }
  connection_.fail_statement(number == 0 ? static_cast<unsigned>(CR_SERVER_LOST) : number,
                             number == 0 ? "the line was cut" : message, {"read the binary log", "", 0}, waited);
}

void ReplicaLine::cancel() noexcept {
  cancelled_ = true;
  mariadb_cancel(connection_.handle());
}

}  // namespace lodestone::sources
