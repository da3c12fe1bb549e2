#pragma once
// Rows of one table, streamed from the server in constant memory.

#include <chrono>
#include <cstdint>
#include <exception>
#include <memory>
#include <string>

#include "sources/mysql/connection.hpp"
#include "table/batch.hpp"

struct st_mysql_stmt;

namespace lodestone::sources {

class BinaryRowDecoder;

/// A prepared SELECT over the columns of `schema`, read unbuffered: only one stream of a connection can be under way. Given up before its
/// end, it cuts the connection rather than reading the rest.
class TableStream final : public table::RowStream {
 public:
  /// `table` is the name in the database. `connection` must outlive this. Throws unavailable for a missing right, not_found.
  /// `clauses` stands behind the table's name: WHERE, ORDER BY, LIMIT.
  TableStream(Connection& connection, std::string table, table::Schema schema, std::uint64_t estimated_rows,
              std::string clauses = {});
  ~TableStream() override;
  TableStream(const TableStream&) = delete;
  TableStream& operator=(const TableStream&) = delete;

  [[nodiscard]] const table::Schema& schema() const override { return schema_; }
  [[nodiscard]] std::uint64_t estimated_rows() const override { return estimated_rows_; }
  /// Throws unavailable or timeout when the server goes, contract for an integer that int64 cannot hold.
  bool next(table::Batch& batch) override;

  /// Dates that no calendar has, read as null so far.
  [[nodiscard]] std::uint64_t n_zero_dates() const;

 private:
  void prepare();
  void describe();
  void check_overflow();
  [[noreturn]] void fail_fetch(std::chrono::seconds waited);
  [[nodiscard]] Purpose purpose() const;
  static void append(void* self, unsigned column, unsigned char** at);

  Connection* connection_;
  std::string table_;
  table::Schema schema_;
  std::string clauses_;
  std::uint64_t estimated_rows_;
  std::unique_ptr<BinaryRowDecoder> decoder_;
  std::unique_ptr<st_mysql_stmt, void (*)(st_mysql_stmt*)> statement_;
  std::exception_ptr error_;  // what append() could not throw through the library
  std::uint64_t n_rows_ = 0;
  bool under_way_ = false;
};

}  // namespace lodestone::sources
