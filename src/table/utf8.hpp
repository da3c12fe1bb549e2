#pragma once
// UTF-8, as the engine demands it of every text.

#include <string>
#include <string_view>

namespace lodestone::table {

/// Well-formed by RFC 3629: no overlong form, no surrogate, nothing above U+10FFFF.
bool is_utf8(std::string_view text);

/// Each byte that belongs to no well-formed character becomes U+FFFD.
std::string repair_utf8(std::string_view text);

}  // namespace lodestone::table
