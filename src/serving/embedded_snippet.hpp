#pragma once
// The tracking snippet, built into the binary; the source is written by cmake/embed.cmake. Internal to this folder.

#include <span>

#include "base/embedded.hpp"

namespace lodestone::serving {

/// One file: lodestone-snippet.js.
std::span<const EmbeddedFile> embedded_snippet();

}  // namespace lodestone::serving
