#pragma once
// The member `guardrails` of an experiment:
//
//   guardrails:
//     click_rate: {max_drop: 0.1}
//     slow_rate: {max_rise: 0.1, seconds: 0.05}
//     alpha: 0.01
//     min_exposures: 200

#include "base/yaml.hpp"
#include "serving/guardrail.hpp"

namespace lodestone::serving {

/// Adds an error for each thing that cannot be used. No guardrails where the node is not there.
GuardrailTerms read_guardrails(const Yaml& node);

}  // namespace lodestone::serving
