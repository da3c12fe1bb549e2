#pragma once
// Whether a file is another one than at the last look.

#include <sys/stat.h>

#include <cstdint>

#include "base/file.hpp"

namespace lodestone::serving {

/// Files that are replaced by rename have another inode even within one tick of the clock.
struct FileStamp {
  std::int64_t inode = 0;
  std::int64_t changed_ns = 0;
  std::int64_t size = -1;  ///< -1 = there is no such file
  friend bool operator==(const FileStamp&, const FileStamp&) = default;
};

inline FileStamp stamp_of(const fs::path& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return {};
  return {static_cast<std::int64_t>(info.st_ino),
          static_cast<std::int64_t>(info.st_mtim.tv_sec) * 1'000'000'000 + info.st_mtim.tv_nsec,
          static_cast<std::int64_t>(info.st_size)};
}

}  // namespace lodestone::serving
