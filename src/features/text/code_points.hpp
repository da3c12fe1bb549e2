#pragma once
// Reading UTF-8 one code point at a time, and the folding under which words are looked up: full width to half, A-Z to a-z. Cheap enough for
// each character of a title; the tokenizer's full normalisation (NFKC) is tokenizer.hpp's.

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace lodestone::features {

inline constexpr std::uint32_t kBadCodePoint = 0xFFFFFFFF;

/// The code point at `at` (< text.size()), which moves past it; kBadCodePoint and one byte on where the bytes are no UTF-8 (cut, overlong,
/// surrogate, beyond U+10FFFF).
inline std::uint32_t next_code_point(std::string_view text, std::size_t& at) {
  const auto byte = [&](std::size_t i) { return static_cast<std::uint32_t>(static_cast<unsigned char>(text[i])); };
  const std::uint32_t first = byte(at++);
  if (first < 0x80) return first;
  const std::size_t more = first < 0xE0 ? 1 : (first < 0xF0 ? 2 : 3);
  if (first < 0xC2 || first > 0xF4 || at + more > text.size()) return kBadCodePoint;
  std::uint32_t c = first & (0x3FU >> more);
  for (std::size_t i = at; i < at + more; ++i) {
    if ((byte(i) & 0xC0U) != 0x80U) return kBadCodePoint;
    c = (c << 6U) | (byte(i) & 0x3FU);
  }
  const bool overlong = (more == 2 && c < 0x800) || (more == 3 && c < 0x10000);
  if (overlong || (c >= 0xD800 && c < 0xE000) || c > 0x10FFFF) return kBadCodePoint;
  at += more;
  return c;
}

/// The form under which dictionary words are looked up.
inline constexpr std::uint32_t fold_width_and_case(std::uint32_t c) {
  if (c >= 0xFF01 && c <= 0xFF5E) c -= 0xFEE0;
  return c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c;
}

/// Chinese characters, with the repetition mark and the round zero; kana and Hangul are none.
inline constexpr bool is_han(std::uint32_t c) {
  return (c >= 0x4E00 && c <= 0x9FFF) || (c >= 0x3400 && c <= 0x4DBF) || (c >= 0xF900 && c <= 0xFAFF) ||
         (c >= 0x20000 && c <= 0x3FFFF) || c == 0x3005 || c == 0x3007;
}

}  // namespace lodestone::features
