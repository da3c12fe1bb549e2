#pragma once
// The files of contracts/, built into the binary; the source is written by cmake/embed.cmake. Internal to this folder.

#include <span>

#include "base/embedded.hpp"

namespace lodestone::lake {

std::span<const EmbeddedFile> embedded_contracts();

}  // namespace lodestone::lake
