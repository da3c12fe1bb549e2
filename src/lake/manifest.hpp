#pragma once
// The manifest of one lake table: the only truth about which files are the table. docs/formats/lake.md describes layout and fields.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/file.hpp"

namespace lodestone::lake {

inline constexpr int kManifestVersion = 1;

/// Where a column comes from: named by the contract, only in the source, or in the contract but missing from the source (reads as null).
enum class ColumnOrigin { kContract, kExtra, kAbsent };

struct ManifestColumn {
  std::string name;
  std::string sql_type;  ///< as the SQL engine and Parquet have it: "BIGINT", "DECIMAL(18,4)", "VARCHAR[]"
  ColumnOrigin origin = ColumnOrigin::kContract;
};

struct Part {
  std::string file;  ///< name inside the table's folder
  std::uint64_t rows = 0;
  std::uint64_t bytes = 0;
};

struct Manifest {
  std::string layer;   ///< "raw" or "canonical"
  std::string source;  ///< "business", "matomo" or "canonical"
  std::string table;
  std::string kind;      ///< of source: "files", "mysql", and "sql" for canonical tables
  std::string location;  ///< folder, or host:port/database
  TimePoint created_at{};
  std::vector<ManifestColumn> columns;
  std::vector<std::string> primary_key;
  std::vector<Part> parts;
  std::uint64_t n_quarantined = 0;
  std::vector<std::string> quarantine_files;  ///< names inside quarantine/<source>/<table>
  std::string cursor;                         ///< where the next increment starts, "" for a full snapshot

  [[nodiscard]] std::uint64_t n_rows() const;
};

/// Throws corrupt, naming the file and what is wrong with it, or that it is of another version.
Manifest parse_manifest(std::string_view text, const std::string& file);
std::string format_manifest(const Manifest& manifest);

/// The manifest in a table's folder, nothing when there is none.
std::optional<Manifest> find_manifest(const fs::path& table_folder);

}  // namespace lodestone::lake
