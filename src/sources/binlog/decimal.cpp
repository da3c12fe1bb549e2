#include "sources/binlog/decimal.hpp"

#include <algorithm>
#include <array>

namespace lodestone::sources {
namespace {

constexpr unsigned kMostDigits = 65;
constexpr std::array<unsigned, 10> kBytesOfDigits = {0, 1, 1, 2, 2, 3, 3, 4, 4, 4};
constexpr std::array<std::uint32_t, 10> kPowers = {1,       10,        100,        1000,        10'000,
                                                   100'000, 1'000'000, 10'000'000, 100'000'000, 1'000'000'000};

/// Writes the digits of one group, which lie in kBytesOfDigits[n_digits] bytes, big endian; returns the end of the text.
char* write_group(const std::uint8_t*& at, unsigned n_digits, std::uint8_t flip, const EventHeader& header, char* text) {
  std::uint32_t value = 0;
  for (unsigned i = 0; i < kBytesOfDigits[n_digits]; ++i) value = value << 8U | static_cast<std::uint8_t>(*at++ ^ flip);
  if (value >= kPowers[n_digits]) fail_damaged(header, "a decimal with digits that are none");
  for (unsigned i = n_digits; i > 0; --i, value /= 10) text[i - 1] = static_cast<char>('0' + value % 10);
  return text + n_digits;
}

}  // namespace

void read_decimal(ByteReader& reader, unsigned precision, unsigned scale, DecimalFill fill, std::string& out) {
  if (precision == 0 || precision > kMostDigits || scale > precision)
    fail_damaged(reader.header(), "a decimal of an impossible size");
  const unsigned whole = precision - scale;
  const unsigned size = whole / 9 * 4 + kBytesOfDigits[whole % 9] + scale / 9 * 4 + kBytesOfDigits[scale % 9];
  std::array<std::uint8_t, 32> bytes{};
  std::copy_n(reader.take(size), size, bytes.begin());
  const bool is_negative = (bytes[0] & 0x80U) == 0;
  const std::uint8_t flip = is_negative ? 0xff : 0;
  bytes[0] ^= 0x80U;
  const std::uint8_t* at = bytes.data();
  std::array<char, kMostDigits + 3> text{};  // a sign, a zero and a point more
  char* end = text.data() + 2;
  if (whole % 9 != 0) end = write_group(at, whole % 9, flip, reader.header(), end);
  for (unsigned i = 0; i < whole / 9; ++i) end = write_group(at, 9, flip, reader.header(), end);
  char* start = text.data() + 2;
  if (fill == DecimalFill::kNone) start = std::find_if(start, end, [](char c) { return c != '0'; });
  if (start == end) *--start = '0';
  if (is_negative) *--start = '-';
  if (scale > 0) *end++ = '.';
  for (unsigned i = 0; i < scale / 9; ++i) end = write_group(at, 9, flip, reader.header(), end);
  if (scale % 9 != 0) end = write_group(at, scale % 9, flip, reader.header(), end);
  out.append(start, end);
}

}  // namespace lodestone::sources
