#include "base/error.hpp"

#include <cstdio>
#include <cstdlib>

namespace lodestone {

// No default in the switches below: a new code must be mapped before it compiles.
std::string_view label(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalidArgument: return "invalid_argument";
    case ErrorCode::kNotFound: return "not_found";
    case ErrorCode::kContract: return "contract";
    case ErrorCode::kCorrupt: return "corrupt";
    case ErrorCode::kUnavailable: return "unavailable";
    case ErrorCode::kTimeout: return "timeout";
    case ErrorCode::kInternal: return "internal";
  }
  return "internal";
}

int http_status(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalidArgument: return 422;
    case ErrorCode::kNotFound: return 404;
    case ErrorCode::kContract: return 409;
    case ErrorCode::kCorrupt: return 500;
    case ErrorCode::kUnavailable: return 503;
    case ErrorCode::kTimeout: return 504;
    case ErrorCode::kInternal: return 500;
  }
  return 500;
}

int exit_code(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalidArgument: return 2;
    case ErrorCode::kNotFound:
    case ErrorCode::kContract:
    case ErrorCode::kCorrupt:
    case ErrorCode::kUnavailable:
    case ErrorCode::kTimeout:
    case ErrorCode::kInternal: return 1;
  }
  return 1;
}

void abort_on_bug(const char* file, int line, const char* condition, const std::string& detail) {
  std::fprintf(stderr, "lodestone: bug at %s:%d: %s is false. %s\n", file, line, condition, detail.c_str());
  std::abort();
}

}  // namespace lodestone
