#include "serving/file_follower.hpp"

#include "base/error.hpp"
#include "base/hash.hpp"
#include "base/log.hpp"

namespace lodestone::serving {

FileFollower::Look FileFollower::look(const std::function<void(std::string_view, const std::string&)>& take) {
  if (path_.empty()) return Look::kSame;
  const FileStamp now = stamp_of(path_);
  if (now == seen_) return Look::kSame;
  seen_ = now;
  std::optional<std::string> problem;
  std::string text;
  try {
    if (now.size >= 0) text = read_file(path_);
    take(text, path_.string());
  } catch (const std::exception& error) {  // whatever it is, this thread must go on looking
    problem = error.what();
    log_error("serving", "the {} go on as they were: {}", what_, *problem);
  }
  note(text, problem);
  const std::lock_guard lock(mutex_);
  problem_ = std::move(problem);
  return problem_ ? Look::kRefused : Look::kTaken;
}

void FileFollower::note(std::string_view text, const std::optional<std::string>& problem) const {
  if (audit_ == nullptr) return;
  AuditEntry entry{.action = what_ + " file", .actor = "file", .outcome = problem ? "refused" : "done"};
  entry.arguments.set("file", json::Value(path_.string()));
  entry.arguments.set("sha256", json::Value(sha256_hex(text)));
  if (problem) entry.detail = *problem;
  audit_->write(entry);
}

std::optional<std::string> FileFollower::problem() const {
  const std::lock_guard lock(mutex_);
  return problem_;
}

}  // namespace lodestone::serving
