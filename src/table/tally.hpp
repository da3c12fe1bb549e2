#pragma once
// The SQL function tally(reason): counts rows by reason while a query runs. Internal to this folder.

#include <cstdint>
#include <map>
#include <mutex>
#include <string>

struct _duckdb_connection;

namespace lodestone::table {

/// Safe from many threads.
class Tally {
 public:
  void add(const std::map<std::string, std::uint64_t>& counts);
  std::map<std::string, std::uint64_t> take();

 private:
  std::mutex mutex_;
  std::map<std::string, std::uint64_t> counts_;
};

/// `tally` must outlive the connection.
void register_tally(_duckdb_connection* connection, Tally* tally);

}  // namespace lodestone::table
