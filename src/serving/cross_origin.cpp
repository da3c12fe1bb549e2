#include "serving/cross_origin.hpp"

#include <algorithm>

#include "base/error.hpp"

namespace lodestone::serving {
namespace {

constexpr std::string_view kExposed = "Access-Control-Expose-Headers: ETag, Retry-After, X-Request-ID, X-Response-Time\r\n";
constexpr std::string_view kAny =
    "Access-Control-Allow-Origin: *\r\nAccess-Control-Expose-Headers: ETag, Retry-After, X-Request-ID, X-Response-Time\r\n";
/// What an answer says depends on who asks, also where it says nothing.
constexpr std::string_view kVary = "Vary: Origin\r\n";
/// Ten minutes: longer than a visit needs, short enough for a change of the list.
constexpr std::string_view kGranted =
    "Access-Control-Allow-Headers: Content-Type, If-None-Match, X-API-Key, X-Client-App, X-Request-ID, traceparent\r\n"
    "Access-Control-Max-Age: 600\r\n";
constexpr std::string_view kGet = "Access-Control-Allow-Methods: GET, HEAD\r\n";
constexpr std::string_view kPost = "Access-Control-Allow-Methods: POST\r\n";

/// Scheme and host in lower case, perhaps a port, nothing behind: as a browser writes it, or it would never be equal.
bool is_origin(std::string_view text) {
  const std::size_t scheme = text.find("://");
  if (scheme == std::string_view::npos || (text.substr(0, scheme) != "https" && text.substr(0, scheme) != "http")) return false;
  const std::string_view host = text.substr(scheme + 3);
  const auto is_good = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == ':' || c == '[' || c == ']';
  };
  return !host.empty() && host.size() <= 255 && host.back() != ':' && std::ranges::all_of(host, is_good);
}

}  // namespace

CrossOrigin::CrossOrigin(const std::vector<std::string>& origins) {
  for (const std::string& origin : origins) {
    if (origin == "*") {
      is_any_ = true;
      if (origins.size() > 1)
        fail(ErrorCode::kInvalidArgument, "serving.cors_origins: \"*\" is every site and stands alone; take the others out");
      continue;
    }
    if (!is_origin(origin)) {
      fail(ErrorCode::kInvalidArgument,
           "serving.cors_origins: \"{}\" is no origin, expected scheme, host and perhaps a port in lower case without a path, "
           "https://shop.example:8443",
           origin);
    }
    lines_[origin] = "Access-Control-Allow-Origin: " + origin + "\r\n" + std::string(kExposed) + std::string(kVary);
  }
}

std::string_view CrossOrigin::headers(std::string_view origin) const {
  if (is_any_) return kAny;
  if (lines_.empty()) return "";
  const auto found = lines_.find(origin);
  return found == lines_.end() ? kVary : std::string_view(found->second);
}

void CrossOrigin::answer_preflight(const http::Request& request, http::Response& response, std::string_view allow) const {
  response.status = 204;
  if (!allows(request.origin)) return;  // the browser takes silence for a no
  static const std::string for_get = std::string(kGet) + std::string(kGranted);
  static const std::string for_post = std::string(kPost) + std::string(kGranted);
  response.more_headers = allow.starts_with("GET") ? for_get : for_post;
}

}  // namespace lodestone::serving
