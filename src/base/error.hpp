#pragma once
// Failures and bugs. A failure (the caller cannot have what was asked) throws Error; an expected outcome is an optional or a
// Result; a bug aborts by LODESTONE_ASSERT with its values. Errors are caught in main, at a stage boundary and at a request
// boundary only.

#include <fmt/core.h>

#include <exception>
#include <string>
#include <string_view>
#include <utility>

namespace lodestone {

/// Kinds of failure. The numbers are written to logs and run records, so they never change.
enum class ErrorCode : int {
  kInvalidArgument = 1,  ///< the user asked for something malformed
  kNotFound = 2,         ///< the named thing does not exist
  kContract = 3,         ///< data does not fit its table contract, or a gate refused it
  kCorrupt = 4,          ///< a file of ours is damaged
  kUnavailable = 5,      ///< a dependency (database, disk, port) cannot be used now
  kTimeout = 6,          ///< a deadline passed
  kInternal = 7,         ///< none of the above
};

/// Metric and log label of a code, for example "invalid_argument".
std::string_view label(ErrorCode code);

/// HTTP status of a code: 422, 404, 409, 500, 503, 504, 500 in the order above.
int http_status(ErrorCode code);

/// Process exit code: 2 for invalid_argument, else 1 (3, a refused gate, is set by the verb that owns the gate).
int exit_code(ErrorCode code);

/// A failure with a sentence for people: what, on which thing, found and expected, what to do.
class Error : public std::exception {
 public:
  Error(ErrorCode code, std::string message) : code_(code), message_(std::move(message)) {}

  [[nodiscard]] ErrorCode code() const noexcept { return code_; }
  [[nodiscard]] const std::string& message() const noexcept { return message_; }
  [[nodiscard]] const char* what() const noexcept override { return message_.c_str(); }

 private:
  ErrorCode code_;
  std::string message_;
};

/// Throws Error with a formatted sentence.
template <typename... Args>
[[noreturn]] void fail(ErrorCode code, fmt::format_string<Args...> format, Args&&... args) {
  throw Error(code, fmt::format(format, std::forward<Args>(args)...));
}

[[noreturn]] void abort_on_bug(const char* file, int line, const char* condition, const std::string& detail);

}  // namespace lodestone

/// Checks an invariant of our own in every build; on failure prints the values and aborts.
#define LODESTONE_ASSERT(condition, ...)                                                        \
  do {                                                                                          \
    if (!(condition)) [[unlikely]]                                                              \
      ::lodestone::abort_on_bug(__FILE__, __LINE__, #condition, ::fmt::format("" __VA_ARGS__)); \
  } while (false)
