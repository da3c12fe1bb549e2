#pragma once
// Groups of config keys that have a source file of their own. config_keys() joins them.

#include <vector>

#include "config_keys.hpp"

namespace lodestone::app {

/// Of section serving: who may ask, what is written down of changes, and what ends a rollout.
std::vector<ConfigKey> access_keys();

}  // namespace lodestone::app
