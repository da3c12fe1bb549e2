#pragma once
// A folder of files as a source: TABLE.csv, .json (an array of records) or .parquet, csv and json also with .gz, and increments
// TABLE_YYYYMMDD_HHMMSS.* of any of these formats. Other files are left aside.

#include <map>
#include <string>
#include <vector>

#include "sources/change.hpp"

namespace lodestone::sources {

class FilesSource final : public Source {
 public:
  /// `matomo_prefix` is taken off table names that begin with it. Throws not_found when there is no such folder, invalid_argument when a
  /// table has two full files or two increments of the same time.
  FilesSource(fs::path folder, const std::string& matomo_prefix);

  [[nodiscard]] std::string kind() const override { return "files"; }
  [[nodiscard]] std::string location() const override { return folder_.string(); }
  [[nodiscard]] std::vector<std::string> tables() override;
  [[nodiscard]] TableSnapshot snapshot(const std::string& table) override;

 private:
  struct Files {
    fs::path full;
    std::map<std::string, fs::path> increments;  // by "YYYYMMDD_HHMMSS", which sorts by time
  };
  void add(const fs::path& path, const std::string& matomo_prefix);

  fs::path folder_;
  std::map<std::string, Files> tables_;
};

}  // namespace lodestone::sources
