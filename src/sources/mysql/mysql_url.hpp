#pragma once
// Addresses of MySQL and MariaDB databases: mysql://USER@HOST:PORT/DATABASE or mysql://USER@/DATABASE?socket=/path.

#include <cstdint>
#include <string>
#include <string_view>

namespace lodestone::sources {

struct MysqlUrl {
  std::string user;
  std::string host;  ///< "" with a socket
  std::uint16_t port = 3306;
  std::string socket;    ///< path of a unix socket, "" for TCP
  std::string database;  ///< never empty

  friend bool operator==(const MysqlUrl&, const MysqlUrl&) = default;
};

/// Percent-encoding (%40 for @) is undone in user, database and socket; the host may be an IPv6 address in brackets. Throws
/// invalid_argument for anything else, and for a password: that comes from the environment or a file, since addresses end up in configs,
/// logs and process lists. The sentence never repeats a password.
MysqlUrl parse_mysql_url(std::string_view text);

/// The address for messages; it never holds a secret.
std::string format_mysql_url(const MysqlUrl& url);

}  // namespace lodestone::sources
