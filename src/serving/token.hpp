#pragma once
// The bearer token of the admin port.

#include <string>
#include <string_view>

#include "base/file.hpp"

namespace lodestone::serving {

/// Reads the first line of the file. Throws not_found when it is missing, invalid_argument when it is shorter than 16 characters, holds
/// blanks, or may be read by everybody. No sentence holds the token.
std::string load_admin_token(const fs::path& path);

/// True when `authorization` is "Bearer TOKEN" and the token is not empty. Takes the same time wherever the first difference is.
bool is_authorized(std::string_view authorization, std::string_view token);

}  // namespace lodestone::serving
