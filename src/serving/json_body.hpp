#pragma once
// A request's body as JSON, refused in one way wherever one is taken.

#include <optional>

#include "base/error.hpp"
#include "http/message.hpp"
#include "http/problem.hpp"

namespace lodestone::serving {

/// What `parse` makes of the body. None when it is refused, which is answered: 415 for another type, 400 with the sentence of an Error, as of what is no
/// JSON. A ParameterError, which names a member, goes on to the boundary of the request.
template <typename Parse>
auto read_json_body(const http::Request& request, http::Response& response, const Parse& parse)
    -> std::optional<decltype(parse(request.body))> {
  if (!request.content_type.empty() && !request.content_type.starts_with("application/json")) {
    http::answer_problem(response, 415, "the body must be application/json");
    return std::nullopt;
  }
  try {
    return parse(request.body);
  } catch (const http::ParameterError&) {
    throw;
  } catch (const Error& error) {
    http::answer_problem(response, 400, error.message());
    return std::nullopt;
  }
}

}  // namespace lodestone::serving
