#include "base/file.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/descriptor.hpp"
#include "base/error.hpp"

namespace lodestone {
namespace {

std::string reason(int error) { return std::strerror(error); }

int open_for_reading(const fs::path& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd >= 0) return fd;
  if (errno == ENOENT) fail(ErrorCode::kNotFound, "{}: no such file", path.string());
  fail(ErrorCode::kUnavailable, "{}: cannot be read: {}", path.string(), reason(errno));
}

void write_all(int fd, std::string_view bytes, const fs::path& path) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0)
      fail(ErrorCode::kUnavailable, "{}: cannot be written: {}; free some space or check the rights", path.string(),
           reason(errno));
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
}

}  // namespace

std::string read_file(const fs::path& path) {
  const Descriptor fd(open_for_reading(path));
  struct stat status {};
  if (::fstat(fd.get(), &status) == 0 && S_ISDIR(status.st_mode)) {
    fail(ErrorCode::kInvalidArgument, "{}: is a folder, a file is expected", path.string());
  }
  std::string out;
  out.reserve(static_cast<std::size_t>(status.st_size));
  std::array<char, 65536> buffer{};
  for (;;) {
    const ssize_t n = ::read(fd.get(), buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail(ErrorCode::kUnavailable, "{}: cannot be read: {}", path.string(), reason(errno));
    if (n == 0) return out;
    out.append(buffer.data(), static_cast<std::size_t>(n));
  }
}

void sync_path(const fs::path& path) {
  const Descriptor fd(open_for_reading(path));
  if (::fsync(fd.get()) != 0) fail(ErrorCode::kUnavailable, "{}: cannot be flushed: {}", path.string(), reason(errno));
}

void make_folders(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) fail(ErrorCode::kUnavailable, "{}: folder cannot be made: {}", folder.string(), error.message());
}

void write_file_atomic(const fs::path& path, std::string_view bytes) {
  static std::atomic<unsigned> counter{0};  // two threads of one process never share a temporary name
  const fs::path folder = path.has_parent_path() ? path.parent_path() : fs::path(".");
  make_folders(folder);
  const fs::path temporary = folder / fmt::format(".{}.{}.{}.tmp", path.filename().string(), ::getpid(), counter++);
  try {
    Descriptor fd(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
    if (fd.get() < 0) fail(ErrorCode::kUnavailable, "{}: cannot be written: {}", path.string(), reason(errno));
    write_all(fd.get(), bytes, path);
    if (::fsync(fd.get()) != 0) fail(ErrorCode::kUnavailable, "{}: cannot be flushed: {}", path.string(), reason(errno));
    if (::close(fd.release()) != 0) fail(ErrorCode::kUnavailable, "{}: cannot be closed: {}", path.string(), reason(errno));
    if (::rename(temporary.c_str(), path.c_str()) != 0) {
      fail(ErrorCode::kUnavailable, "{}: cannot be replaced: {}", path.string(), reason(errno));
    }
  } catch (...) {
    ::unlink(temporary.c_str());
    throw;
  }
  sync_path(folder);
}

MappedFile::MappedFile(const fs::path& path) : path_(path) {
  const Descriptor fd(open_for_reading(path));
  struct stat status {};
  if (::fstat(fd.get(), &status) != 0) fail(ErrorCode::kUnavailable, "{}: cannot be read: {}", path.string(), reason(errno));
  size_ = static_cast<std::size_t>(status.st_size);
  if (size_ == 0) return;
  data_ = ::mmap(nullptr, size_, PROT_READ, MAP_SHARED, fd.get(), 0);
  if (data_ == MAP_FAILED) {
    data_ = nullptr;
    fail(ErrorCode::kUnavailable, "{}: cannot be mapped: {}", path.string(), reason(errno));
  }
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) ::munmap(data_, size_);
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : path_(std::move(other.path_)), data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

void MappedFile::prefetch() const {
  if (data_ != nullptr) ::madvise(data_, size_, MADV_WILLNEED);
}

struct LineReader::Stream {
  fs::path path;
  bool packed = false;
  Descriptor file{-1};
  gzFile gzip = nullptr;  // zlib also passes plain text through, so one path serves both
  std::array<char, 1 << 16> buffer{};
  std::size_t begin = 0;
  std::size_t end = 0;

  explicit Stream(const fs::path& p)
      : path(p), packed(p.extension() == ".gz"), file(open_for_reading(p)), gzip(::gzdopen(file.release(), "rb")) {
    if (gzip == nullptr) fail(ErrorCode::kUnavailable, "{}: cannot be opened", path.string());
    ::gzbuffer(gzip, 1 << 17);
  }
  ~Stream() { ::gzclose(gzip); }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  bool fill() {
    const int n = ::gzread(gzip, buffer.data(), static_cast<unsigned>(buffer.size()));
    int code = Z_OK;
    const char* text = ::gzerror(gzip, &code);
    // A cut stream gives its last bytes, or 0 with Z_BUF_ERROR at the end.
    if (n < 0 || (n == 0 && code == Z_BUF_ERROR)) {
      fail(ErrorCode::kCorrupt, "{}: damaged or cut gzip stream ({}); fetch the file again", path.string(), text);
    }
    if (n == 0 && packed && ::gzdirect(gzip) != 0 && fs::file_size(path) > 0) {
      fail(ErrorCode::kCorrupt, "{}: is named .gz but is no gzip stream", path.string());
    }
    begin = 0;
    end = static_cast<std::size_t>(n);
    return n > 0;
  }
};

LineReader::LineReader(const fs::path& path) : stream_(std::make_unique<Stream>(path)) {}
LineReader::~LineReader() = default;

bool LineReader::next(std::string& line) {
  line.clear();
  Stream& s = *stream_;
  bool any = false;
  for (;;) {
    if (s.begin == s.end && !s.fill()) break;
    any = true;
    const char* from = s.buffer.data() + s.begin;
    const void* hit = std::memchr(from, '\n', s.end - s.begin);
    if (hit == nullptr) {
      line.append(from, s.end - s.begin);
      s.begin = s.end;
      continue;
    }
    const auto n = static_cast<std::size_t>(static_cast<const char*>(hit) - from);
    line.append(from, n);
    s.begin += n + 1;
    break;
  }
  if (!any) return false;
  if (!line.empty() && line.back() == '\r') line.pop_back();
  ++line_number_;
  return true;
}

void LineReader::read_rest(std::string& out) {
  Stream& s = *stream_;
  do {
    out.append(s.buffer.data() + s.begin, s.end - s.begin);
  } while (s.fill());
}

std::string read_text_file(const fs::path& path) {
  if (path.extension() != ".gz") return read_file(path);
  std::string out;
  LineReader(path).read_rest(out);
  return out;
}

TemporaryFolder::TemporaryFolder(std::string_view prefix) {
  std::string pattern = (fs::temp_directory_path() / fmt::format("{}-XXXXXX", prefix)).string();
  if (::mkdtemp(pattern.data()) == nullptr) {
    fail(ErrorCode::kUnavailable, "{}: temporary folder cannot be made: {}", pattern, reason(errno));
  }
  path_ = pattern;
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;  // a destructor cannot report; the system cleans its temporary folder anyway
  fs::remove_all(path_, ignored);
}

}  // namespace lodestone
