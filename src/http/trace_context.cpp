#include "http/trace_context.hpp"

#include <algorithm>
#include <span>

namespace lodestone::http {
namespace {

constexpr std::size_t kSize = 55;  ///< of version 00
constexpr std::uint8_t kSampledFlag = 1;

int digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

bool read_hex(std::string_view text, std::span<std::uint8_t> out) {
  for (std::size_t i = 0; i < out.size(); ++i) {
    const int high = digit(text[2 * i]);
    const int low = digit(text[2 * i + 1]);
    if (high < 0 || low < 0) return false;
    out[i] = static_cast<std::uint8_t>(high * 16 + low);
  }
  return true;
}

bool is_zero(std::span<const std::uint8_t> id) {
  return std::ranges::all_of(id, [](std::uint8_t byte) { return byte == 0; });
}

void fill(Rng& rng, std::span<std::uint8_t> out) {
  do {
    for (std::size_t i = 0; i < out.size(); i += 8) {
      const std::uint64_t word = rng.next();
      for (std::size_t b = 0; b < 8; ++b) out[i + b] = static_cast<std::uint8_t>(word >> (8 * b));
    }
  } while (is_zero(out));
}

}  // namespace

std::optional<TraceContext> parse_traceparent(std::string_view text) {
  if (text.size() < kSize || text[2] != '-' || text[35] != '-' || text[52] != '-') return std::nullopt;
  std::array<std::uint8_t, 1> version{};
  std::array<std::uint8_t, 1> flags{};
  TraceContext out;
  if (!read_hex(text, version) || !read_hex(text.substr(3), out.trace_id) || !read_hex(text.substr(36), out.parent) ||
      !read_hex(text.substr(53), flags)) {
    return std::nullopt;
  }
  if (version[0] == 0xff || is_zero(out.trace_id) || is_zero(out.parent)) return std::nullopt;
  if (text.size() > kSize && (version[0] == 0 || text[kSize] != '-')) return std::nullopt;
  out.sampled = (flags[0] & kSampledFlag) != 0;
  return out;
}

TraceId make_trace_id(Rng& rng) {
  TraceId out{};
  fill(rng, out);
  return out;
}

SpanId make_span_id(Rng& rng) {
  SpanId out{};
  fill(rng, out);
  return out;
}

}  // namespace lodestone::http
