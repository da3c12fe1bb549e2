#pragma once
// The rankers that training tries, as YAML: a map of names to settings. config/rankers.yaml tells the keys and is built into the binary.

#include <string_view>
#include <vector>

#include "training/ranker.hpp"

namespace lodestone::training {

/// In the order of the text; `name` stands for the file in messages. Throws invalid_argument with every error at once: unknown keys (with the
/// nearest good one), values of another type or out of range, no ranker at all.
[[nodiscard]] std::vector<RankerConfig> parse_ranker_configs(std::string_view yaml, std::string_view name);

/// Those of config/rankers.yaml.
[[nodiscard]] std::vector<RankerConfig> default_ranker_configs();

}  // namespace lodestone::training
