#include "serving/file_follower.hpp"

#include "base/error.hpp"
#include "base/log.hpp"

namespace lodestone::serving {

FileFollower::Look FileFollower::look(const std::function<void(std::string_view, const std::string&)>& take) {
  if (path_.empty()) return Look::kSame;
  const FileStamp now = stamp_of(path_);
  if (now == seen_) return Look::kSame;
  seen_ = now;
  std::optional<std::string> problem;
  try {
    take(now.size < 0 ? "" : read_file(path_), path_.string());
  } catch (const std::exception& error) {  // whatever it is, this thread must go on looking
    problem = error.what();
    log_error("serving", "the {} go on as they were: {}", what_, *problem);
  }
  const std::lock_guard lock(mutex_);
  problem_ = std::move(problem);
  return problem_ ? Look::kRefused : Look::kTaken;
}

std::optional<std::string> FileFollower::problem() const {
  const std::lock_guard lock(mutex_);
  return problem_;
}

}  // namespace lodestone::serving
