#pragma once
// Robots that say who they are.

#include <string_view>

namespace lodestone::serving {

/// Whether a User-Agent names a robot or a browser without a person: it holds, in whatever case, one of bot, crawl, spider, slurp, preview,
/// headless, scrapy, lighthouse (and is not of a Cubot telephone). Libraries such as curl are none: by them servers forward events.
bool is_robot(std::string_view user_agent);

}  // namespace lodestone::serving
