#include "bundle/file_lock.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/error.hpp"

namespace lodestone::bundle {

FileLock::FileLock(const fs::path& path) : descriptor_(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644)) {
  if (descriptor_ < 0) {
    fail(ErrorCode::kUnavailable, "{}: cannot be opened: {}; the bundle folder must be writable", path.string(),
         std::strerror(errno));
  }
  while (::flock(descriptor_, LOCK_EX) != 0) {
    if (errno == EINTR) continue;
    const int error = errno;
    ::close(descriptor_);
    fail(ErrorCode::kUnavailable, "{}: cannot be locked: {}", path.string(), std::strerror(error));
  }
}

FileLock::~FileLock() { ::close(descriptor_); }

void remove_folder(const fs::path& folder) {
  std::error_code error;
  fs::remove_all(folder, error);
  if (error) fail(ErrorCode::kUnavailable, "{}: cannot be removed: {}", folder.string(), error.message());
}

}  // namespace lodestone::bundle
