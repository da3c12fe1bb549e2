#pragma once
// A file that is built into the binary by lodestone_embed() of cmake/embed.cmake.

#include <string_view>

namespace lodestone {

struct EmbeddedFile {
  std::string_view name;  ///< path below the embedded folder, "mapping/items.sql"
  std::string_view text;
};

}  // namespace lodestone
