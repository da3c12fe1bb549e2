#include "serving/exposure_files.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <system_error>
#include <utility>

#include "base/error.hpp"

namespace lodestone::serving {
namespace {

constexpr std::string_view kSuffix = ".jsonl";
/// Removed files that stay open until somebody else frees their room: usually there is one.
constexpr std::size_t kMostRemoved = 16;

struct OldFile {
  fs::path path;
  std::uint64_t bytes = 0;
};

/// Oldest first: the names begin with the time, and files of one second are told apart by their numbers.
std::vector<OldFile> list_files(const fs::path& folder) {
  std::vector<OldFile> files;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
    if (entry.path().extension() == kSuffix && entry.is_regular_file()) files.push_back({entry.path(), entry.file_size()});
  }
  const auto key = [](const OldFile& file) {
    const std::string name = file.path.filename().string();
    const std::size_t dash = name.find('-');
    return std::pair(name.substr(0, dash), std::pair(name.size(), name));
  };
  std::sort(files.begin(), files.end(), [&](const OldFile& a, const OldFile& b) { return key(a) < key(b); });
  return files;
}

/// Takes a file's name away and leaves it open, as it is closing that frees a large file's room and takes the time. -1 for a file that some process
/// has open for writing.
int remove_unused(const fs::path& path) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return -1;
  std::error_code error;
  if (::flock(file, LOCK_EX | LOCK_NB) == 0 && fs::remove(path, error)) return file;
  ::close(file);
  return -1;
}

int flush_and_close(int file) {
  const int status = ::fdatasync(file);
  const int error = errno;
  ::close(file);
  return status == 0 ? 0 : error;
}

[[noreturn]] void fail_on(const fs::path& path, const char* what, int error) {
  fail(ErrorCode::kUnavailable, "{}: {}: {}; free space or give the server a folder that it may write (serving.exposure_folder)",
       path.string(), what, std::strerror(error));
}

}  // namespace

ExposureFiles::~ExposureFiles() {
  if (file_ >= 0) ::close(file_);  // what is finishing is waited for
}

std::uint64_t ExposureFiles::write(std::string_view lines) {
  std::uint64_t n_removed = 0;
  const bool is_full = file_ >= 0 && bytes_ > 0 && bytes_ + lines.size() > file_bytes_;
  if (is_full && total_bytes_ < 2 * file_bytes_) close();  // it has to go itself
  // A disk that cannot flush one file while the next is filled has to be waited for.
  const bool begins = is_full || file_ < 0;
  if (finishing_.valid() && (begins || finishing_.wait_for(std::chrono::seconds(0)) == std::future_status::ready))
    take_finished();
  if (begins) n_removed = open_next();
  const std::uint64_t good_bytes = bytes_;
  while (!lines.empty()) {
    const ssize_t n = ::write(file_, lines.data(), lines.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) {
      const int error = errno;
      abandon(good_bytes);
      fail_on(path_, "cannot be written", error);
    }
    bytes_ += static_cast<std::uint64_t>(n);
    lines.remove_prefix(static_cast<std::size_t>(n));
  }
  return n_removed;
}

/// Takes back the half that was written; where that fails too, readers leave a last line without an end aside.
void ExposureFiles::abandon(std::uint64_t good_bytes) {
  [[maybe_unused]] const int ignored = ::ftruncate(file_, static_cast<off_t>(good_bytes));
  ::close(file_);
  file_ = -1;
  std::error_code error;
  if (good_bytes == 0) fs::remove(path_, error);
}

void ExposureFiles::close() {
  const int file = std::exchange(file_, -1);
  const int error = file < 0 ? 0 : flush_and_close(file);
  if (finishing_.valid()) take_finished();
  if (error != 0) fail_on(path_, "cannot be made durable", error);
}

/// Frees the room of removed files and flushes a full one, or none where `file` is -1, while the next is written.
void ExposureFiles::finish(int file, std::vector<int> removed) {
  finishing_path_ = path_;
  const auto work = [file, removed = std::move(removed)] {
    for (const int one : removed) ::close(one);
    return file < 0 ? 0 : flush_and_close(file);
  };
  try {
    finishing_ = std::async(std::launch::async, work);
  } catch (const std::system_error&) {  // no thread is to be had
    std::promise<int> done;
    done.set_value(work());
    finishing_ = done.get_future();
  }
}

void ExposureFiles::take_finished() {
  const int error = finishing_.get();
  if (error != 0) fail_on(finishing_path_, "cannot be made durable", error);
}

/// Begins a file, after the present one if there is one. Nothing else is finishing.
std::uint64_t ExposureFiles::open_next() {
  make_folders(folder_);
  std::vector<int> removed;
  const std::uint64_t n_removed = make_room(removed);
  const int full = std::exchange(file_, -1);
  if (full >= 0 || !removed.empty()) finish(full, std::move(removed));
  const std::string start = format_compact(clock_->now());
  for (;;) {  // another process may have taken the name
    path_ = folder_ / fmt::format("{}-{}{}", start, ++number_, kSuffix);
    file_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0640);
    if (file_ >= 0) break;
    if (errno != EEXIST) fail_on(path_, "cannot be made", errno);
  }
  ::flock(file_, LOCK_SH | LOCK_NB);  // says that it is in use; goes with the process
  bytes_ = 0;
  return n_removed;
}

std::uint64_t ExposureFiles::make_room(std::vector<int>& removed) const {
  const std::vector<OldFile> files = list_files(folder_);
  std::uint64_t total = file_bytes_;  // of the one that begins
  for (const OldFile& file : files) total += file.bytes;
  std::uint64_t n_removed = 0;
  for (const OldFile& file : files) {
    if (total <= total_bytes_) break;
    const int open = remove_unused(file.path);
    if (open < 0) continue;
    if (removed.size() < kMostRemoved) {
      removed.push_back(open);
    } else {
      ::close(open);
    }
    total -= file.bytes;
    ++n_removed;
  }
  return n_removed;
}

}  // namespace lodestone::serving
