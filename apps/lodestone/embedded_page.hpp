#pragma once
// The files of web/dist, built into the binary; the source is written by cmake/embed.cmake.

#include <span>

#include "base/embedded.hpp"

namespace lodestone::app {

std::span<const EmbeddedFile> embedded_page();

}  // namespace lodestone::app
