#pragma once
// A marketplace written into the two databases of a MariaDB server.

#include <array>
#include <cstdint>
#include <memory>

#include "simulation/sink.hpp"
#include "sources/mysql/bulk_insert.hpp"
#include "sources/mysql/connection.hpp"

namespace lodestone::simulation {

/// Makes the databases and tables that are missing. Rows are committed as they come, so a run that fails leaves a part; the tables are then to be
/// replaced. The account needs CREATE, INSERT, SELECT, and DROP to replace.
class MariaDbSink final : public MarketplaceSink {
 public:
  /// Throws contract when one of the tables has rows and `existing` is kRefuse, and what Connection and BulkInsert throw.
  MariaDbSink(const sources::ConnectionOptions& business, const sources::ConnectionOptions& matomo, Existing existing);
  ~MariaDbSink() override;
  void write(Table table, const table::Batch& batch) override;
  void finish() override;

 private:
  /// A database with its tables under writing.
  struct Target {
    std::unique_ptr<sources::Connection> connection;
    std::uint64_t n_rows_open = 0;  // since the last commit
  };
  void prepare(Target& target, Database database, Existing existing);
  Target& target_of(Table table);

  Target business_;
  Target matomo_;
  std::array<std::unique_ptr<sources::BulkInsert>, kTableCount> inserts_;
};

}  // namespace lodestone::simulation
