#pragma once
// Keys of the public port's surroundings: TLS, the access log, traces. A part of config_keys().

#include <vector>

#include "base/config.hpp"

namespace lodestone::app {

std::vector<ConfigKey> port_keys();

}  // namespace lodestone::app
