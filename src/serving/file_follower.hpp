#pragma once
// A file that is read again when it changes, without a restart.

#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "base/file.hpp"
#include "serving/audit_log.hpp"
#include "serving/file_stamp.hpp"

namespace lodestone::serving {

/// look() belongs to one thread at a time; problem() to any.
class FileFollower {
 public:
  /// `what` names its content in the log, "experiments". A path of "" is never there.
  FileFollower(std::string what, fs::path path) : what_(std::move(what)), path_(std::move(path)) {}
  /// Notes each reading there; must outlive this.
  void set_audit(AuditLog& audit) { audit_ = &audit; }

  enum class Look { kSame, kTaken, kRefused };
  /// Gives the text to `take` if the file is another one than at the last look, "" when it is gone. What `take` throws is logged and
  /// remembered.
  Look look(const std::function<void(std::string_view text, const std::string& name)>& take);

  /// Why the file as it is was not taken; none when all is well.
  [[nodiscard]] std::optional<std::string> problem() const;

 private:
  void note(std::string_view text, const std::optional<std::string>& problem) const;

  std::string what_;
  fs::path path_;
  AuditLog* audit_ = nullptr;
  FileStamp seen_;
  mutable std::mutex mutex_;  ///< guards problem_
  std::optional<std::string> problem_;
};

}  // namespace lodestone::serving
