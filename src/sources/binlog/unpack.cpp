#include "sources/binlog/unpack.hpp"

#include <zlib.h>

#include "sources/binlog/byte_reader.hpp"

namespace lodestone::sources {
namespace {

constexpr std::uint64_t kMostRatio = 1032;  // of the deflate format (zlib's technical notes)

/// Unpacks exactly `size` bytes; `window_bits` as inflateInit2 wants them.
void inflate_into(std::string_view packed, std::uint64_t size, int window_bits, const EventHeader& header, std::string& out) {
  // A damaged length must not cost memory that the bytes cannot fill.
  if (size > packed.size() * kMostRatio + 64) fail_damaged(header, "compressed bytes that cannot hold as much as they say");
  out.resize(size);
  z_stream stream{};
  if (inflateInit2(&stream, window_bits) != Z_OK) fail_damaged(header, "compressed bytes that zlib does not take");
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
  stream.avail_in = static_cast<uInt>(packed.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(size);
  const int result = inflate(&stream, Z_FINISH);
  const bool is_whole = result == Z_STREAM_END && stream.avail_out == 0;
  inflateEnd(&stream);
  if (!is_whole) fail_damaged(header, "compressed bytes that do not unpack to what they say");
}

}  // namespace

void unpack_event(std::string_view packed, const EventHeader& header, std::string& out) {
  ByteReader reader(packed, header);
  const std::uint8_t first = reader.byte();
  // 1 bit always set, 3 bits of algorithm (0 is zlib), 1 reserved, 3 bits for the bytes of the length.
  const unsigned length_bytes = first & 0x07U;
  if ((first & 0xf0U) != 0x80U || length_bytes < 1 || length_bytes > 4) fail_damaged(header, "an unknown kind of compression");
  const std::uint64_t size = reader.big(length_bytes);
  inflate_into(reader.rest(), size, MAX_WBITS, header, out);
}

std::string_view unpack_column(std::string_view packed, const EventHeader& header, std::string& out) {
  if (packed.empty()) return packed;
  ByteReader reader(packed, header);
  const std::uint8_t first = reader.byte();
  const unsigned method = first >> 4U;
  if (method == 0) return reader.rest();
  // 4 bits of method (8 is zlib), 1 bit: without zlib's wrapping, 3 bits for the bytes of the length.
  const unsigned length_bytes = first & 0x07U;
  if (method != 8 || length_bytes < 1 || length_bytes > 4) fail_damaged(header, "a compressed column of an unknown kind");
  const std::uint64_t size = reader.big(length_bytes);
  inflate_into(reader.rest(), size, (first & 0x08U) != 0 ? -MAX_WBITS : MAX_WBITS, header, out);
  return out;
}

}  // namespace lodestone::sources
