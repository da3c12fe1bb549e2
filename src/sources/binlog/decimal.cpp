#include "sources/binlog/decimal.hpp"

#include <algorithm>
#include <array>

namespace lodestone::sources {
namespace {

constexpr unsigned kMostDigits = 65;
constexpr std::array<unsigned, 10> kBytesOfDigits = {0, 1, 1, 2, 2, 3, 3, 4, 4, 4};
constexpr std::array<std::uint32_t, 10> kPowers = {1,       10,        100,        1000,        10'000,
                                                   100'000, 1'000'000, 10'000'000, 100'000'000, 1'000'000'000};

/// The digits of one group, which lie in kBytesOfDigits[n_digits] bytes, big endian.
void append_group(const std::uint8_t*& at, unsigned n_digits, std::uint8_t flip, const EventHeader& header, std::string& out) {
  std::uint32_t value = 0;
  for (unsigned i = 0; i < kBytesOfDigits[n_digits]; ++i) value = value << 8U | static_cast<std::uint8_t>(*at++ ^ flip);
  if (value >= kPowers[n_digits]) fail_damaged(header, "a decimal with digits that are none");
  const std::size_t start = out.size();
  out.append(n_digits, '0');
  for (unsigned i = n_digits; i > 0 && value != 0; --i, value /= 10) out[start + i - 1] = static_cast<char>('0' + value % 10);
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
  if (is_negative) out += '-';
  const std::size_t start = out.size();
  if (whole % 9 != 0) append_group(at, whole % 9, flip, reader.header(), out);
  for (unsigned i = 0; i < whole / 9; ++i) append_group(at, 9, flip, reader.header(), out);
  if (fill == DecimalFill::kNone) {
    const std::size_t first = std::min(out.find_first_not_of('0', start), out.size());
    out.erase(start, first - start);
  }
  if (out.size() == start) out += '0';
  if (scale == 0) return;
  out += '.';
  for (unsigned i = 0; i < scale / 9; ++i) append_group(at, 9, flip, reader.header(), out);
  if (scale % 9 != 0) append_group(at, scale % 9, flip, reader.header(), out);
}

}  // namespace lodestone::sources
