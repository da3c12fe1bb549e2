#include "cache/redis_url.hpp"

#include <fmt/core.h>

#include <charconv>

#include "base/error.hpp"

namespace lodestone::cache {
namespace {

constexpr std::string_view kScheme = "redis://";
constexpr std::string_view kTlsScheme = "rediss://";
constexpr std::size_t kMaxHostBytes = 253;  // RFC 1035
constexpr int kMaxDatabase = 1'000'000;

template <typename Number>
bool to_number(std::string_view text, Number& out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return !text.empty() && error == std::errc() && end == text.data() + text.size();
}

/// A password may hold signs that an address may not, so they come percent-encoded.
std::string decode(std::string_view text, std::string_view what) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    unsigned value = 0;
    const std::string_view digits = text.substr(i + 1, 2);
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
    if (digits.size() < 2 || error != std::errc() || end != digits.data() + 2)
      fail(ErrorCode::kInvalidArgument,
           "{}: the user or password has a % without two hexadecimal digits; write %25 for a percent sign", what);
    out += static_cast<char>(value);
    i += 2;
  }
  return out;
}

}  // namespace

RedisUrl RedisUrl::parse(std::string_view text, std::string_view what) {
  RedisUrl out;
  out.is_tls = text.starts_with(kTlsScheme);
  if (!out.is_tls && !text.starts_with(kScheme))
    fail(ErrorCode::kInvalidArgument, "{}: expected redis://[[USER]:PASSWORD@]HOST[:PORT][/DATABASE], or rediss:// for TLS",
         what);
  text.remove_prefix((out.is_tls ? kTlsScheme : kScheme).size());
  if (const std::size_t at = text.rfind('@'); at != std::string_view::npos) {
    const std::string_view login = text.substr(0, at);
    const std::size_t colon = login.find(':');
    if (colon == std::string_view::npos) fail(ErrorCode::kInvalidArgument, "{}: before the @ there is no :PASSWORD", what);
    out.user = decode(login.substr(0, colon), what);
    out.password = decode(login.substr(colon + 1), what);
    text.remove_prefix(at + 1);
  }
  if (const std::size_t slash = text.find('/'); slash != std::string_view::npos) {
    const std::string_view digits = text.substr(slash + 1);
    if (!digits.empty() && (!to_number(digits, out.database) || out.database < 0 || out.database > kMaxDatabase))
      fail(ErrorCode::kInvalidArgument, "{}: the database after the host is no number from 0", what);
    text = text.substr(0, slash);
  }
  const std::size_t colon = text.rfind(':');
  const bool has_port = colon != std::string_view::npos && text.find(']', colon) == std::string_view::npos;
  if (has_port) {
    if (!to_number(text.substr(colon + 1), out.port) || out.port == 0)
      fail(ErrorCode::kInvalidArgument, "{}: the port is no number from 1 to 65535", what);
    text = text.substr(0, colon);
  }
  if (text.starts_with('[') && text.ends_with(']')) text = text.substr(1, text.size() - 2);
  if (text.empty()) fail(ErrorCode::kInvalidArgument, "{}: there is no host", what);
  if (text.size() > kMaxHostBytes || text.find('\0') != std::string_view::npos)
    fail(ErrorCode::kInvalidArgument, "{}: the host is no name of up to {} bytes", what, kMaxHostBytes);
  out.host = text;
  return out;
}

std::string RedisUrl::shown() const {
  const bool is_v6 = host.find(':') != std::string::npos;
  return fmt::format("{}{}{}{}:{}/{}", is_tls ? kTlsScheme : kScheme, is_v6 ? "[" : "", host, is_v6 ? "]" : "", port, database);
}

}  // namespace lodestone::cache
