#pragma once
// A log file that does not grow for ever: when it is full it becomes FILE.1, what was FILE.1 becomes FILE.2, and so on; the
// oldest goes.

#include <cstdint>
#include <string_view>

#include "base/file.hpp"

namespace lodestone {

/// One thread, and one process a file.
class RotatingFile {
 public:
  /// Opened at the first write, whose folder is made. `n_old` files are kept beside the present one.
  RotatingFile(fs::path path, std::uint64_t file_bytes, int n_old)
      : path_(std::move(path)), file_bytes_(file_bytes), n_old_(n_old) {}
  ~RotatingFile() { close(); }
  RotatingFile(const RotatingFile&) = delete;
  RotatingFile& operator=(const RotatingFile&) = delete;

  /// Appends whole lines: all of them or, when it throws unavailable (full disk, no permission), none. A file that somebody
  /// moved away (logrotate) is followed by a new one.
  void write(std::string_view lines);
  void close();

 private:
  void open();
  void rotate();
  [[nodiscard]] bool is_in_place() const;
  [[nodiscard]] fs::path old(int number) const { return path_.string() + "." + std::to_string(number); }

  fs::path path_;
  std::uint64_t file_bytes_;
  int n_old_;
  int file_ = -1;
  std::uint64_t bytes_ = 0;
};

}  // namespace lodestone
