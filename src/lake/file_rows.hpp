#pragma once
// A file of a source as SQL: CSV, JSON (an array of records) or Parquet, each column as the text that the file holds and as the value
// that the contract wants. docs/formats/source-files.md says which notations are read. Internal to this folder.

#include <memory>
#include <string>
#include <vector>

#include "base/file.hpp"
#include "lake/contract.hpp"
#include "lake/manifest.hpp"
#include "table/engine.hpp"

namespace lodestone::lake {

enum class FileFormat { kCsv, kJson, kParquet };

/// By suffix: .csv .csv.gz .json .json.gz .parquet; throws invalid_argument for any other.
FileFormat file_format(const fs::path& path);

/// SQL for the value of a contract's column that the text expression `text` spells, null when it spells none.
std::string value_of_text(const std::string& text, const ContractColumn& column);
/// SQL for whether such a text means null.
std::string is_blank(const std::string& text, const ContractColumn& column);

/// One column of a file.
struct FileColumn {
  std::string name;
  std::string sql_type;                      ///< in the lake
  const ContractColumn* contract = nullptr;  ///< nullptr for an extra column
};

/// A file that is about to be read. Opening it reads the names of its columns and checks them against the contract.
class FileRows {
 public:
  /// Throws contract when the file has no column that the contract wants (all of them in one sentence) or the same one twice, corrupt when it
  /// cannot be read at all.
  FileRows(table::Engine& engine, fs::path path, const Contract& contract);

  [[nodiscard]] const fs::path& path() const { return path_; }
  /// In the order of the file.
  [[nodiscard]] const std::vector<FileColumn>& columns() const { return columns_; }

  /// The rows of a CSV file, which Engine::read_stream() must offer as stream_rows while checked_rows() is run; nullptr for other formats, which
  /// the engine reads itself.
  [[nodiscard]] std::unique_ptr<table::RowStream> open_stream() const;

  /// A query that yields, for column i, the original text oI, the value tI, and `reason`: why the row does not fit the contract, else null;
  /// with kInFile also row_in_file, which ascends in the order of the file.
  enum class Order { kAny, kInFile };
  [[nodiscard]] std::string checked_rows(Order order) const;

  /// The columns tI under their names, as a select list.
  [[nodiscard]] std::string value_list() const;
  /// The columns oI under their names, as a select list; of a CSV file also the text of malformed lines.
  [[nodiscard]] std::string original_list() const;

 private:
  [[nodiscard]] std::string from(Order order) const;
  [[nodiscard]] std::string original(std::size_t column) const;
  [[nodiscard]] std::string value(std::size_t column) const;
  [[nodiscard]] std::string reason() const;
  void check_columns(const Contract& contract) const;

  fs::path path_;
  FileFormat format_;
  std::vector<FileColumn> columns_;
};

}  // namespace lodestone::lake
