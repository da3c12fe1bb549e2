#include "bundle/file_lock.hpp"

#include <fcntl.h>
#include <sys/file.h>

#include <cerrno>
#include <cstring>

#include "base/error.hpp"

namespace lodestone::bundle {

FileLock::FileLock(const fs::path& path) : descriptor_(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644)) {
  if (descriptor_.get() < 0) {
    fail(ErrorCode::kUnavailable, "{}: cannot be opened: {}; its folder must be writable", path.string(), std::strerror(errno));
  }
  while (::flock(descriptor_.get(), LOCK_EX) != 0) {
    if (errno != EINTR) fail(ErrorCode::kUnavailable, "{}: cannot be locked: {}", path.string(), std::strerror(errno));
  }
}

void remove_folder(const fs::path& folder) {
  std::error_code error;
  fs::remove_all(folder, error);
  if (error) fail(ErrorCode::kUnavailable, "{}: cannot be removed: {}", folder.string(), error.message());
}

}  // namespace lodestone::bundle
