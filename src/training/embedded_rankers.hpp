#pragma once
// config/rankers.yaml, built into the binary; the source is written by cmake/embed.cmake. Internal to this folder.

#include <span>

#include "base/embedded.hpp"

namespace lodestone::training {

std::span<const EmbeddedFile> embedded_rankers();

}  // namespace lodestone::training
