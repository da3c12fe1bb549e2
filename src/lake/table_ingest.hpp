#pragma once
// One table on its way into the lake. Internal to this folder.

#include <functional>
#include <string>
#include <vector>

#include "base/progress.hpp"
#include "lake/extract.hpp"
#include "lake/file_rows.hpp"
#include "lake/table_folder.hpp"

namespace lodestone::lake {

/// The manifest of a table that has nothing yet.
Manifest new_raw_table(const Contract& contract);

/// Reads one snapshot of one table and commits it. Made for one table, used once, one thread.
class TableIngest {
 public:
  TableIngest(table::Engine& engine, const fs::path& lake, const Contract& contract, const Clock& clock);

  /// Rows of a database: types are declared, keys are unique because the server enforces them.
  void read_stream(table::RowStream& stream);
  /// One piece of a table, `n_before` rows of which were read before.
  void read_stream(table::RowStream& stream, Progress& progress, std::uint64_t n_before);
  /// Leaves out rows whose key `base` has. After read_stream().
  void drop_known(const Manifest& base);
  /// Files: types are cast row by row, keys are checked; `base` holds the rows that increments come on top of when there is no full file.
  void read_files(const sources::TableSnapshot& snapshot, const std::optional<Manifest>& base);

  /// Makes what was read the table. Throws contract when there are too few rows.
  TableReport commit(const std::string& kind, const std::string& location);
  /// Puts what was read behind the pieces of `manifest`'s pending reading, and commits that; readers still see the old table.
  void commit_piece(Manifest& manifest);
  /// Puts what was read behind the rows of `manifest`, a table that only grows, and commits that. Many small parts become one.
  TableReport commit_behind(Manifest manifest);

 private:
  struct FreshPart {
    fs::path path;
    std::uint64_t rows = 0;
  };
  FreshPart read_file(const fs::path& path);
  /// Runs `work` while the engine can read the file's rows.
  void with_rows(const FileRows& rows, const std::function<void()>& work);
  void quarantine(const std::string& select_sql, const std::string& file);
  void set_null_rows_aside(FreshPart& part);
  void set_duplicates_aside(FreshPart& part, const FileRows& rows);
  void merge_increments(const std::string& base, std::vector<FreshPart> increments);
  void join_small_parts(std::vector<Part>& parts);
  void replace_part(FreshPart& part, const std::string& select_sql);
  [[nodiscard]] FreshPart write_part(const std::string& select_sql);
  [[nodiscard]] std::vector<ManifestColumn> manifest_columns(const std::vector<Part>& parts);
  [[nodiscard]] std::string key_list() const;

  table::Engine& engine_;
  const Contract& contract_;
  const Clock& clock_;
  fs::path lake_;
  TableFolder folder_;
  std::vector<FreshPart> parts_;
  std::vector<std::string> quarantine_files_;
  std::uint64_t rows_in_ = 0;
  std::uint64_t n_quarantined_ = 0;
};

}  // namespace lodestone::lake
