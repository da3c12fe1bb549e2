#pragma once
// Parameters that several calls for lists take, each read in one way.

#include <optional>
#include <string_view>

#include "engine/filter.hpp"
#include "http/parameters.hpp"

namespace lodestone::serving {

/// `filter`; none when it is not given or blank. Throws ParameterError with the position of an error.
std::optional<engine::Filter> read_filter(const http::Parameters& parameters);
/// `visitor_id`, "" when it is not given. Throws ParameterError unless it is 1 to kMaxVisitorBytes bytes.
std::string_view read_visitor(const http::Parameters& parameters);

}  // namespace lodestone::serving
