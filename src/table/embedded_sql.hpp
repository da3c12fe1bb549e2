#pragma once
// The files of sql/, built into the binary; the source is written by cmake/embed.cmake. Internal to this folder.

#include <span>
#include <string_view>

#include "base/embedded.hpp"

namespace lodestone::table {

std::span<const EmbeddedFile> embedded_sql();

}  // namespace lodestone::table
