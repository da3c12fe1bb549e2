#include "base/rotating_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/error.hpp"

namespace lodestone {
namespace {

[[noreturn]] void fail_on(const fs::path& path, const char* what, int error) {
  fail(ErrorCode::kUnavailable, "{}: {}: {}; free space or choose a file that may be written", path.string(), what,
       std::strerror(error));
}

}  // namespace

void RotatingFile::write(std::string_view lines) {
  if (file_ >= 0 && !is_in_place()) close();
  if (file_ < 0) open();
  if (bytes_ > 0 && bytes_ + lines.size() > file_bytes_) rotate();
  const std::uint64_t good_bytes = bytes_;
  while (!lines.empty()) {
    const ssize_t n = ::write(file_, lines.data(), lines.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) {
      const int error = errno;
      [[maybe_unused]] const int ignored = ::ftruncate(file_, static_cast<off_t>(good_bytes));
      close();
      fail_on(path_, "cannot be written", error);
    }
    bytes_ += static_cast<std::uint64_t>(n);
    lines.remove_prefix(static_cast<std::size_t>(n));
  }
}

void RotatingFile::close() {
  if (file_ >= 0) ::close(file_);
  file_ = -1;
}

void RotatingFile::open() {
  if (path_.has_parent_path()) make_folders(path_.parent_path());
  file_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
  if (file_ < 0) fail_on(path_, "cannot be made", errno);
  struct stat status {};
  if (::fstat(file_, &status) != 0) fail_on(path_, "cannot be looked at", errno);
  bytes_ = static_cast<std::uint64_t>(status.st_size);
}

void RotatingFile::rotate() {
  close();
  std::error_code error;
  for (int number = n_old_; number > 1; --number) {
    if (fs::exists(old(number - 1), error)) fs::rename(old(number - 1), old(number), error);
  }
  if (n_old_ > 0) {
    fs::rename(path_, old(1), error);
  } else {
    fs::remove(path_, error);
  }
  if (error)
    fail(ErrorCode::kUnavailable, "{}: cannot be put aside: {}; its folder must be writable", path_.string(), error.message());
  open();
}

bool RotatingFile::is_in_place() const {
  struct stat named {};
  struct stat ours {};
  return ::stat(path_.c_str(), &named) == 0 && ::fstat(file_, &ours) == 0 && named.st_ino == ours.st_ino &&
         named.st_dev == ours.st_dev;
}

}  // namespace lodestone
