#pragma once
// The SQL function tally(reason): counts rows by reason while a query runs. Internal to this folder.

#include <atomic>
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
  /// Rows that went by, kept or not, since the object was made.
  void add_rows(std::uint64_t n) { n_rows_.fetch_add(n, std::memory_order_relaxed); }
  [[nodiscard]] std::uint64_t n_rows() const { return n_rows_.load(std::memory_order_relaxed); }

 private:
  std::mutex mutex_;
  std::map<std::string, std::uint64_t> counts_;
  std::atomic<std::uint64_t> n_rows_{0};
};

/// `tally` must outlive the connection.
void register_tally(_duckdb_connection* connection, Tally* tally);

}  // namespace lodestone::table
