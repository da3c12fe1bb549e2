#include "serving/token.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "base/hash.hpp"

namespace lodestone::serving {

std::string load_admin_token(const fs::path& path) {
  if (!fs::exists(path)) {
    fail(
        ErrorCode::kNotFound,
        "{}: the admin token file is missing; lodestone init makes one, or write a random text of at least 16 characters into it",
        path.string());
  }
  const auto mode = fs::status(path).permissions();
  if ((mode & (fs::perms::others_read | fs::perms::others_write)) != fs::perms::none) {
    fail(ErrorCode::kInvalidArgument, "{}: everybody on this machine may read or write the admin token; run chmod 600 on it",
         path.string());
  }
  std::string token = read_file(path);
  token.resize(std::min(token.find_first_of("\r\n"), token.size()));
  constexpr std::size_t kShortest = 16;
  const bool plain = std::ranges::all_of(token, [](char c) { return c > ' ' && c < 0x7f; });
  if (token.size() < kShortest || !plain) {
    fail(ErrorCode::kInvalidArgument, "{}: the admin token must be one line of at least {} plain characters without blanks",
         path.string(), kShortest);
  }
  return token;
}

bool is_authorized(std::string_view authorization, std::string_view token) {
  constexpr std::string_view kScheme = "Bearer ";
  // The scheme's letters may be of either case (RFC 9110, 11.1).
  const auto same = [](char a, char b) { return (a | 0x20) == (b | 0x20); };
  const bool has_scheme =
      authorization.size() > kScheme.size() && std::ranges::equal(authorization.substr(0, kScheme.size()), kScheme, same);
  const std::string_view given = has_scheme ? authorization.substr(kScheme.size()) : std::string_view();
  // Digests have one length, so neither the length nor the place of a difference shows in the time.
  const Sha256Digest a = sha256(given);
  const Sha256Digest b = sha256(token);
  unsigned difference = has_scheme ? 0U : 1U;
  for (std::size_t i = 0; i < a.size(); ++i) difference |= static_cast<unsigned>(a[i] ^ b[i]);
  return difference == 0;
}

}  // namespace lodestone::serving
