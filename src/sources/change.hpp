#pragma once
// What a source hands to the lake: per table, either a stream of rows or files that the SQL engine reads itself.

#include <memory>
#include <string>
#include <vector>

#include "base/file.hpp"
#include "table/batch.hpp"

namespace lodestone::sources {

/// One table of a source, whole. Exactly one of `stream` and `files` is set.
struct TableSnapshot {
  std::string table;                           ///< name in the table contracts, for example order_tab
  std::unique_ptr<table::RowStream> stream;    ///< rows of a database
  std::vector<fs::path> files;                 ///< the full file, then increments oldest first; later rows win by primary key
};

/// A place that tables come from. One thread.
class Source {
 public:
  virtual ~Source() = default;
  /// "files" or "mysql": cursors and lake paths name it, and two kinds never mix in one lake table.
  [[nodiscard]] virtual std::string kind() const = 0;
  /// What the source has, out of the tables that are asked for; a missing required table is the lake's error.
  [[nodiscard]] virtual std::vector<std::string> tables() = 0;
  [[nodiscard]] virtual TableSnapshot snapshot(const std::string& table) = 0;
};

}  // namespace lodestone::sources
