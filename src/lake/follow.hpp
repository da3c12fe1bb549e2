#pragma once
// Following a table of a database by its change column, so that the cost of an extraction follows the change and not the table. Internal to
// this folder; docs/formats/lake.md says what a cursor means.
//
// What is read: a first reading in pieces by primary key, then passes over the change column. A pass begins at
//     min(newest change time seen, the time at which the pass before began) - overlap
// so that rows whose transaction was committed late, and clocks of writers that are behind by less than the overlap or always, are seen; the
// second term is taken in the zone's offset of now, so that an hour that a zone has twice is read twice. Everything is put in place by key,
// and reading a row again changes nothing. Rows without a change time, and those of tables that only grow, are followed by their key. What
// no column tells of is found by comparing the whole table now and then (compare.hpp).

#include <chrono>
#include <cstdint>
#include <string>

#include "lake/extract.hpp"
#include "lake/table_merge.hpp"

namespace lodestone::lake {

/// The column that a table of this schema is followed by: the contract's first change column that is there and is a time. "" when there is
/// none.
std::string find_change_column(const Contract& contract, const table::Schema& schema);

/// Follows one table. A table without a change column whose rows are not only added is compared with the source each time. Made for one
/// table and one run, one thread, under a LakeLock.
class TableFollower {
 public:
  /// `name` is the table's name in the source.
  TableFollower(sources::Source& source, std::string name, const Contract& contract, table::Engine& engine,
                const ExtractOptions& options, const Clock& clock);

  /// Throws contract when the table no longer fits its contract, and what the source throws. Pieces that were read before stay.
  TableReport run();

 private:
  void prepare();
  void read_anew();
  void read_piece();
  void promote();
  void pass();
  [[nodiscard]] bool is_compare_due() const;
  void pass_by_time();
  void pass_by_key();
  [[nodiscard]] bool adopt_columns();
  [[nodiscard]] std::vector<sources::OrderValue> key_values(const std::vector<std::string>& texts) const;
  [[nodiscard]] std::vector<sources::OrderValue> behind_key(const std::vector<std::string>& newest) const;
  [[nodiscard]] TimePoint in_zone(TimePoint at);
  /// Upserts one page and commits; false when it was the last.
  bool merge_page(const sources::RowPage& page, const std::function<void(const std::vector<sources::OrderValue>& last)>& advance);

  sources::Source& source_;
  sources::PagedSource& paged_;
  std::string name_;
  const Contract& contract_;
  table::Engine& engine_;
  const ExtractOptions& options_;
  const Clock& clock_;
  table::Schema schema_;
  std::string column_;  // "" when rows do not tell when they changed
  bool by_log_;         // the log tells of every change from here on
  TableMerge merge_;
  bool has_just_been_read_ = false;
};

}  // namespace lodestone::lake
