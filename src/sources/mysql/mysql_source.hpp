#pragma once
// The business database or the Matomo database as a source: whole tables as of one moment. An account with SELECT is enough.

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sources/change.hpp"
#include "sources/mysql/pool.hpp"

namespace lodestone::sources {

struct MysqlOptions {
  std::string url;                           ///< mysql://USER@HOST:PORT/DATABASE (mysql_url.hpp)
  std::string password = {};                 ///< from an environment variable or a file; never printed
  std::chrono::seconds connect_timeout{10};  ///< larger waits longer for a slow network, and for a dead one
  std::chrono::seconds read_timeout{300};    ///< how long the server may keep silent before it counts as gone
  /// Only tables whose name begins with this are seen, and they are reported without it ("matomo_" for Matomo).
  std::string table_prefix = {};
  /// Offset in which columns of type TIMESTAMP come. DATETIME columns have none and are read as they are; give the offset of the
  /// source's naive times ("+08:00"), so that both mean the same.
  std::string time_zone = "+00:00";
};

/// How to connect, as a pool takes it. Throws invalid_argument for a bad address.
ConnectionOptions connection_options(const MysqlOptions& options);

/// All tables are read over one connection inside one read-only transaction, so that they agree with each other. One stream at a
/// time: a snapshot's stream must be read to its end, or be given up together with the source, before the next is asked for. The
/// source must outlive its streams. One thread.
class MysqlSource final : public Source, public PagedSource {
 public:
  /// Takes a connection of `pool`, which must outlive this, and gives it back at its end. Throws what acquire() throws.
  explicit MysqlSource(ConnectionPool& pool, std::string table_prefix = {});
  /// With a pool of its own, for one reading. Throws invalid_argument for a bad address, and what Connection throws.
  explicit MysqlSource(const MysqlOptions& options);
  ~MysqlSource() override;
  MysqlSource(const MysqlSource&) = delete;
  MysqlSource& operator=(const MysqlSource&) = delete;

  [[nodiscard]] std::string kind() const override { return "mysql"; }
  [[nodiscard]] std::string location() const override;
  /// Tables and views that the account sees, sorted, without the prefix.
  [[nodiscard]] std::vector<std::string> tables() override;
  /// Throws not_found for a table that is not there, unavailable with the GRANT to run for one that may not be read.
  [[nodiscard]] TableSnapshot snapshot(const std::string& table) override;
  [[nodiscard]] PagedSource* paged() override { return this; }

  [[nodiscard]] TimePoint moment() override;
  /// Columns of a table as they come (column_types.hpp). Throws like snapshot().
  [[nodiscard]] table::Schema schema(const std::string& table) override;
  /// The server's estimate, which may be far off.
  [[nodiscard]] std::uint64_t estimated_rows(const std::string& table) override;
  /// The stream must be read to its end before the next is asked for.
  [[nodiscard]] std::unique_ptr<table::RowStream> page(const std::string& table, const RowPage& page) override;

  [[nodiscard]] std::string log_position() override;
  [[nodiscard]] std::unique_ptr<table::RowStream> rows_now(const std::string& table, const std::vector<std::string>& key,
                                                           const std::vector<std::vector<OrderValue>>& keys) override;
  [[nodiscard]] std::vector<RangeDigest> digests(const std::string& table, const std::string& key, std::int64_t width) override;

  /// The name in the database.
  [[nodiscard]] std::string name_of(const std::string& table) const { return table_prefix_ + table; }
  [[nodiscard]] Connection& connection() { return *connection_; }

 private:
  /// Opens the transaction that everything is read in, unless it is open.
  void begin();

  std::unique_ptr<ConnectionPool> own_pool_;  // or none
  ConnectionPool::Lease connection_;
  std::string table_prefix_;
  std::optional<TimePoint> moment_;
};

}  // namespace lodestone::sources
