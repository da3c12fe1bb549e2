#include "serving/event_segments.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <optional>
#include <system_error>

#include "base/error.hpp"
#include "base/log.hpp"

namespace lodestone::serving {
namespace {

constexpr std::string_view kSuffix = ".jsonl";

std::string reason(int number) { return std::generic_category().message(number); }

/// n of "20261124T093000Z-n.jsonl"; none for other names.
std::optional<std::uint64_t> segment_number(const fs::path& path) {
  const std::string name = path.filename().string();
  const std::size_t dash = name.find('-');
  if (dash == std::string::npos || !name.ends_with(kSuffix)) return std::nullopt;
  std::uint64_t number = 0;
  const char* const last = name.data() + name.size() - kSuffix.size();
  const auto [end, error] = std::from_chars(name.data() + dash + 1, last, number);
  return error == std::errc() && end == last ? std::optional(number) : std::nullopt;
}

}  // namespace

std::vector<fs::path> list_segments(const fs::path& folder) {
  struct Numbered {
    std::uint64_t number;
    fs::path path;
  };
  std::vector<Numbered> found;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    if (const auto number = segment_number(it->path())) found.push_back({*number, it->path()});
  }
  // By number and not by name: a clock that was set back does not change what came after what.
  std::ranges::sort(found, {}, &Numbered::number);
  std::vector<fs::path> paths;
  for (Numbered& one : found) paths.push_back(std::move(one.path));
  return paths;
}

std::vector<fs::path> newest_segments(const fs::path& folder, std::uint64_t n_lines) {
  std::vector<fs::path> out = list_segments(folder);
  std::size_t first = out.size();
  for (std::uint64_t n = 0; first > 0 && n < n_lines; --first) {
    try {
      const MappedFile file(out[first - 1]);
      const std::string_view text = file.text();
      for (std::size_t at = text.find('\n'); at != std::string_view::npos; at = text.find('\n', at + 1)) ++n;
    } catch (const Error&) {
      // It is gone, or who reads it will say why it cannot be read.
    }
  }
  out.erase(out.begin(), out.begin() + static_cast<std::ptrdiff_t>(first));
  return out;
}

SegmentDamage read_segment(const fs::path& path, const std::function<bool(std::string_view)>& take) {
  SegmentDamage damage;
  if (!fs::exists(path)) return damage;
  const MappedFile file(path);
  std::string_view rest = file.text();
  while (!rest.empty()) {
    const std::size_t end = rest.find('\n');
    const bool is_whole = end != std::string_view::npos && take(rest.substr(0, end));
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    if (is_whole) continue;
    if (rest.empty()) {
      damage.is_torn = true;
    } else {
      ++damage.n_damaged;
    }
  }
  return damage;
}

EventSegments::EventSegments(Options options, const Clock& clock) : options_(std::move(options)), clock_(&clock) {
  std::error_code error;
  for (const fs::path& path : list_segments(options_.folder)) bytes_ += fs::file_size(path, error);
}

EventSegments::~EventSegments() {
  if (file_ >= 0) ::close(file_);
  if (lock_ >= 0) ::close(lock_);
}

void EventSegments::hold_folder() {
  if (lock_ >= 0) return;
  make_folders(options_.folder);
  const int folder = ::open(options_.folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0) fail(ErrorCode::kUnavailable, "{}: cannot be opened: {}", options_.folder.string(), reason(errno));
  if (::flock(folder, LOCK_EX | LOCK_NB) != 0) {
    const int error = errno;
    ::close(folder);
    fail(ErrorCode::kUnavailable, "{}: {}; give each server its own serving.events_folder", options_.folder.string(),
         error == EWOULDBLOCK ? "another server writes its events there" : reason(error));
  }
  lock_ = folder;
}

void EventSegments::begin_segment() {
  const std::vector<fs::path> segments = list_segments(options_.folder);
  const std::uint64_t number = segments.empty() ? 1 : *segment_number(segments.back()) + 1;
  path_ = options_.folder / fmt::format("{}-{}{}", format_compact(clock_->now()), number, kSuffix);
  file_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0640);
  if (file_ < 0) fail(ErrorCode::kUnavailable, "{}: cannot be made: {}", path_.string(), reason(errno));
  size_ = 0;
  // Its name must be on the disk before anything in it is acknowledged.
  if (::fsync(lock_) != 0) {
    const int error = errno;
    drop_segment();
    fail(ErrorCode::kUnavailable, "{}: cannot be flushed: {}", options_.folder.string(), reason(error));
  }
}

void EventSegments::drop_segment() {
  if (file_ >= 0) ::close(file_);
  file_ = -1;
}

void EventSegments::append(std::string_view lines) {
  hold_folder();
  if (file_ >= 0 && size_ >= options_.segment_bytes) drop_segment();
  if (file_ < 0) begin_segment();
  write(lines);
  if (::fdatasync(file_) != 0) {
    // What a failed flush leaves in the page cache counts as clean, so this file cannot be trusted with another line.
    const int error = errno;
    drop_segment();
    fail(ErrorCode::kUnavailable, "{}: cannot be flushed: {}", path_.string(), reason(error));
  }
  size_ += lines.size();
  bytes_ += lines.size();
  if (bytes_ > options_.total_bytes) remove_oldest();
}

void EventSegments::write(std::string_view lines) {
  while (!lines.empty()) {
    const ssize_t n = ::write(file_, lines.data(), lines.size());
    if (n < 0 && errno == EINTR) continue;
    if (n > 0) {
      lines.remove_prefix(static_cast<std::size_t>(n));
      continue;
    }
    const int error = errno;
    // Half a line must not stand before the next ones.
    if (::ftruncate(file_, static_cast<off_t>(size_)) != 0) drop_segment();
    fail(ErrorCode::kUnavailable, "{}: cannot be written: {}", path_.string(), reason(error));
  }
}

void EventSegments::remove_oldest() {
  for (const fs::path& path : list_segments(options_.folder)) {
    if (bytes_ <= options_.total_bytes || path == path_) return;
    std::error_code error;
    const std::uint64_t size = fs::file_size(path, error);
    if (error || !fs::remove(path, error) || error) {
      log_warn("serving", "{}: cannot be removed: {}", path.string(), error.message());
      return;
    }
    bytes_ -= std::min(bytes_, size);
    ++n_removed_;
    log_warn("serving", "{}: removed, because the event journal has reached its {} bytes", path.string(), options_.total_bytes);
  }
}

}  // namespace lodestone::serving
