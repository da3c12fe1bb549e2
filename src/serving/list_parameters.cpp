#include "serving/list_parameters.hpp"

#include <fmt/core.h>

#include "base/error.hpp"
#include "http/problem.hpp"
#include "serving/list_limits.hpp"

namespace lodestone::serving {

std::optional<engine::Filter> read_filter(const http::Parameters& parameters) {
  const auto text = parameters.find("filter");
  if (!text || text->empty()) return std::nullopt;
  try {
    return engine::Filter::parse(*text);
  } catch (const Error& error) {
    throw http::ParameterError("filter", error.message());
  }
}

std::string_view read_visitor(const http::Parameters& parameters) {
  const auto visitor = parameters.find("visitor_id");
  if (!visitor) return "";
  if (visitor->empty() || visitor->size() > kMaxVisitorBytes) {
    throw http::ParameterError("visitor_id",
                               fmt::format("visitor_id has {} bytes, expected 1 to {}", visitor->size(), kMaxVisitorBytes));
  }
  return *visitor;
}

}  // namespace lodestone::serving
