#include "serving/folder_watch.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>

#include "base/error.hpp"

namespace lodestone::serving {

namespace {

/// A file that is still being written is none of them. IN_CREATE is for links that take the place of others.
constexpr std::uint32_t kChanges = IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_CREATE;

}  // namespace

FolderWatch::FolderWatch() : changes_(inotify_init1(IN_NONBLOCK | IN_CLOEXEC)), wake_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
  if (wake_ < 0) fail(ErrorCode::kUnavailable, "no event descriptor is to be had; raise the limit on open files");
}

FolderWatch::~FolderWatch() {
  if (changes_ >= 0) close(changes_);
  close(wake_);
}

void FolderWatch::add(const fs::path& folder) {
  const bool known = std::any_of(folders_.begin(), folders_.end(), [&](const Folder& other) { return other.path == folder; });
  if (!known) folders_.push_back({folder, false});
}

void FolderWatch::watch_new() {
  if (changes_ < 0) return;
  for (Folder& folder : folders_) {
    if (!folder.is_watched) folder.is_watched = inotify_add_watch(changes_, folder.path.c_str(), kChanges) >= 0;
  }
}

void FolderWatch::wait(std::chrono::milliseconds at_most) {
  watch_new();
  std::array<pollfd, 2> waited = {pollfd{wake_, POLLIN, 0}, pollfd{changes_, POLLIN, 0}};  // a negative one is passed over
  if (poll(waited.data(), waited.size(), static_cast<int>(at_most.count())) <= 0) return;
  if (waited[0].revents != 0) {
    std::uint64_t times = 0;
    static_cast<void>(!read(wake_, &times, sizeof times));
  }
  alignas(inotify_event) std::array<char, 4096> events;
  while (changes_ >= 0 && read(changes_, events.data(), events.size()) > 0) {
  }
}

void FolderWatch::interrupt() const {
  const std::uint64_t once = 1;
  static_cast<void>(!write(wake_, &once, sizeof once));
}

}  // namespace lodestone::serving
