#pragma once
// Every configuration key of the program, in one table: parser, default file and docs/config.md are made from it.

#include <span>
#include <vector>

#include "base/config.hpp"

namespace lodestone::app {

std::span<const ConfigKey> config_keys();
/// Those of channels outside of the process, Redis and what is kept of both; a part of the table.
std::vector<ConfigKey> cache_keys();

}  // namespace lodestone::app
