#pragma once
// Where a request says that it comes from, for the exposure log (docs/http-api.md has the rules). Only what the request says: no address, no
// cookie, nothing looked up.

#include <optional>
#include <string_view>

#include "http/message.hpp"

namespace lodestone::serving {

/// "" = the request does not say. Views into the request, as sent; what they mean is read where the log is written, off the request path.
struct RequestOrigin {
  std::string_view source;           ///< parameter `source`: the place on the site that shows the list
  std::string_view user_agent;       ///< its first kMaxAgentBytes: device_type_of()
  std::string_view accept_language;  ///< its first kMaxAgentBytes: locale_of()
  std::string_view client_app;       ///< header X-Client-App: client_app_of()
};

inline constexpr std::size_t kMaxSourceBytes = 32;
inline constexpr std::size_t kMaxAgentBytes = 256;

/// `source` as it was given. Throws ParameterError unless it is 1 to 32 letters, digits, '_', '-' and '.'.
RequestOrigin read_origin(const http::Request& request, std::optional<std::string_view> source);

/// "bot" for what names itself so, else "tablet", "mobile" or "desktop" for browsers, else "".
std::string_view device_type_of(std::string_view user_agent);
/// "zh-CN" of "zh-CN,zh;q=0.9"; "" for none, for "*" and for what is no language tag.
std::string_view locale_of(std::string_view accept_language);
/// The text itself where it is 1 to 64 letters, digits, blanks, '_', '-', '.' and '/', else "".
std::string_view client_app_of(std::string_view header);

}  // namespace lodestone::serving
