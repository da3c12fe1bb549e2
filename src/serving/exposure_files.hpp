#pragma once
// The files of the exposure log: <UTC start>-<n>.jsonl, 20261124T093000Z-1.jsonl, each written by one process and never again once the next
// has begun (docs/formats/exposures.md).

#include <cstdint>
#include <future>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/file.hpp"

namespace lodestone::serving {

/// One thread.
class ExposureFiles {
 public:
  ExposureFiles(fs::path folder, std::uint64_t file_bytes, std::uint64_t total_bytes, const Clock& clock)
      : folder_(std::move(folder)), file_bytes_(file_bytes), total_bytes_(total_bytes), clock_(&clock) {}
  ~ExposureFiles();
  ExposureFiles(const ExposureFiles&) = delete;
  ExposureFiles& operator=(const ExposureFiles&) = delete;

  /// Appends whole lines: all of them or, when it throws unavailable (full disk, no permission), none that a reader takes. Begins a new file
  /// when the present one is full, or the last write failed, and removes the oldest files that have no room beside it; a file that another
  /// process writes stays, and one that is being flushed. Returns how many were removed. A full file is made durable while the next one is written, as flushing it may take as long as
  /// it took to fill; where that failed, a later call throws.
  std::uint64_t write(std::string_view lines);

  /// Makes what was written durable and ends the file. Throws unavailable.
  void close();

 private:
  std::uint64_t open_next();
  std::uint64_t make_room(std::vector<int>& removed) const;
  void finish(int file, std::vector<int> removed);
  void take_finished();
  void abandon(std::uint64_t good_bytes);

  fs::path folder_;
  std::uint64_t file_bytes_;
  std::uint64_t total_bytes_;
  const Clock* clock_;
  fs::path path_;
  int file_ = -1;
  std::uint64_t bytes_ = 0;
  std::uint64_t number_ = 0;
  std::future<int> finishing_;  ///< flushes the file before; its errno
  fs::path finishing_path_;
};

}  // namespace lodestone::serving
