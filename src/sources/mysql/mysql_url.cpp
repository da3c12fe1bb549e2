#include "sources/mysql/mysql_url.hpp"

#include <algorithm>
#include <charconv>
#include <optional>

#include "base/address.hpp"
#include "base/error.hpp"

namespace lodestone::sources {
namespace {

constexpr std::string_view kScheme = "mysql://";
constexpr std::string_view kForms = "write mysql://USER@HOST:PORT/DATABASE or mysql://USER@/DATABASE?socket=/PATH";

std::optional<unsigned> hex_digit(char c) {
  if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<unsigned>(c - 'a' + 10);
  if (c >= 'A' && c <= 'F') return static_cast<unsigned>(c - 'A' + 10);
  return std::nullopt;
}

std::string decoded(std::string_view text, std::string_view what) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out.push_back(text[i]);
      continue;
    }
    const bool has_two = i + 2 < text.size();
    const auto high = has_two ? hex_digit(text[i + 1]) : std::nullopt;
    const auto low = has_two ? hex_digit(text[i + 2]) : std::nullopt;
    if (!high || !low) {
      fail(ErrorCode::kInvalidArgument,
           "the {} \"{}\" of a database address has a % without two hexadecimal digits; write %25 for a percent sign", what,
           text);
    }
    out.push_back(static_cast<char>(*high * 16 + *low));
    i += 2;
  }
  return out;
}

/// "host", "host:port", "[::1]:port" or "".
void parse_host(std::string_view text, std::string_view address, MysqlUrl& url) {
  std::string_view port;
  if (text.starts_with('[')) {
    const std::size_t close = text.find(']');
    if (close == std::string_view::npos) fail(ErrorCode::kInvalidArgument, "\"{}\" has a [ without ]; {}", address, kForms);
    url.host = text.substr(1, close - 1);
    port = text.substr(close + 1);
  } else {
    const std::size_t colon = std::min(text.find(':'), text.size());
    url.host = text.substr(0, colon);
    port = text.substr(colon);
  }
  if (port.empty()) return;
  const char* end = port.data() + port.size();
  const auto [stop, error] = std::from_chars(port.data() + 1, end, url.port);
  if (port[0] != ':' || error != std::errc{} || stop != end || url.port == 0) {
    fail(ErrorCode::kInvalidArgument, "\"{}\" has the port \"{}\"; it must be a number from 1 to 65535", address, port.substr(1));
  }
}

void parse_query(std::string_view query, std::string_view address, MysqlUrl& url) {
  constexpr std::string_view kSocket = "socket=";
  if (query.empty()) return;
  if (!query.starts_with(kSocket) || query.size() == kSocket.size()) {
    fail(ErrorCode::kInvalidArgument, "\"{}\" ends in \"?{}\"; only ?socket=/PATH may stand there", address, query);
  }
  url.socket = decoded(query.substr(kSocket.size()), "socket");
}

}  // namespace

MysqlUrl parse_mysql_url(std::string_view text) {
  const std::string shown = shown_address(text);
  if (!text.starts_with(kScheme)) fail(ErrorCode::kInvalidArgument, "\"{}\" is no database address; {}", shown, kForms);
  const std::string_view rest = text.substr(kScheme.size());
  const std::size_t slash = std::min(rest.find('/'), rest.size());
  const std::string_view authority = rest.substr(0, slash);
  const std::size_t at = authority.rfind('@');
  const std::string_view user = authority.substr(0, at == std::string_view::npos ? 0 : at);
  // First of all: what follows a colon before the @ is a password, and no other sentence may show it.
  if (const std::size_t colon = user.find(':'); colon != std::string_view::npos) {
    fail(ErrorCode::kInvalidArgument,
         "the address of user \"{}\" holds a password; take it out, and give it by an environment variable or a password file",
         user.substr(0, colon));
  }
  if (user.empty()) fail(ErrorCode::kInvalidArgument, "\"{}\" names no user; {}", shown, kForms);
  MysqlUrl url;
  url.user = decoded(user, "user");
  parse_host(authority.substr(at + 1), shown, url);
  const std::string_view path = slash < rest.size() ? rest.substr(slash + 1) : std::string_view{};
  const std::size_t question = std::min(path.find('?'), path.size());
  url.database = decoded(path.substr(0, question), "database");
  parse_query(question < path.size() ? path.substr(question + 1) : std::string_view{}, shown, url);
  if (url.database.empty()) fail(ErrorCode::kInvalidArgument, "\"{}\" names no database; {}", shown, kForms);
  if (url.host.empty() == url.socket.empty()) {
    fail(ErrorCode::kInvalidArgument, "\"{}\" must name either a host or a socket; {}", shown, kForms);
  }
  return url;
}

std::string format_mysql_url(const MysqlUrl& url) {
  if (!url.socket.empty()) return fmt::format("mysql://{}@/{}?socket={}", url.user, url.database, url.socket);
  const bool is_ipv6 = url.host.find(':') != std::string::npos;
  return fmt::format("mysql://{}@{}{}{}:{}/{}", url.user, is_ipv6 ? "[" : "", url.host, is_ipv6 ? "]" : "", url.port,
                     url.database);
}

}  // namespace lodestone::sources
