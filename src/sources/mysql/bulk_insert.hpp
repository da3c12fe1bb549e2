#pragma once
// Rows into a MariaDB table by array-bound prepared inserts, thousands in one round trip. For the simulator and for tests: the product never
// writes into a source.

#include <memory>
#include <string>

#include "sources/mysql/connection.hpp"
#include "table/batch.hpp"

namespace lodestone::sources {

/// Inserts inside the transaction that the connection is in. One thread.
class BulkInsert {
 public:
  /// `connection` must outlive this. Throws contract when the table lacks a column of `schema`, unavailable for a missing right, and for a
  /// server that is no MariaDB, since only that takes arrays.
  BulkInsert(Connection& connection, std::string table, const table::Schema& schema);
  ~BulkInsert();
  BulkInsert(const BulkInsert&) = delete;
  BulkInsert& operator=(const BulkInsert&) = delete;

  void write(const table::Batch& batch);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace lodestone::sources
