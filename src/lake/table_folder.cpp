#include "lake/table_folder.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/error.hpp"

namespace lodestone::lake {
namespace {

// Removes the files of `folder` whose names are not in `keep`. What cannot be removed now is tried again by the next run.
void remove_others(const fs::path& folder, const std::vector<std::string>& keep) {
  if (!fs::is_directory(folder)) return;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    std::error_code ignored;
    if (entry.is_regular_file() && std::find(keep.begin(), keep.end(), name) == keep.end()) fs::remove(entry.path(), ignored);
  }
}

void clean_table(const fs::path& folder, const fs::path& quarantine) {
  const std::optional<Manifest> manifest = find_manifest(folder);
  std::vector<std::string> keep;
  std::vector<std::string> keep_quarantine;
  if (manifest) {
    keep.emplace_back("manifest.json");
    for (const Part& part : manifest->parts) keep.push_back(part.file);
    if (manifest->pending) {
      for (const Part& part : manifest->pending->parts) keep.push_back(part.file);
    }
    if (manifest->comparison) keep.push_back(manifest->comparison->file);
    keep_quarantine = manifest->quarantine_files;
    if (manifest->pending) {
      const std::vector<std::string>& more = manifest->pending->quarantine_files;
      keep_quarantine.insert(keep_quarantine.end(), more.begin(), more.end());
    }
  }
  remove_others(folder, keep);
  remove_others(quarantine, keep_quarantine);
}

// A table with a damaged manifest is left as it is: nobody can tell which of its files count, and whoever reads it says so.
void clean_unless_damaged(const fs::path& folder, const fs::path& quarantine) {
  try {
    clean_table(folder, quarantine);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kCorrupt) throw;
  }
}

fs::path lock_path(const fs::path& lake, LakeLayer layer, std::string_view name) {
  return lake / fmt::format(".{}-{}", name, layer == LakeLayer::kRaw ? "raw" : "canonical");
}

int open_lock(const fs::path& path) { return open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644); }

// Held while files are removed: no reader is there, and none comes.
class NoReaders {
 public:
  NoReaders(const fs::path& lake, LakeLayer layer)
      : file_(open_lock(lock_path(lake, layer, "readers"))), holds_(file_ >= 0 && flock(file_, LOCK_EX | LOCK_NB) == 0) {}
  ~NoReaders() {
    if (file_ >= 0) close(file_);
  }
  NoReaders(const NoReaders&) = delete;
  NoReaders& operator=(const NoReaders&) = delete;
  [[nodiscard]] bool holds() const { return holds_; }

 private:
  int file_;
  bool holds_;
};

std::vector<fs::path> subfolders(const fs::path& folder) {
  std::vector<fs::path> out;
  if (!fs::is_directory(folder)) return out;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
    if (entry.is_directory()) out.push_back(entry.path());
  }
  return out;
}

}  // namespace

fs::path table_path(const fs::path& lake, std::string_view source, std::string_view table) {
  return source == "canonical" ? lake / "canonical" / table : lake / "raw" / source / table;
}

fs::path quarantine_path(const fs::path& lake, std::string_view source, std::string_view table) {
  return lake / "quarantine" / source / table;
}

TableFolder::TableFolder(const fs::path& lake, std::string_view source, std::string_view table)
    : lake_(lake),
      layer_(source == "canonical" ? LakeLayer::kCanonical : LakeLayer::kRaw),
      folder_(table_path(lake, source, table)),
      quarantine_(quarantine_path(lake, source, table)) {
  make_folders(folder_);
}

TableFolder::~TableFolder() {
  std::error_code ignored;
  for (const fs::path& path : fresh_) fs::remove(path, ignored);
}

fs::path TableFolder::new_part(TimePoint now) { return new_file(folder_, now); }

fs::path TableFolder::new_quarantine_part(TimePoint now) {
  make_folders(quarantine_);
  return new_file(quarantine_, now);
}

fs::path TableFolder::new_file(const fs::path& folder, TimePoint now) {
  for (int i = 0;; ++i) {
    fs::path path = folder / fmt::format("part-{}-{}.parquet", format_compact(now), i);
    const bool taken = fs::exists(path) || std::find(fresh_.begin(), fresh_.end(), path) != fresh_.end();
    if (taken) continue;
    fresh_.push_back(path);
    return path;
  }
}

void TableFolder::drop_part(const fs::path& path) {
  std::error_code ignored;
  fs::remove(path, ignored);
  fresh_.erase(std::remove(fresh_.begin(), fresh_.end(), path), fresh_.end());
}

void TableFolder::commit(const Manifest& manifest) {
  write_file_atomic(manifest_path(), format_manifest(manifest));
  fresh_.clear();
  if (const NoReaders alone(lake_, layer_); alone.holds()) clean_table(folder_, quarantine_);
}

LakeLock::LakeLock(const fs::path& lake, LakeLayer layer) {
  make_folders(lake);
  const fs::path path = lock_path(lake, layer, "lock");
  file_ = open_lock(path);
  if (file_ < 0) fail(ErrorCode::kUnavailable, "cannot open {}: {}", path.string(), std::strerror(errno));
  if (flock(file_, LOCK_EX | LOCK_NB) != 0) {
    close(file_);
    fail(ErrorCode::kUnavailable, "the lake {} is being written by another run; wait until it is done, or stop it",
         lake.string());
  }
}

LakeLock::~LakeLock() { close(file_); }

// A lake on a medium that cannot be written has nobody who removes files.
ReadersLock::ReadersLock(const fs::path& lake, LakeLayer layer) : file_(open_lock(lock_path(lake, layer, "readers"))) {
  if (file_ >= 0) flock(file_, LOCK_SH);
}

ReadersLock::~ReadersLock() {
  if (file_ >= 0) close(file_);
}

void clean_lake(const fs::path& lake, LakeLayer layer) {
  const NoReaders alone(lake, layer);
  if (!alone.holds()) return;
  if (layer == LakeLayer::kCanonical) {
    for (const fs::path& table : subfolders(lake / "canonical"))
      clean_unless_damaged(table, quarantine_path(lake, "canonical", table.filename().string()));
    return;
  }
  for (const fs::path& source : subfolders(lake / "raw")) {
    for (const fs::path& table : subfolders(source))
      clean_unless_damaged(table, quarantine_path(lake, source.filename().string(), table.filename().string()));
  }
}

}  // namespace lodestone::lake
