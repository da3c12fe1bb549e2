#pragma once
// A file descriptor that closes itself, and so gives back the locks that hang on it.

#include <unistd.h>

#include <utility>

namespace lodestone {

class Descriptor {
 public:
  /// Owns it; below 0 there is none.
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;

  [[nodiscard]] int get() const { return fd_; }
  /// Whoever calls owns it from then on.
  [[nodiscard]] int release() { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

}  // namespace lodestone
