#pragma once
// A CSV file as rows of text. Our own reader, because a reader that cuts a file into pieces for many threads takes the second line of a
// quoted value for a row when a piece begins there (seen with the SQL engine's), and because a malformed line must cost itself only.
// Internal to this folder.

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.hpp"
#include "table/batch.hpp"

namespace lodestone::lake {

/// RFC 4180: comma, double quotes, quotes inside doubled, LF or CRLF, UTF-8 with or without a byte order mark; gzip when the name ends in
/// ".gz". An empty value and \N are null unless they are quoted. Empty lines are skipped.
///
/// Columns of the rows: c0, c1, ... in the order of the header, then line (of the record's beginning, from 1), fault (why the record is
/// malformed, else null) and malformed_line (its text, at most 64 KiB; the values are null then). One thread.
class CsvStream final : public table::RowStream {
 public:
  /// Reads the header. Throws contract when there is none, corrupt when the gzip stream is damaged.
  explicit CsvStream(const fs::path& path);
  ~CsvStream() override;
  CsvStream(const CsvStream&) = delete;
  CsvStream& operator=(const CsvStream&) = delete;

  [[nodiscard]] const std::vector<std::string>& header() const { return header_; }
  [[nodiscard]] const table::Schema& schema() const override { return schema_; }
  /// Size of the file / mean size of the records so far (before the first, of those in the first MiB); of a gzip file both compressed.
  [[nodiscard]] std::uint64_t estimated_rows() const override;
  bool next(table::Batch& batch) override;

 private:
  struct File;
  struct Field {
    std::string_view text;
    bool is_quoted = false;
  };
  /// Where a record ends and what is wrong with it.
  struct Record {
    std::size_t end = 0;  ///< offset behind its end of line
    std::size_t n_lines = 1;
    std::string_view fault;  ///< "" when it is well formed
  };
  bool fill(std::size_t keep_from);
  [[nodiscard]] bool next_record(Record& record);
  [[nodiscard]] bool scan_record(Record& record, bool at_end);
  bool scan_quoted(std::size_t& at, Record& record, bool at_end);
  void skip_line(std::size_t from, Record& record) const;
  void append(const Record& record, table::Batch& batch);

  std::unique_ptr<File> file_;
  std::string buffer_;
  std::size_t begin_ = 0;  // of the record under reading, in buffer_
  std::size_t line_ = 1;
  bool is_exhausted_ = false;
  std::uint64_t n_rows_ = 0;      // given out
  std::uint64_t first_rows_ = 0;  // in the first block
  std::vector<Field> fields_;
  std::vector<std::string> header_;
  table::Schema schema_;
};

}  // namespace lodestone::lake
