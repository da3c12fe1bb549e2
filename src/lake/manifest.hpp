#pragma once
// The manifest of one lake table: the only truth about which files are the table. docs/formats/lake.md describes layout and fields.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/file.hpp"

namespace lodestone::lake {

inline constexpr int kManifestVersion = 2;

/// Base parts are rows. A changes part lies over all parts before it: its rows replace theirs by primary key, and a row with
/// kDeletedColumn true takes the key away.
enum class PartKind { kBase, kChanges };

/// The column of changes parts that says whether a row is there; no column of a source may be called so.
inline constexpr std::string_view kDeletedColumn = "_lodestone_deleted";

/// Where a column comes from: named by the contract, only in the source, or in the contract but missing from the source (reads as null).
enum class ColumnOrigin { kContract, kExtra, kAbsent };

struct ManifestColumn {
  std::string name;
  std::string sql_type;  ///< as the SQL engine and Parquet have it: "BIGINT", "DECIMAL(18,4)", "VARCHAR[]"
  ColumnOrigin origin = ColumnOrigin::kContract;

  friend bool operator==(const ManifestColumn&, const ManifestColumn&) = default;
};

struct Part {
  std::string file;  ///< name inside the table's folder
  std::uint64_t rows = 0;
  std::uint64_t bytes = 0;
  PartKind kind = PartKind::kBase;
  std::int64_t net_rows = 0;  ///< of a changes part: by how much it makes the table longer

  friend bool operator==(const Part&, const Part&) = default;
};

/// How far a table that is followed by its change column has been read. Times are as the source's rows have them, without a zone;
/// *_at are UTC by the source's clock. Key values are text, in the order of the primary key.
struct Cursor {
  std::string column = {};                   ///< the change column; "" = rows are only ever added, and the key is followed
  std::optional<TimePoint> newest = {};      ///< newest change time that was read
  std::vector<std::string> newest_key = {};  ///< largest key read, of rows without a change time or when the key is followed
  std::optional<TimePoint> read_at = {};     ///< when the last whole pass began: all that was committed before is in the lake
  std::optional<TimePoint> began_at = {};    ///< when the pass under way began; nothing between passes
  std::optional<TimePoint> pass_time = {};   ///< and how far it is
  std::vector<std::string> pass_key = {};
  std::string position =
      {};  ///< of a table that is followed by its source's log, or appended to: what this covers is here; then the rest is empty

  friend bool operator==(const Cursor&, const Cursor&) = default;
};

/// A first or renewed reading of a table in pieces, of which some are done. Readers do not see it.
struct Pending {
  std::vector<Part> parts = {};
  std::vector<std::string> columns = {};    ///< of the source's table when the reading began, "name TYPE"
  std::vector<std::string> after_key = {};  ///< last key read
  TimePoint began_at{};                     ///< by the source's clock
  std::uint64_t n_quarantined = 0;
  std::vector<std::string> quarantine_files = {};
};

/// When a table was last compared with its source whole, and what makes the next time cheap.
struct Comparison {
  TimePoint compared_at{};
  std::string file = {};                   ///< the digests of then (range_digests.hpp), a name in the table's folder; "" = none
  std::vector<std::int64_t> touched = {};  ///< ranges whose rows came otherwise since: what the digests say of them is old

  friend bool operator==(const Comparison&, const Comparison&) = default;
};

struct Manifest {
  std::string layer;   ///< "raw" or "canonical"
  std::string source;  ///< "business", "matomo", "exposures" or "canonical"
  std::string table;
  std::string kind;      ///< of source: "files", "mysql", and "sql" for canonical tables
  std::string location;  ///< folder, or host:port/database
  TimePoint created_at{};
  std::vector<ManifestColumn> columns;
  std::vector<std::string> primary_key;
  std::vector<Part> parts;
  std::uint64_t n_quarantined = 0;
  std::vector<std::string> quarantine_files;  ///< names inside quarantine/SOURCE/TABLE
  std::optional<Cursor> cursor;               ///< of a table that is followed
  std::optional<Pending> pending;
  std::optional<Comparison> comparison;

  /// Rows of the table, with all changes applied.
  [[nodiscard]] std::uint64_t n_rows() const;
  /// False while the table is being read for the first time.
  [[nodiscard]] bool is_readable() const { return !pending || !parts.empty(); }
};

/// Reads this version and the one before. Throws corrupt, naming the file and what is wrong with it, or that it is of another version.
Manifest parse_manifest(std::string_view text, const std::string& file);
std::string format_manifest(const Manifest& manifest);

/// The manifest in a table's folder, nothing when there is none.
std::optional<Manifest> find_manifest(const fs::path& table_folder);

}  // namespace lodestone::lake
