#pragma once
// Changes of one table on top of what the lake has: small parts that lie over the base, folded into it when they have grown. Internal to
// this folder; docs/formats/lake.md describes the parts.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lake/contract.hpp"
#include "lake/extract.hpp"
#include "lake/manifest.hpp"
#include "lake/range_digests.hpp"
#include "lake/table_folder.hpp"
#include "sources/change.hpp"
#include "table/engine.hpp"

namespace lodestone::lake {

/// When changes are folded into the base: rewriting costs the whole table, reading over many changes costs every reader.
struct MergeOptions {
  std::size_t max_changes_parts = 16;  ///< more are first made into one
  double max_changes_share = 0.25;     ///< changes beyond this share of the base rows are folded in; smaller rewrites more often
  std::uint64_t min_fold_rows = 100'000;  ///< but never fewer rows than this
};

/// One table under change. Made for one run, under a LakeLock, one thread. Every commit leaves a whole table; what was not committed is
/// as if it had never been read.
class TableMerge {
 public:
  /// `manifest` is the table as it is; its columns, cursor and pending reading may be changed by the caller before a commit.
  TableMerge(table::Engine& engine, const fs::path& lake, const Contract& contract, const Clock& clock, Manifest manifest,
             MergeOptions options = {});

  [[nodiscard]] Manifest& manifest() { return manifest_; }
  [[nodiscard]] const Manifest& manifest() const { return manifest_; }

  /// Puts the rows of `stream` over those with the same key. A row that the contract refuses goes to quarantine, and its key out of the
  /// table, as a whole reading would have it. Rows that the newest changes already hold are left out. The stream's keys are unique.
  void upsert(table::RowStream& stream);
  /// Makes the rows for which `condition` (SQL) holds those of `stream`, which are all that the source has of them. Only what differs is
  /// written.
  void replace(table::RowStream& stream, const std::string& condition);

  /// Applies rows of a LogBuffer for a table of `schema`; of several rows of one key the last counts. Returns the keys of which the log does
  /// not say the whole row, which are also the rows of the temporary table kPartialKeys: what the table has of them stays until replace().
  static constexpr std::string_view kPartialKeys = "partial_keys";
  [[nodiscard]] std::vector<std::vector<sources::OrderValue>> merge_log(table::RowStream& rows, const table::Schema& schema);

  /// Puts the rows of a query over those with the same key; it yields every column of the table and each key once.
  void put(const std::string& select_sql);
  /// Makes the rows of a query the quarantine.
  void replace_quarantine(const std::string& select_sql);

  /// Makes what was merged so far the table, with the cursor as it stands in manifest().
  void commit();
  /// Folds changes together when there are many; commits.
  void compact();

  /// Rows that were read past this object, for the report.
  void count_in(std::uint64_t rows) { report_.rows_in += rows; }
  /// Since the object was made.
  [[nodiscard]] const TableReport& report() const { return report_; }

 private:
  void read_incoming(table::RowStream& stream);
  void mark_bad_rows();
  /// Rows of `incoming` that are in the relation `known_sql` as they are.
  void drop_known_rows(const std::string& known_sql);
  void note_touched_ranges();
  /// Rows of quarantine whose key is in `touched_sql` (key columns as they are in the table) go, since they were told anew; those that are
  /// still refused are in `incoming` and come back.
  void set_bad_rows_aside(const std::string& touched_sql);
  void forget_quarantined(const std::string& touched_sql);
  void add_changes();
  [[nodiscard]] std::vector<std::vector<sources::OrderValue>> partial_keys(const table::Schema& schema);
  [[nodiscard]] std::string key_list() const { return table::quote_identifiers(manifest_.primary_key); }
  [[nodiscard]] std::string key_type(const std::string& name) const;
  [[nodiscard]] bool has_changes() const;
  [[nodiscard]] std::vector<std::string> column_names(const std::string& sql);

  table::Engine& engine_;
  const Contract& contract_;
  const Clock& clock_;
  MergeOptions options_;
  fs::path lake_;
  TableFolder folder_;
  Manifest manifest_;
  TableReport report_;
  std::string reason_;                   // refusal_sql of the rows that are coming in
  std::optional<RangeDigests> digests_;  // of the last comparison, once they were needed
};

}  // namespace lodestone::lake
