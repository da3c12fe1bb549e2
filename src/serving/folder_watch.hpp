#pragma once
// Sleeps until a file in one of some folders has changed, by the kernel's word (inotify). What it cannot see (a network file system) is found at
// the end of the sleep, as it would be without it.

#include <chrono>
#include <vector>

#include "base/file.hpp"

namespace lodestone::serving {

/// add() before the first wait(); wait() belongs to one thread, interrupt() to any.
class FolderWatch {
 public:
  FolderWatch();
  ~FolderWatch();
  FolderWatch(const FolderWatch&) = delete;
  FolderWatch& operator=(const FolderWatch&) = delete;

  /// Not what lies in folders below it. One that is not there yet is watched from the first wait() that finds it.
  void add(const fs::path& folder);
  /// Returns after `at_most`, or once a file there was written and closed, moved in or out, or removed, or after interrupt().
  void wait(std::chrono::milliseconds at_most);
  void interrupt() const;

 private:
  struct Folder {
    fs::path path;
    bool is_watched = false;
  };
  void watch_new();

  std::vector<Folder> folders_;
  int changes_;  ///< of inotify; -1 where the system gives none
  int wake_;     ///< an eventfd
};

}  // namespace lodestone::serving
