#pragma once
// A release that is tried beside the current one, for a part of the visitors or for none: the file bundles/TRIAL.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace lodestone::bundle {

/// The numbers index arrays.
enum class TrialMode : std::uint8_t {
  kRollout,  ///< answers the visitors whose bucket is below the share
  kShadow,   ///< answers nobody; its lists are compared with those of the current one, for that share of the requests
};
/// "rollout", "shadow".
std::string_view trial_mode_name(TrialMode mode);

struct Trial {
  std::string id;  ///< of the bundle
  TrialMode mode = TrialMode::kRollout;
  double share = 0;    ///< above 0, at most 1
  std::string run_id;  ///< what whoever started it calls it, "" = nothing
  /// Of a rollout: what ends it, in place of what the server has; what they mean is serving's.
  std::optional<double> max_drop = std::nullopt;
  std::optional<double> max_rise = std::nullopt;
  friend bool operator==(const Trial&, const Trial&) = default;
};

/// The file's text: one JSON object {"id", "mode", "share", "run_id", "max_drop"?, "max_rise"?} and a line feed.
std::string format_trial(const Trial& trial);
/// Throws corrupt naming `name` and what cannot be used.
Trial parse_trial(std::string_view text, std::string_view name);

}  // namespace lodestone::bundle
