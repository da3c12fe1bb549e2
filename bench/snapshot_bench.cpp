// snapshot_bench client URL            reads every row of log_link_visit_action with the client library alone
// snapshot_bench snapshot URL OUT      reads the same rows through the product's source into a Parquet file
// Both print {"rows": n, "rows_per_second": r}.

#include <fmt/core.h>
#include <mysql.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "sources/mysql/mysql_source.hpp"
#include "table/engine.hpp"

namespace {

using lodestone::ErrorCode;
using lodestone::fail;

struct Place {
  std::string user, host, database;
  unsigned port = 3306;
};

/// mysql://USER@HOST:PORT/DB, no more: this program is only called by bench/snapshot.py.
Place parse(const std::string& url) {
  const std::size_t at = url.find('@');
  const std::size_t colon = url.find(':', at);
  const std::size_t slash = url.find('/', colon);
  return {url.substr(8, at - 8), url.substr(at + 1, colon - at - 1), url.substr(slash + 1),
          static_cast<unsigned>(std::stoul(url.substr(colon + 1, slash - colon - 1)))};
}

/// The fastest way to read rows that the library has: prepared, binary, unbuffered, every column bound once to a buffer of its own.
std::size_t read_with_client(const std::string& url) {
  const Place place = parse(url);
  MYSQL* connection = mysql_init(nullptr);
  if (mysql_real_connect(connection, place.host.c_str(), place.user.c_str(), nullptr, place.database.c_str(), place.port, nullptr,
                         0) == nullptr) {
    fail(ErrorCode::kUnavailable, "{}: {}", url, mysql_error(connection));
  }
  MYSQL_STMT* statement = mysql_stmt_init(connection);
  const std::string query = "SELECT * FROM matomo_log_link_visit_action";
  if (mysql_stmt_prepare(statement, query.data(), query.size()) != 0 || mysql_stmt_execute(statement) != 0) {
    fail(ErrorCode::kUnavailable, "{}: {}", query, mysql_stmt_error(statement));
  }
  const unsigned n_columns = mysql_stmt_field_count(statement);
  std::vector<std::array<char, 512>> buffers(n_columns);
  std::vector<unsigned long> lengths(n_columns);
  std::vector<my_bool> nulls(n_columns);
  std::vector<MYSQL_BIND> binds(n_columns);
  MYSQL_RES* metadata = mysql_stmt_result_metadata(statement);
  const MYSQL_FIELD* fields = mysql_fetch_fields(metadata);
  for (unsigned c = 0; c < n_columns; ++c) {
    std::memset(&binds[c], 0, sizeof(MYSQL_BIND));
    binds[c].buffer_type = fields[c].type;
    binds[c].is_unsigned = (fields[c].flags & UNSIGNED_FLAG) != 0;
    binds[c].buffer = buffers[c].data();
    binds[c].buffer_length = buffers[c].size();
    binds[c].length = &lengths[c];
    binds[c].is_null = &nulls[c];
  }
  mysql_stmt_bind_result(statement, binds.data());
  std::size_t n = 0;
  for (int status = mysql_stmt_fetch(statement); status == 0 || status == MYSQL_DATA_TRUNCATED;
       status = mysql_stmt_fetch(statement))
    ++n;
  mysql_free_result(metadata);
  mysql_stmt_close(statement);
  mysql_close(connection);
  return n;
}

std::size_t read_with_product(const std::string& url, const std::string& out) {
  lodestone::sources::MysqlOptions options;
  options.url = url;
  options.table_prefix = "matomo_";
  lodestone::sources::MysqlSource source(options);
  lodestone::sources::TableSnapshot snapshot = source.snapshot("log_link_visit_action");
  lodestone::table::Engine engine({});
  return engine.write_parquet(*snapshot.stream, out, nullptr);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const std::string mode = argc > 1 ? argv[1] : "";
    if (!((mode == "client" && argc == 3) || (mode == "snapshot" && argc == 4)))
      fail(ErrorCode::kInvalidArgument, "usage: client URL | snapshot URL OUT");
    const auto start = std::chrono::steady_clock::now();
    const std::size_t n = mode == "client" ? read_with_client(argv[2]) : read_with_product(argv[2], argv[3]);
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    fmt::print("{{\"rows\": {}, \"rows_per_second\": {:.0f}}}\n", n, static_cast<double>(n) / seconds);
    return 0;
  } catch (const lodestone::Error& error) {
    fmt::print(stderr, "snapshot_bench: {}\n", error.message());
    return 1;
  }
}
