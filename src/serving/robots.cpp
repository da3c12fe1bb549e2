#include "serving/robots.hpp"

#include <algorithm>
#include <array>
#include <string>

namespace lodestone::serving {

bool is_robot(std::string_view user_agent) {
  constexpr std::array<std::string_view, 8> kWords = {"bot",     "crawl",    "spider", "slurp",
                                                      "preview", "headless", "scrapy", "lighthouse"};
  std::string lower(user_agent);
  std::ranges::transform(lower, lower.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  if (lower.find("cubot") != std::string::npos) return false;
  return std::ranges::any_of(kWords, [&](std::string_view word) { return lower.find(word) != std::string::npos; });
}

}  // namespace lodestone::serving
