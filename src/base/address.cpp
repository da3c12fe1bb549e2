#include "base/address.hpp"

#include <algorithm>

namespace lodestone {

std::string shown_address(std::string_view address) {
  constexpr std::string_view kHidden = "***";
  constexpr std::string_view kScheme = "://";
  const bool is_http = address.starts_with("http://") || address.starts_with("https://");
  const std::size_t scheme = address.find(kScheme);
  const std::size_t begin = scheme == std::string_view::npos ? 0 : scheme + kScheme.size();
  std::string out(address.substr(0, begin));
  std::string_view rest = address.substr(begin);
  if (const std::size_t at = rest.rfind('@'); at != std::string_view::npos) {
    const std::size_t colon = std::min(rest.find(':'), at);
    // A name without a password may be a token, but where it is the user of a database.
    const bool shows_name = begin > 0 && !is_http;
    if (shows_name) out += rest.substr(0, colon);
    if (shows_name && colon < at) out += ':';
    if (!shows_name || colon < at) out += kHidden;
    rest.remove_prefix(at);
  }
  const std::size_t query = is_http ? std::min(rest.find_first_of("?#"), rest.size()) : rest.size();
  out += rest.substr(0, query);
  if (query < rest.size()) out.append("?").append(kHidden);
  return out;
}

}  // namespace lodestone
