#pragma once
// Rows of a table (RFC 4180 quotes for every delimiter but the tab, which has none) or of JSON lines, reduced to the columns that
// dataset.yaml maps.

#include <string>
#include <vector>

#include "base/file.hpp"
#include "evaluation/dataset_spec.hpp"

namespace lodestone::evaluation {

/// Parts the entries of a list inside one field.
inline constexpr char kListSeparator = '\x1f';

class RecordReader {
 public:
  /// Fields come in the order of `columns`; a column that the file does not map is "" in every row. Throws invalid_argument when a mapped
  /// column is not in the header, corrupt when the file is empty.
  RecordReader(const FileSpec& file, std::vector<Column> columns);

  /// False at the end. A JSON list is its entries joined by kListSeparator; a missing member or null is "". Throws corrupt with file and line
  /// when the row has fewer or more fields than the header, an open quote, or is no JSON object. Empty lines are skipped.
  bool next(std::vector<std::string>& fields);

  /// "file:line" of the row that next() gave last, for errors.
  [[nodiscard]] std::string where() const;

 private:
  bool next_table(std::vector<std::string>& fields);
  bool next_json(std::vector<std::string>& fields);
  bool read_cells();

  const FileSpec& file_;
  std::vector<std::string> sources_;  ///< of each wanted column, "" = none
  std::vector<std::size_t> places_;   ///< table: place in the row
  std::vector<std::string> cells_;
  std::string line_;
  std::size_t n_cells_ = 0;
  std::size_t width_ = 0;
  LineReader lines_;
};

/// The names a table's header has, or the dotted paths that occur in the first 100 JSON lines.
std::vector<std::string> source_names(const FileSpec& file);

/// A list field cut into its entries: at kListSeparator, else at `separator`, else ("") at any of ; | and comma. Blanks around entries go.
std::vector<std::string> split_list(std::string_view field, std::string_view separator);

/// A number or, for times, a date (epoch seconds then); throws corrupt naming `where` and the column.
double parse_number(std::string_view text, Column column, const std::string& where);

}  // namespace lodestone::evaluation
