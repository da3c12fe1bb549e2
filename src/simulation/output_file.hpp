#pragma once
// A large file under writing: buffered, at its place only when it is whole.

#include <string>
#include <string_view>

#include "base/file.hpp"

namespace lodestone::simulation {

/// Writes `path` by way of `path` + ".partial", which is gone when finish() was not reached. Not synced to the disk: simulated data can be
/// made again. One thread.
class OutputFile {
 public:
  /// Throws unavailable naming the path.
  explicit OutputFile(fs::path path);
  ~OutputFile();
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  /// Append to this, then call spill(); it keeps the memory.
  std::string& buffer() { return buffer_; }
  /// Writes the buffer out once it is large. Throws unavailable (full disk).
  void spill() {
    if (buffer_.size() >= kSpillBytes) flush();
  }
  void finish();

 private:
  static constexpr std::size_t kSpillBytes = std::size_t{1} << 20U;
  void flush();
  [[noreturn]] void fail_write();

  fs::path path_;
  fs::path partial_;
  std::string buffer_;
  int file_;
};

}  // namespace lodestone::simulation
