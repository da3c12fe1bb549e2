#pragma once
// Reading the lake: what its manifests say, as views of an SQL engine. A raw table is raw_SOURCE.TABLE (raw_business.order_tab,
// raw_matomo.log_visit), a canonical one its bare name (events), quarantined rows are quarantine.SOURCE_TABLE.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.hpp"
#include "lake/manifest.hpp"
#include "lake/table_folder.hpp"
#include "table/engine.hpp"

namespace lodestone::lake {

/// The tables of a lake as they were when it was opened; a table that is being read for the first time is not among them. A table that is
/// replaced later needs another Reader. One thread.
class Reader {
 public:
  /// Files that were there stay there while it lives. Throws not_found when there is no lake, corrupt for a bad manifest and for a part that
  /// is missing or of another size.
  explicit Reader(fs::path lake);
  /// For the one that writes the canonical tables: holds the raw ones alone.
  Reader(fs::path lake, const LakeLock& canonical);

  /// Raw tables by source and name, then canonical ones.
  [[nodiscard]] const std::vector<Manifest>& tables() const { return tables_; }
  /// nullptr when there is none.
  [[nodiscard]] const Manifest* find(std::string_view source, std::string_view table) const;
  /// The manifest; throws not_found and says which command makes the table.
  [[nodiscard]] const Manifest& get(std::string_view source, std::string_view table) const;

  /// Makes or replaces the views of all tables.
  void attach(table::Engine& engine) const;

 private:
  void read();

  fs::path lake_;
  std::optional<ReadersLock> raw_readers_;
  std::optional<ReadersLock> canonical_readers_;
  std::vector<Manifest> tables_;
};

/// The name of a table's view: raw_business.order_tab, events.
std::string view_name(std::string_view source, std::string_view table);

/// Makes or replaces the view of one table.
void attach_table(table::Engine& engine, const fs::path& lake, const Manifest& manifest);

/// The newest row of each key in the changes parts, with kDeletedColumn, as SQL text for FROM. Requires at least one such part.
std::string changes_sql(const fs::path& folder, const Manifest& manifest);

/// Parquet files of one folder as a relation for FROM; a column that one of them lacks reads as null there.
std::string parquet_sql(const fs::path& folder, const std::vector<std::string>& files);

/// The rows of a table as SQL text, for FROM: "(SELECT ... FROM read_parquet(...))", with its changes applied: `given_changes`, or
/// changes_sql() when that is empty.
std::string table_sql(const fs::path& lake, const Manifest& manifest, const std::string& given_changes = "");

}  // namespace lodestone::lake
