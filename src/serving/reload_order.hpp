#pragma once
// The body of POST /models/reload.

#include <optional>
#include <string>
#include <string_view>

namespace lodestone::serving {

struct ReloadOrder {
  std::optional<std::string> source;  ///< a well-formed bundle id; none = what CURRENT names
};

/// {"source"?, "mode"?, "rollout"?, "run_id"?}; an empty text asks for what CURRENT names. Throws http::ParameterError naming a key that
/// is unknown or whose value cannot be used, and corrupt when the text is no JSON.
ReloadOrder parse_reload_order(std::string_view body);

}  // namespace lodestone::serving
