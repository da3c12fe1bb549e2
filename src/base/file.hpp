#pragma once
// Files: read whole, read by line (gzip by suffix), map, and replace atomically. Every write that must survive is write-new, fsync,
// rename, fsync of the folder, so a kill at any point leaves the old or the new file and never a half.

#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace lodestone {

namespace fs = std::filesystem;

/// The whole file. Throws not_found when it is missing, unavailable when it cannot be read.
std::string read_file(const fs::path& path);

/// Replaces `path` atomically and durably. Throws unavailable (full disk, no permission), naming the path and the reason; the old file
/// is then untouched and no temporary file is left.
void write_file_atomic(const fs::path& path, std::string_view bytes);

/// Flushes a file, or the names inside a folder, to the disk. Throws unavailable.
void sync_path(const fs::path& path);

/// Creates the folder and its parents; throws unavailable with the reason.
void make_folders(const fs::path& folder);

/// A read-only mapping of a whole file. Movable; the bytes are valid while it lives and may be read from many threads.
class MappedFile {
 public:
  /// Throws not_found or unavailable. An empty file maps to an empty span.
  explicit MappedFile(const fs::path& path);
  ~MappedFile();
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  [[nodiscard]] std::span<const std::byte> bytes() const { return {static_cast<const std::byte*>(data_), size_}; }
  [[nodiscard]] std::string_view text() const { return {static_cast<const char*>(data_), size_}; }
  [[nodiscard]] const fs::path& path() const { return path_; }

  /// Asks the kernel to read the whole file ahead, so that the first request does not pay for page faults.
  void prefetch() const;

 private:
  fs::path path_;
  void* data_ = nullptr;
  std::size_t size_ = 0;
};

/// Reads a text file line by line, unpacking gzip when the name ends in ".gz". Lines come without "\n" or "\r\n".
class LineReader {
 public:
  explicit LineReader(const fs::path& path);
  ~LineReader();
  LineReader(const LineReader&) = delete;
  LineReader& operator=(const LineReader&) = delete;

  /// False at the end. Throws corrupt when the gzip stream is damaged or cut.
  bool next(std::string& line);

  /// Appends everything that is left, as it is in the file.
  void read_rest(std::string& out);

  /// Number of the line that next() gave last, from 1.
  [[nodiscard]] std::size_t line_number() const { return line_number_; }

 private:
  struct Stream;
  std::unique_ptr<Stream> stream_;
  std::size_t line_number_ = 0;
};

/// The whole file as it is, whatever its bytes, unpacked when the name ends in ".gz".
std::string read_text_file(const fs::path& path);

/// A folder that is removed with all that is in it when the object goes; made under the system's temporary folder.
class TemporaryFolder {
 public:
  explicit TemporaryFolder(std::string_view prefix = "lodestone");
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  [[nodiscard]] const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

}  // namespace lodestone
