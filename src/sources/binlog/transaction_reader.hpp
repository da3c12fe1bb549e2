#pragma once
// Events of a log put together to transactions, without I/O: what BinlogStream does with what comes over its line.

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "sources/binlog/binlog_table.hpp"
#include "sources/binlog/event.hpp"
#include "sources/binlog/gtid.hpp"
#include "sources/change.hpp"

namespace lodestone::sources {

struct DdlStatement {
  std::string database;  ///< the default one of the session
  std::string sql;
};

/// A transaction or a piece of one. Its tables are valid until the next call of next().
struct ChangePiece {
  Gtid gtid;
  std::chrono::sys_seconds committed_at{};
  std::vector<const TableChanges*> tables;  ///< those with changes in this piece, in the order in which they were touched
  std::vector<DdlStatement> ddl;            ///< definitions, also of tables that are not wanted; none of accounts
  bool is_last_piece = false;               ///< a last piece may be empty when others went before
  bool is_rolled_back = false;              ///< of a last piece: earlier pieces of this transaction must be thrown away
};

/// Found at the first row of a table that differs from its description. Read the description anew, give it to set_table(), and go
/// on: the same row comes again. When it differs still, the table changed more than once since: take a new snapshot of it.
struct SchemaChange {
  std::string database, table, reason;
};

/// Takes the events of a log one after the other. Changes of tables that are not wanted are skipped without being decoded. What
/// throws ends the reading. One thread.
class TransactionReader {
 public:
  struct Options {
    GtidPosition start = {};                        ///< what the log's events come after
    EventChecksum checksum = EventChecksum::kNone;  ///< of the events before the first FORMAT_DESCRIPTION
    std::int64_t zone_micros = 0;                   ///< added to columns of type TIMESTAMP
    std::size_t piece_bytes = 16 << 20;             ///< of the log, after which a transaction is handed over in pieces
  };
  enum class Found : std::uint8_t { kNothing, kChanges, kSchemaChanged };

  TransactionReader(Options options, std::vector<BinlogTable> tables);
  ~TransactionReader();
  TransactionReader(const TransactionReader&) = delete;
  TransactionReader& operator=(const TransactionReader&) = delete;

  /// Takes one whole event. Its bytes must stay until resume() has found nothing. Throws corrupt; contract for changes that
  /// cannot be read (statements instead of rows, XA transactions in two parts, values without a place).
  Found take(std::string_view event);
  /// To be called before each take(), until it finds nothing: goes on with what the last event left.
  Found resume();

  /// Valid until the next call but those of const functions.
  [[nodiscard]] const ChangePiece& piece() const;
  [[nodiscard]] const SchemaChange& schema_change() const;
  /// As BinlogStream's.
  void set_table(BinlogTable table);
  void drop_table(const std::string& database, const std::string& name);
  [[nodiscard]] const GtidPosition& position() const;
  [[nodiscard]] std::uint64_t n_zero_dates() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace lodestone::sources
