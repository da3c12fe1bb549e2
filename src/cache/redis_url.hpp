#pragma once
// Where a Redis is: redis://[[USER]:PASSWORD@]HOST[:PORT][/DATABASE], or rediss:// where it speaks TLS.

#include <cstdint>
#include <string>
#include <string_view>

namespace lodestone::cache {

struct RedisUrl {
  bool is_tls = false;
  std::string host;
  std::uint16_t port = 6379;
  std::string user;
  std::string password;
  int database = 0;

  /// Throws invalid_argument naming `what` (a key); the sentence never holds the text, in which a password may stand.
  static RedisUrl parse(std::string_view text, std::string_view what);
  /// "redis://host:6379/0", with its own scheme: all but user and password.
  [[nodiscard]] std::string shown() const;
  bool operator==(const RedisUrl&) const = default;
};

}  // namespace lodestone::cache
