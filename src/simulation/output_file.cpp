#include "simulation/output_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <system_error>

#include "base/error.hpp"

namespace lodestone::simulation {

OutputFile::OutputFile(fs::path path)
    : path_(std::move(path)),
      partial_(path_.string() + ".partial"),
      file_(::open(partial_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644)) {
  buffer_.reserve(kSpillBytes + kSpillBytes / 4);
  if (file_ < 0) fail_write();
}

OutputFile::~OutputFile() {
  if (file_ < 0) return;
  ::close(file_);
  std::error_code ignored;
  fs::remove(partial_, ignored);
}

void OutputFile::fail_write() {
  fail(ErrorCode::kUnavailable, "{}: cannot be written ({}); free space or name another folder", path_.string(),
       std::strerror(errno));
}

void OutputFile::flush() {
  const char* at = buffer_.data();
  std::size_t left = buffer_.size();
  while (left > 0) {
    const ssize_t n = ::write(file_, at, left);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail_write();
    at += n;
    left -= static_cast<std::size_t>(n);
  }
  buffer_.clear();
}

void OutputFile::finish() {
  flush();
  const int closed = ::close(file_);
  file_ = -1;
  if (closed != 0) fail_write();
  if (::rename(partial_.c_str(), path_.c_str()) != 0) fail_write();
}

}  // namespace lodestone::simulation
