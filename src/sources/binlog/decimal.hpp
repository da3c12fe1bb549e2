#pragma once
// DECIMAL as MariaDB and MySQL store it: base 10^9, big endian, the sign in the first bit (the servers' strings/decimal.c
// describes it).

#include <cstdint>
#include <string>

#include "sources/binlog/byte_reader.hpp"

namespace lodestone::sources {

/// Whether zeros stand in front as far as the type is wide (ZEROFILL).
enum class DecimalFill : std::uint8_t { kNone, kZeroFill };

/// Reads a DECIMAL(precision, scale) and appends its text ("-12.30") to `out`. Throws corrupt for digits that are none.
void read_decimal(ByteReader& reader, unsigned precision, unsigned scale, DecimalFill fill, std::string& out);

}  // namespace lodestone::sources
