#pragma once
// The changes of a MariaDB server as they are committed: a connection that takes part as a replica and decodes what comes.

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "sources/binlog/gtid.hpp"
#include "sources/binlog/transaction_reader.hpp"
#include "sources/mysql/connection.hpp"

namespace lodestone::sources {

/// The server no longer has (or never had) the transactions after the position that was asked for: only a new snapshot helps.
class LogPurged final : public Error {
 public:
  explicit LogPurged(std::string message) : Error(ErrorCode::kNotFound, std::move(message)) {}
};

enum class BinlogMode : std::uint8_t {
  kFollow,  ///< wait for what will be committed
  kToEnd    ///< read what there is and stop
};

struct BinlogOptions {
  ConnectionOptions connection;  ///< its time_zone is that of the snapshots; its read_timeout is not used
  GtidPosition start = {};       ///< transactions that it covers do not come; empty begins with the first log that the server has
  BinlogMode mode = BinlogMode::kFollow;
  /// Number of this replica, which no other one and not the server itself may have: a server ends the older of two replicas with
  /// the same number. 0 makes one above 2^31 from the host, the process and the address.
  std::uint32_t server_id = 0;
  std::chrono::milliseconds heartbeat{500};  ///< how often an idle server speaks, and so how soon next() looks at its wait
  std::chrono::seconds silence{60};          ///< how long the server may say nothing at all before it counts as gone
  std::size_t piece_bytes = 16 << 20;  ///< of the log, after which a transaction is handed over in pieces; a row is never cut
};

enum class BinlogStep : std::uint8_t {
  kChanges,        ///< piece() is new
  kIdle,           ///< nothing came within the wait; position() may have moved over transactions of other tables
  kSchemaChanged,  ///< the log has rows of a table that is not as it was described; see schema_change()
  kEnd,            ///< kToEnd alone: all was read
  kStopped         ///< stop() was called
};

/// One replica connection. A transaction comes whole, in pieces only when it is large; one whose last piece did not come must be
/// thrown away by the caller, and comes again from position(). What throws ends the stream. Changes of tables that are not wanted
/// are skipped without being decoded. One thread but for stop().
class BinlogStream {
 public:
  /// Connects and asks for the log. Throws contract when the log is off or has no rows (check_binlog), for a server id that is
  /// the server's own and a time_zone that is no offset; unavailable with the GRANT to run for a missing right; what Connection
  /// throws.
  BinlogStream(const BinlogOptions& options, std::vector<BinlogTable> tables);
  ~BinlogStream();
  BinlogStream(const BinlogStream&) = delete;
  BinlogStream& operator=(const BinlogStream&) = delete;

  /// Waits for the next piece for about `wait`, rounded up to the heartbeat. Throws LogPurged; unavailable or timeout when the
  /// server goes; corrupt; contract for changes that cannot be read (statements instead of rows, XA transactions in two parts,
  /// values without a place).
  BinlogStep next(std::chrono::milliseconds wait);
  [[nodiscard]] const ChangePiece& piece() const;
  [[nodiscard]] const SchemaChange& schema_change() const;
  /// Replaces the description of a table, or adds a table: its changes come from here on. piece() is gone then. Not between two
  /// pieces of one transaction.
  void set_table(BinlogTable table);
  /// Its changes come no more. Not between two pieces of one transaction.
  void drop_table(const std::string& database, const std::string& name);

  /// All transactions that were handed over to their end, or were none of the wanted tables'. Where to start again.
  [[nodiscard]] const GtidPosition& position() const;
  [[nodiscard]] std::uint32_t server_id() const;
  /// Dates that no calendar has, read as null so far.
  [[nodiscard]] std::uint64_t n_zero_dates() const;

  /// From any thread: next() returns kStopped at once, now and ever after.
  void stop() noexcept;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace lodestone::sources
