#include "sources/files/files_source.hpp"

#include <algorithm>
#include <array>

#include "base/error.hpp"

namespace lodestone::sources {
namespace {

// The name without a suffix of a table file, or "".
std::string stem_of(const std::string& name) {
  for (const std::string_view suffix : {".csv", ".csv.gz", ".json", ".json.gz", ".parquet"}) {
    if (name.size() > suffix.size() && name.ends_with(suffix)) return name.substr(0, name.size() - suffix.size());
  }
  return "";
}

// "_20261124_093000" at the end of a stem, as "20261124_093000"; "" when there is none.
std::string stamp_of(const std::string& stem) {
  constexpr std::string_view kShape = "_00000000_000000";
  if (stem.size() <= kShape.size()) return "";
  const std::string end = stem.substr(stem.size() - kShape.size());
  for (std::size_t i = 0; i < kShape.size(); ++i) {
    const bool fits = kShape[i] == '_' ? end[i] == '_' : end[i] >= '0' && end[i] <= '9';
    if (!fits) return "";
  }
  return end.substr(1);
}

}  // namespace

FilesSource::FilesSource(fs::path folder, const std::string& matomo_prefix) : folder_(std::move(folder)) {
  if (!fs::is_directory(folder_)) {
    fail(ErrorCode::kNotFound, "the source folder {} is not there; correct source.business, or make it with lodestone simulate",
         folder_.string());
  }
  std::vector<fs::path> paths;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder_)) {
    if (entry.is_regular_file()) paths.push_back(entry.path());
  }
  std::sort(paths.begin(), paths.end());
  for (const fs::path& path : paths) add(path, matomo_prefix);
}

void FilesSource::add(const fs::path& path, const std::string& matomo_prefix) {
  std::string table = stem_of(path.filename().string());
  if (table.empty()) return;
  const std::string stamp = stamp_of(table);
  if (!stamp.empty()) table.resize(table.size() - stamp.size() - 1);
  if (!matomo_prefix.empty() && table.starts_with(matomo_prefix) && table.size() > matomo_prefix.size())
    table.erase(0, matomo_prefix.size());
  Files& files = tables_[table];
  fs::path& place = stamp.empty() ? files.full : files.increments[stamp];
  if (!place.empty()) {
    fail(ErrorCode::kInvalidArgument, "{} and {} in {} are the same {} of table {}; keep one of them", place.filename().string(),
         path.filename().string(), folder_.string(), stamp.empty() ? "full file" : "increment", table);
  }
  place = path;
}

std::vector<std::string> FilesSource::tables() {
  std::vector<std::string> names;
  for (const auto& [name, files] : tables_) names.push_back(name);
  return names;
}

TableSnapshot FilesSource::snapshot(const std::string& table) {
  const auto found = tables_.find(table);
  LODESTONE_ASSERT(found != tables_.end(), "{} is no table of {}", table, folder_.string());
  TableSnapshot snapshot{table, nullptr, found->second.full, {}};
  for (const auto& [stamp, path] : found->second.increments) snapshot.increments.push_back(path);
  return snapshot;
}

}  // namespace lodestone::sources
