#pragma once
// Every configuration key of the program, in one table: parser, default file and docs/config.md are made from it.

#include <span>

#include "base/config.hpp"

namespace lodestone::app {

std::span<const ConfigKey> config_keys();

}  // namespace lodestone::app
