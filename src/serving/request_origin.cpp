#include "serving/request_origin.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>

#include "http/problem.hpp"

namespace lodestone::serving {
namespace {

constexpr std::size_t kMaxLocaleBytes = 35;  // RFC 5646, 4.4.1: what every implementation should take
constexpr std::size_t kMaxAppBytes = 64;

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }
bool is_alphanumeric(char c) { return (lower(c) >= 'a' && lower(c) <= 'z') || (c >= '0' && c <= '9'); }

/// `word` is in lower case.
bool has_word(std::string_view text, std::string_view word) {
  return std::search(text.begin(), text.end(), word.begin(), word.end(), [](char a, char b) { return lower(a) == b; }) !=
         text.end();
}

bool consists_of(std::string_view text, std::string_view more) {
  return std::all_of(text.begin(), text.end(),
                     [more](char c) { return is_alphanumeric(c) || more.find(c) != std::string_view::npos; });
}

}  // namespace

std::string_view device_type_of(std::string_view user_agent) {
  for (const std::string_view word : {"bot", "spider", "crawl", "slurp"}) {
    if (has_word(user_agent, word)) return "bot";
  }
  const bool mobile = has_word(user_agent, "mobile") || has_word(user_agent, "iphone");
  if (has_word(user_agent, "ipad") || has_word(user_agent, "tablet")) return "tablet";
  if (has_word(user_agent, "android") && !mobile) return "tablet";  // Android's own rule: phones say Mobile
  if (mobile) return "mobile";
  return user_agent.starts_with("Mozilla/") ? "desktop" : "";
}

std::string_view locale_of(std::string_view accept_language) {
  std::string_view tag = accept_language.substr(0, accept_language.find_first_of(",;"));
  while (tag.starts_with(' ')) tag.remove_prefix(1);
  while (tag.ends_with(' ')) tag.remove_suffix(1);
  if (tag.size() < 2 || tag.size() > kMaxLocaleBytes || !consists_of(tag, "-")) return "";
  return tag;
}

std::string_view client_app_of(std::string_view header) {
  return header.size() <= kMaxAppBytes && consists_of(header, "_-./ ") ? header : "";
}

RequestOrigin read_origin(const http::Request& request, std::optional<std::string_view> source) {
  RequestOrigin origin;
  if (source) {
    if (source->empty() || source->size() > kMaxSourceBytes || !consists_of(*source, "_-.")) {
      throw http::ParameterError(
          "source", fmt::format("source is \"{}\", expected 1 to {} letters, digits, _, - and .", *source, kMaxSourceBytes));
    }
    origin.source = *source;
  }
  origin.user_agent = request.user_agent.substr(0, kMaxAgentBytes);
  origin.accept_language = request.accept_language.substr(0, kMaxAgentBytes);
  origin.client_app = request.client_app.substr(0, kMaxAppBytes + 1);  // one that is too long is none
  return origin;
}

}  // namespace lodestone::serving
