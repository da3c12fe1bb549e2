#pragma once
// Changed rows of one table, as the binary log tells them.

#include <cstdint>
#include <string>
#include <vector>

#include "sources/binlog/binlog_table.hpp"
#include "table/batch.hpp"

namespace lodestone::sources {

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
  std::vector<bool> before;
  std::vector<bool> after;

  friend bool operator==(const ImageLayout&, const ImageLayout&) = default;
};

/// In the order of the log. Batches have the schema of the table, and values as a snapshot gives them. One thread.
struct TableChanges {
  explicit TableChanges(const BinlogTable& of) : database(of.database), name(of.name), before(of.schema), after(of.schema) {}

  std::string database, name;
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
  [[nodiscard]] bool has_before(const RowChange& row, std::size_t column) const { return layouts[row.layout].before[column]; }
  [[nodiscard]] bool has_after(const RowChange& row, std::size_t column) const { return layouts[row.layout].after[column]; }
};

}  // namespace lodestone::sources
