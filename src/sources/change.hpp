#pragma once
// What a source hands to the lake: per table, either a stream of rows or files that the SQL engine reads itself.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "base/file.hpp"
#include "table/batch.hpp"

namespace lodestone::sources {

/// One table of a source, whole: a stream of a database, or files.
struct TableSnapshot {
  std::string table;                         ///< the name that was asked for
  std::unique_ptr<table::RowStream> stream;  ///< rows of a database; then there are no files
  fs::path full_file;                ///< the whole table; "" when there are only increments, which then go onto the lake's table
  std::vector<fs::path> increments;  ///< oldest first; later rows win by primary key
};

/// A value of an ordering column, as text ("42", "2026-11-25 09:30:00.000001", bytes as "00ff") and with the type that it has there.
struct OrderValue {
  table::ColumnType type = table::ColumnType::kText;
  std::string text;

  friend bool operator==(const OrderValue&, const OrderValue&) = default;
};

/// A piece of a table: rows in the order of `order`, which ends in the primary key so that no two rows are equal in it.
struct RowPage {
  std::vector<std::string> order = {};
  std::optional<OrderValue> from = {};   ///< rows whose first column is at least this
  std::optional<OrderValue> until = {};  ///< and less than this
  std::vector<OrderValue> after =
      {};                        ///< and which lie strictly behind this, one value a column of `order`; empty = from the start
  std::string null_column = {};  ///< and in which this column is null (or a date of zeros)
  std::uint64_t limit = 0;       ///< rows at most, 0 = all
};

enum class ChangeKind : std::uint8_t { kInsert, kUpdate, kDelete };

/// One changed row, by its places in the batches of TableChanges.
struct RowChange {
  ChangeKind kind{};
  std::uint32_t layout = 0;  ///< number of its ImageLayout
  std::uint32_t before = 0;  ///< row of `before`; means nothing for an insert
  std::uint32_t after = 0;   ///< row of `after`; means nothing for a delete
};

/// Which columns the images of a row hold (binlog_row_image). The others are null in the batches. What an update leaves out has
/// not changed; what an insert leaves out has its default.
struct ImageLayout {
  std::vector<std::uint8_t> before;  ///< 1 where the column is there
  std::vector<std::uint8_t> after;

  friend bool operator==(const ImageLayout&, const ImageLayout&) = default;
};

/// Changed rows of one table, as a source's log tells them, in its order. Batches have the schema of the table, and values as a snapshot
/// gives them. One thread.
struct TableChanges {
  TableChanges(std::string database_of, std::string name_of, const table::Schema& columns)
      : database(std::move(database_of)), name(std::move(name_of)), schema(columns), before(columns), after(columns) {}

  std::string database, name;
  table::Schema schema;
  table::Batch before, after;
  std::vector<RowChange> rows;
  std::vector<ImageLayout> layouts;

  void clear() {
    before.clear();
    after.clear();
    rows.clear();
    layouts.clear();
  }
  [[nodiscard]] bool full() const { return before.full() || after.full(); }
  [[nodiscard]] bool has_before(const RowChange& row, std::size_t column) const {
    return layouts[row.layout].before[column] != 0;
  }
  [[nodiscard]] bool has_after(const RowChange& row, std::size_t column) const { return layouts[row.layout].after[column] != 0; }
};

/// A digest of the rows whose key lies in [range * width, (range + 1) * width). Digests of ranges side by side add up to that of both.
struct RangeDigest {
  std::int64_t range = 0;
  std::uint64_t n_rows = 0;
  std::uint64_t crc_xor = 0;
  std::uint64_t crc_sum = 0;

  friend bool operator==(const RangeDigest&, const RangeDigest&) = default;
};

/// A database that can be asked for pieces of its tables, all as of one moment. One thread; one stream at a time, read to its end.
class PagedSource {
 public:
  virtual ~PagedSource() = default;
  /// Taken from the source's own clock just before the moment that all pages are of: what it shows was committed before.
  [[nodiscard]] virtual TimePoint moment() = 0;
  /// Throws not_found, or unavailable with the right that is missing.
  [[nodiscard]] virtual table::Schema schema(const std::string& table) = 0;
  [[nodiscard]] virtual std::uint64_t estimated_rows(const std::string& table) = 0;
  [[nodiscard]] virtual std::unique_ptr<table::RowStream> page(const std::string& table, const RowPage& page) = 0;
  /// The place in the source's log that moment() is of: what comes after it is not in the pages. Throws contract when it keeps no log.
  [[nodiscard]] virtual std::string log_position() = 0;
  /// Rows by their key as they are now, outside the moment; `keys` has a value a column of `key` each, at most a thousand of them.
  [[nodiscard]] virtual std::unique_ptr<table::RowStream> rows_now(const std::string& table, const std::vector<std::string>& key,
                                                                   const std::vector<std::vector<OrderValue>>& keys) = 0;
  /// Digests over all columns, of each range that has rows, ascending. `key` is an integer column, or "" for one range of number 0 that holds
  /// the whole table. The source reads the table once; little comes over the line.
  [[nodiscard]] virtual std::vector<RangeDigest> digests(const std::string& table, const std::string& key,
                                                         std::int64_t width) = 0;
};

/// A source whose tables only grow, and which does not keep all that it has given: the lake does. One thread; one stream at a time, read to
/// its end.
class GrowingSource {
 public:
  virtual ~GrowingSource() = default;
  /// Rows behind a position that an earlier stream of the table has ended at, "" = all that are there. Rows that were given before may be among
  /// them. Throws corrupt for a position that is none.
  [[nodiscard]] virtual std::unique_ptr<table::RowStream> rows_after(const std::string& table, std::string_view position) = 0;
  /// Where the last stream has ended.
  [[nodiscard]] virtual std::string position() const = 0;
};

/// A place that tables come from. One thread.
class Source {
 public:
  virtual ~Source() = default;
  /// "files" or "mysql": manifests and cursors name it, and two kinds never mix in one lake table.
  [[nodiscard]] virtual std::string kind() const = 0;
  /// Where it is, for people and manifests: "127.0.0.1:3306/dianshu_backend", a folder. Never a password.
  [[nodiscard]] virtual std::string location() const = 0;
  /// Every table that the source has, as the source names it but without Matomo's table prefix (log_visit). The lake finds its
  /// tables among them by the names in their contracts, and says so when one is missing.
  [[nodiscard]] virtual std::vector<std::string> tables() = 0;
  /// `table` is one of tables().
  [[nodiscard]] virtual TableSnapshot snapshot(const std::string& table) = 0;
  /// Itself when its tables can be followed piece by piece, else nullptr.
  [[nodiscard]] virtual PagedSource* paged() { return nullptr; }
  /// Itself when its tables only grow, else nullptr.
  [[nodiscard]] virtual GrowingSource* growing() { return nullptr; }
};

}  // namespace lodestone::sources
