#pragma once
// Text inside HTML pages that the program writes.

#include <string>
#include <string_view>

namespace lodestone {

/// The text with &, <, >, " and ' as character references: safe between tags and inside quoted attributes.
std::string escape_html(std::string_view text);

}  // namespace lodestone
