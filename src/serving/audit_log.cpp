#include "serving/audit_log.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/descriptor.hpp"
#include "base/error.hpp"
#include "base/log.hpp"

namespace lodestone::serving {
namespace {

[[noreturn]] void fail_with_reason(const fs::path& file, std::string_view what) {
  fail(ErrorCode::kUnavailable, "{}: {}: {}", file.string(), what, std::strerror(errno));
}

json::Value text_or_null(const std::string& text) { return text.empty() ? json::Value() : json::Value(text); }

void shift(const fs::path& file, int n_files) {
  std::error_code ignored;  // one that is not there need not move
  for (int n = n_files - 1; n > 0; --n) {
    const fs::path from = n == 1 ? file : fs::path(fmt::format("{}.{}", file.string(), n - 1));
    fs::rename(from, fmt::format("{}.{}", file.string(), n), ignored);
  }
}

}  // namespace

AuditLog::AuditLog(Options options, metrics::Registry& registry, const Clock& clock)
    : options_(std::move(options)),
      clock_(&clock),
      slots_(&registry.register_thread()),
      written_(registry.counter("audit_entries_total", "Entries of the audit log, by whether they are on the disk.",
                                {{"result", "written"}})),
      failed_(registry.counter("audit_entries_total", "Entries of the audit log, by whether they are on the disk.",
                               {{"result", "failed"}})) {}

void AuditLog::write(const AuditEntry& entry) {
  if (options_.file.empty()) return;
  json::Value line;
  line.set("at", json::Value(format_rfc3339(clock_->now())));
  line.set("action", json::Value(entry.action));
  line.set("actor", json::Value(entry.actor));
  line.set("peer", text_or_null(entry.peer));
  line.set("arguments", entry.arguments);
  line.set("outcome", json::Value(entry.outcome));
  line.set("detail", text_or_null(entry.detail));
  const std::string text = json::format(line);
  const std::lock_guard lock(mutex_);
  try {
    append(text + "\n");
    slots_->add(written_);
  } catch (const std::exception& error) {
    slots_->add(failed_);
    log_error("audit", "an entry is not in the audit log: {}; it is: {}", error.what(), text);
  }
}

void AuditLog::append(std::string_view line) const {
  make_folders(options_.file.has_parent_path() ? options_.file.parent_path() : fs::path("."));
  for (;;) {
    const Descriptor fd(::open(options_.file.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600));
    if (fd.get() < 0) fail_with_reason(options_.file, "cannot be opened");
    if (::flock(fd.get(), LOCK_EX) != 0) fail_with_reason(options_.file, "cannot be locked");
    struct stat opened {};
    struct stat named {};
    if (::fstat(fd.get(), &opened) != 0) fail_with_reason(options_.file, "cannot be looked at");
    // Another server may have begun a new file between our opening and our lock.
    if (::stat(options_.file.c_str(), &named) != 0 || named.st_ino != opened.st_ino) continue;
    if (opened.st_size > 0 && static_cast<std::uint64_t>(opened.st_size) + line.size() > options_.file_bytes) {
      shift(options_.file, options_.n_files);
      // What is there by now may be the new file of another server.
      if (::stat(options_.file.c_str(), &named) == 0 && named.st_ino == opened.st_ino)
        fail(ErrorCode::kUnavailable, "{}: cannot be put aside", options_.file.string());
      continue;
    }
    if (::write(fd.get(), line.data(), line.size()) != static_cast<ssize_t>(line.size())) {
      const int reason = errno;
      static_cast<void>(!::ftruncate(fd.get(), opened.st_size));  // half a line would spoil the next one
      errno = reason;
      fail_with_reason(options_.file, "cannot be written");
    }
    if (::fsync(fd.get()) != 0) fail_with_reason(options_.file, "cannot be flushed");
    if (opened.st_size == 0) sync_path(options_.file.has_parent_path() ? options_.file.parent_path() : fs::path("."));
    return;
  }
}

}  // namespace lodestone::serving
