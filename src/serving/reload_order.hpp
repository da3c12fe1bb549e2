#pragma once
// The body of POST /models/reload.

#include <optional>
#include <string>
#include <string_view>

namespace lodestone::serving {

struct ReloadOrder {
  std::optional<std::string> source;  ///< a well-formed bundle id; none = what CURRENT names
  bool is_shadow = false;
  double rollout = 1;  ///< 0..1: share of the visitors, of a shadow that of the requests; 0 ends what runs
  std::string run_id;
  std::optional<double> max_drop;  ///< of RolloutLimits; none = as the server has it
  std::optional<double> max_rise;

  /// False: `source` is to become what everybody gets.
  [[nodiscard]] bool is_trial() const { return is_shadow || rollout < 1; }
};

/// {"source"?, "mode"?, "rollout"?, "run_id"?, "max_drop"?, "max_rise"?}; an empty text asks for what CURRENT names. A trial needs a source. Throws http::ParameterError naming a key that
/// is unknown or whose value cannot be used, and corrupt when the text is no JSON.
ReloadOrder parse_reload_order(std::string_view body);

}  // namespace lodestone::serving
