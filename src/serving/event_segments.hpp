#pragma once
// The files of the event journal: lines are appended, flushed to the disk, and read again after a start. docs/formats/event_journal.md.

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/file.hpp"

namespace lodestone::serving {

/// One thread, but for read_segments(), which any thread may call for itself.
class EventSegments {
 public:
  struct Options {
    fs::path folder;
    std::uint64_t segment_bytes = std::uint64_t{64} << 20U;  ///< a segment that has reached this is followed by another
    std::uint64_t total_bytes = std::uint64_t{4} << 30U;     ///< of all segments; the oldest go when they pass it
  };

  EventSegments(Options options, const Clock& clock);
  ~EventSegments();
  EventSegments(const EventSegments&) = delete;
  EventSegments& operator=(const EventSegments&) = delete;

  /// Appends whole lines and returns once they are on the disk. Throws unavailable when they are not (full disk, no permission, another
  /// server's folder); then none of them counts, and the next append tries again. A server that starts on the folder holds it alone.
  void append(std::string_view lines);

  /// Bytes of all segments.
  [[nodiscard]] std::uint64_t bytes() const { return bytes_; }
  /// Segments removed to stay below total_bytes.
  [[nodiscard]] std::uint64_t n_removed() const { return n_removed_; }

 private:
  void hold_folder();
  void begin_segment();
  void drop_segment();
  void write(std::string_view lines);
  void remove_oldest();

  Options options_;
  const Clock* clock_;
  int lock_ = -1;  ///< the folder, locked
  int file_ = -1;  ///< the segment that grows; -1 = the next append begins one
  fs::path path_;
  std::uint64_t size_ = 0;
  std::uint64_t bytes_ = 0;
  std::uint64_t n_removed_ = 0;
};

/// The segments of a folder, oldest first; none when there is no such folder.
std::vector<fs::path> list_segments(const fs::path& folder);

/// The newest of them that have at least `n_lines` lines together, or all, oldest first.
std::vector<fs::path> newest_segments(const fs::path& folder, std::uint64_t n_lines);

/// Lines of a segment that a stop in the middle of a write has torn, or that are damaged.
struct SegmentDamage {
  std::uint64_t n_damaged = 0;  ///< lines in the middle that are not what was written
  bool is_torn = false;         ///< the last line is not whole
};

/// Hands over each line of a segment, without its end. `take` tells whether the line is whole. A file that is gone gives nothing.
SegmentDamage read_segment(const fs::path& path, const std::function<bool(std::string_view)>& take);

}  // namespace lodestone::serving
