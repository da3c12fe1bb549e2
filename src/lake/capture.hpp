#pragma once
// Following a table by its source's log of changes: rows wait in memory until they are merged, some hundred milliseconds later, together with
// the place in the log that they came from. A kill in between loses nothing: the log is read again from that place, and what is merged
// already is put in place once more by key.

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "lake/contract.hpp"
#include "lake/log_buffer.hpp"
#include "lake/table_merge.hpp"
#include "sources/change.hpp"

namespace lodestone::lake {

/// Reads rows by their keys from the source as they are now.
using ReadRows = std::function<std::unique_ptr<table::RowStream>(const std::vector<std::string>& key,
                                                                 const std::vector<std::vector<sources::OrderValue>>& keys)>;

/// One table under capture, which extract() with Capture::kLog has read. Requires the LakeLock on the raw tables for as long as it lives.
/// One thread.
class TableCapture {
 public:
  /// `schema` is that of the rows of the log. Throws contract when the table does not fit its contract, not_found when it was never read.
  TableCapture(table::Engine& engine, const fs::path& lake, const Contract& contract, const Clock& clock, table::Schema schema);

  /// What is in the lake: transactions that this covers.
  [[nodiscard]] const std::string& position() const { return merge_.manifest().cursor->position; }
  /// Rows that wait.
  [[nodiscard]] std::uint64_t n_waiting() const { return buffer_.n_rows(); }

  void add(const sources::TableChanges& changes) { buffer_.add(changes); }
  /// Merges what waits and commits it with `position`. Rows that the log tells in part (binlog_row_image MINIMAL and NOBLOB) are read by
  /// `read_rows`: as they are now, which may be later than the log is here; what the log says of them later is then put in place again.
  void merge(const std::string& position, const ReadRows& read_rows);
  /// Commits a new position alone; requires that nothing waits.
  void advance(const std::string& position);

  /// Since the object was made.
  [[nodiscard]] const TableReport& report() const { return merge_.report(); }

 private:
  const Contract& contract_;
  table::Schema schema_;
  TableMerge merge_;
  LogBuffer buffer_;
};

}  // namespace lodestone::lake
