#pragma once
// Keeps two processes from changing a store at once.

#include "base/descriptor.hpp"
#include "base/file.hpp"

namespace lodestone::bundle {

/// Holds the lock of a file, which is made if need be, until it goes; waits for whoever holds it. The system frees the lock of a process
/// that dies. Throws unavailable when the file cannot be made.
class FileLock {
 public:
  explicit FileLock(const fs::path& path);

 private:
  Descriptor descriptor_;
};

/// Removes a folder with all that is in it; throws unavailable, naming it.
void remove_folder(const fs::path& folder);

}  // namespace lodestone::bundle
