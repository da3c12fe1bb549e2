#include "simulation/mariadb_sink.hpp"

#include <fmt/format.h>

#include "base/error.hpp"

namespace lodestone::simulation {
namespace {

using sources::Connection;
using sources::ConnectionOptions;
using sources::quoted_name;
using sources::quoted_text;

/// Long transactions cost the server memory, short ones time.
constexpr std::uint64_t kRowsACommit = 200'000;

/// Connects, making the database first if the server has none of that name.
std::unique_ptr<Connection> open_database(const ConnectionOptions& options) {
  const std::string& name = options.url.database;
  auto connection = std::make_unique<Connection>(options, Connection::Select::kNone);
  const sources::Purpose purpose{fmt::format("make database {}", name), "", 0};
  const auto found = connection->query(
      fmt::format("SELECT 1 FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = {}", quoted_text(name)), purpose);
  if (found.empty()) connection->execute(fmt::format("CREATE DATABASE {} CHARACTER SET utf8mb4", quoted_name(name)), purpose);
  connection->execute("USE " + quoted_name(name), {fmt::format("use database {}", name), "", 0});
  return connection;
}

bool exists(Connection& connection, const std::string& table) {
  return !connection
              .query(fmt::format("SELECT 1 FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = {}",
                                 quoted_text(table)),
                     {"list tables", "", 0})
              .empty();
}

}  // namespace

MariaDbSink::MariaDbSink(const ConnectionOptions& business, const ConnectionOptions& matomo, Existing existing)
    : business_{open_database(business)}, matomo_{open_database(matomo)} {
  prepare(business_, Database::kBusiness, existing);
  prepare(matomo_, Database::kMatomo, existing);
}

MariaDbSink::~MariaDbSink() = default;

MariaDbSink::Target& MariaDbSink::target_of(Table table) {
  return marketplace_tables()[table].database == Database::kBusiness ? business_ : matomo_;
}

void MariaDbSink::prepare(Target& target, Database database, Existing existing) {
  Connection& connection = *target.connection;
  // All are looked at before the first is touched.
  for (const TableSpec& spec : marketplace_tables()) {
    if (existing == Existing::kReplace || spec.database != database || !exists(connection, spec.name)) continue;
    const sources::Purpose purpose{fmt::format("look into table {}", spec.name), spec.name, 0};
    if (connection.query(fmt::format("SELECT 1 FROM {} LIMIT 1", quoted_name(spec.name)), purpose).empty()) continue;
    fail(ErrorCode::kContract,
         "{}: table {} has rows, and simulated ones go into empty tables only; name another database, or replace the tables by "
         "--overwrite",
         sources::format_mysql_url(connection.options().url), spec.name);
  }
  for (std::size_t i = 0; i < kTableCount; ++i) {
    const TableSpec& spec = marketplace_tables()[i];
    if (spec.database != database) continue;
    const sources::Purpose purpose{fmt::format("make table {}", spec.name), "", 0, "SELECT, INSERT, CREATE, DROP"};
    if (existing == Existing::kReplace) connection.execute("DROP TABLE IF EXISTS " + quoted_name(spec.name), purpose);
    connection.execute(create_statement(spec), purpose);
    inserts_[i] = std::make_unique<sources::BulkInsert>(connection, spec.name, spec.schema);
  }
  // Keys are unique by construction, so the server may check them late and fill empty tables in bulk.
  connection.execute("SET SESSION unique_checks = 0, SESSION foreign_key_checks = 0, SESSION autocommit = 0",
                     {"set up the session", "", 0});
}

void MariaDbSink::write(Table table, const table::Batch& batch) {
  Target& target = target_of(table);
  inserts_[table]->write(batch);
  target.n_rows_open += batch.n_rows();
  if (target.n_rows_open < kRowsACommit) return;
  target.connection->execute("COMMIT", {"commit", "", 0});
  target.n_rows_open = 0;
}

void MariaDbSink::finish() {
  for (Target* target : {&business_, &matomo_}) target->connection->execute("COMMIT", {"commit", "", 0});
}

}  // namespace lodestone::simulation
