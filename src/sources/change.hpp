#pragma once
// What a source hands to the lake: per table, either a stream of rows or files that the SQL engine reads itself.

#include <memory>
#include <string>
#include <vector>

#include "base/file.hpp"
#include "table/batch.hpp"

namespace lodestone::sources {

/// One table of a source, whole: a stream of a database, or files.
struct TableSnapshot {
  std::string table;                         ///< the name that was asked for
  std::unique_ptr<table::RowStream> stream;  ///< rows of a database; then there are no files
  fs::path full_file;                ///< the whole table; "" when there are only increments, which then go onto the lake's table
  std::vector<fs::path> increments;  ///< oldest first; later rows win by primary key
};

/// A place that tables come from. One thread.
class Source {
 public:
  virtual ~Source() = default;
  /// "files" or "mysql": manifests and cursors name it, and two kinds never mix in one lake table.
  [[nodiscard]] virtual std::string kind() const = 0;
  /// Where it is, for people and manifests: "127.0.0.1:3306/dianshu_backend", a folder. Never a password.
  [[nodiscard]] virtual std::string location() const = 0;
  /// Every table that the source has, as the source names it but without Matomo's table prefix (log_visit). The lake finds its
  /// tables among them by the names in their contracts, and says so when one is missing.
  [[nodiscard]] virtual std::vector<std::string> tables() = 0;
  /// `table` is one of tables().
  [[nodiscard]] virtual TableSnapshot snapshot(const std::string& table) = 0;
};

}  // namespace lodestone::sources
