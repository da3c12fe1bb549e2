#pragma once
// Exposure logs of servers as rows, a row an item shown (docs/formats/exposures.md has the files, contracts/exposures.yaml the columns).

#include <cstdint>
#include <fstream>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.hpp"
#include "base/json.hpp"
#include "table/batch.hpp"

namespace lodestone::sources {

/// What of a folder's logs was not read before, oldest file first. Subfolders are read too, for logs that come from several machines. One thread.
///
/// A line counts once its line feed is there, so what a server is writing just now, or left torn, waits. A line that is no exposure becomes a row
/// with its text in `unread_line` and no request. A file that goes while it is read was taken by its server: what is gone is gone.
class ExposureStream final : public table::RowStream {
 public:
  /// `position` is that of an earlier stream of these logs, "" = none. Ends after the line in which `max_bytes` have been read. Throws not_found when
  /// there is no such folder, corrupt for a position that is none.
  ExposureStream(fs::path folder, std::string_view position, std::uint64_t max_bytes);

  [[nodiscard]] const table::Schema& schema() const override { return schema_; }
  [[nodiscard]] std::uint64_t estimated_rows() const override;
  bool next(table::Batch& batch) override;

  /// Whether there is anything that may be a new line.
  [[nodiscard]] bool has_more() const;
  /// What is read when the stream has ended; what of files that are gone is forgotten.
  [[nodiscard]] std::string position() const;
  [[nodiscard]] std::uint64_t n_lines() const { return n_lines_; }

 private:
  struct LogFile {
    std::string name;  ///< below the folder
    std::uint64_t bytes = 0;
    std::uint64_t read = 0;  ///< bytes, whole lines
  };
  bool next_line();
  void append_rows(table::Batch& batch);
  void append_row(table::Batch& batch, std::int64_t position, const json::Value* item) const;

  fs::path folder_;
  table::Schema schema_;
  std::vector<LogFile> files_;
  std::uint64_t bytes_left_;
  std::uint64_t n_lines_ = 0;
  std::size_t file_ = 0;
  std::ifstream input_;
  bool is_open_ = false;

  std::string line_;               ///< being turned into rows
  std::uint64_t line_offset_ = 0;  ///< where it begins
  std::string line_file_;
  json::Value document_;          ///< of it; null when it is no exposure
  std::size_t n_line_items_ = 0;  ///< rows it gives
  std::size_t next_item_ = 0;
};

}  // namespace lodestone::sources
