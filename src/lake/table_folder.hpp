#pragma once
// Writing one lake table: new parts beside the old ones, then the manifest by rename, then the old parts go. A kill at any point leaves
// the old table or the new one, and what it left over is removed by the next run.

#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/file.hpp"
#include "lake/manifest.hpp"

namespace lodestone::lake {

/// lake/raw/SOURCE/TABLE, lake/canonical/TABLE ("canonical" as source), lake/quarantine/SOURCE/TABLE.
fs::path table_path(const fs::path& lake, std::string_view source, std::string_view table);
fs::path quarantine_path(const fs::path& lake, std::string_view source, std::string_view table);

/// Raw tables are written by extraction, canonical ones by the build, and each may go on while the other does.
enum class LakeLayer { kRaw, kCanonical };

/// One writing of one table. Parts that were not committed are removed with the object. One thread, under a LakeLock.
class TableFolder {
 public:
  TableFolder(const fs::path& lake, std::string_view source, std::string_view table);
  ~TableFolder();
  TableFolder(const TableFolder&) = delete;
  TableFolder& operator=(const TableFolder&) = delete;

  [[nodiscard]] const fs::path& path() const { return folder_; }
  [[nodiscard]] fs::path manifest_path() const { return folder_ / "manifest.json"; }

  /// The path of a file that is not there yet, "part-20261124T093000Z-0.parquet".
  fs::path new_part(TimePoint now);
  fs::path new_quarantine_part(TimePoint now);
  /// Forgets a part of this writing and removes its file.
  void drop_part(const fs::path& path);

  /// Makes `manifest` the table and removes everything that it does not name, unless somebody reads the lake.
  void commit(const Manifest& manifest);

 private:
  fs::path new_file(const fs::path& folder, TimePoint now);
  fs::path lake_;
  LakeLayer layer_;
  fs::path folder_;
  fs::path quarantine_;
  std::vector<fs::path> fresh_;
};

/// Only one process writes a layer of a lake. The lock goes with the process, so a kill leaves none behind.
class LakeLock {
 public:
  /// Creates the folder when needed. Throws unavailable when another process holds it.
  LakeLock(const fs::path& lake, LakeLayer layer);
  ~LakeLock();
  LakeLock(const LakeLock&) = delete;
  LakeLock& operator=(const LakeLock&) = delete;

 private:
  int file_ = -1;
};

/// Keeps the files that a reader has seen named from being removed while it lives. Any number of them may be there, beside the one that
/// writes: what is replaced meanwhile is removed by a later commit.
class ReadersLock {
 public:
  ReadersLock(const fs::path& lake, LakeLayer layer);
  ~ReadersLock();
  ReadersLock(const ReadersLock&) = delete;
  ReadersLock& operator=(const ReadersLock&) = delete;

 private:
  int file_ = -1;
};

/// Removes what killed runs have left, and what was replaced while somebody read: files that no manifest names. Requires the LakeLock;
/// does nothing while there are readers.
void clean_lake(const fs::path& lake, LakeLayer layer);

}  // namespace lodestone::lake
