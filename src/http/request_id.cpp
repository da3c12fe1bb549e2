#include "http/request_id.hpp"

#include <algorithm>
#include <array>
#include <random>

namespace lodestone::http {

std::uint64_t system_seed() {
  std::random_device device;
  return (static_cast<std::uint64_t>(device()) << 32U) | device();
}

bool is_request_id(std::string_view text) {
  if (!text.starts_with("req_")) return false;
  text.remove_prefix(4);
  return text.size() >= 8 && text.size() <= 64 && std::ranges::all_of(text, [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
         });
}

RequestIds::RequestIds() : rng_(system_seed(), system_seed()) {}

void RequestIds::make(std::string& out) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  const std::array<std::uint64_t, 2> bits = {(rng_.next() & ~0xf000ULL) | 0x4000ULL,           // version 4
                                             (rng_.next() & ~(3ULL << 62U)) | (2ULL << 62U)};  // variant 10
  out.assign("req_xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx");
  std::size_t at = 4;
  for (std::size_t digit = 0; digit < 32; ++digit) {
    if (out[at] == '-') ++at;
    const std::uint64_t word = bits[digit / 16];
    out[at++] = kDigits[(word >> (60U - 4U * (digit % 16))) & 15U];
  }
}

}  // namespace lodestone::http
