#pragma once
// Builds events of a binary log byte by byte, for tests and seeds: what no server at hand writes, and what is damaged.

#include <cstdint>
#include <string>
#include <string_view>

namespace lodestone::test {

/// Appends numbers and texts to its bytes.
struct LogBytes {
  std::string bytes;

  LogBytes& little(std::uint64_t value, int n) {
    for (int i = 0; i < n; ++i) bytes += static_cast<char>(value >> 8 * i & 0xffU);
    return *this;
  }
  LogBytes& big(std::uint64_t value, int n) {
    for (int i = n - 1; i >= 0; --i) bytes += static_cast<char>(value >> 8 * i & 0xffU);
    return *this;
  }
  LogBytes& text(std::string_view value) {
    bytes += value;
    return *this;
  }
  /// Behind one byte of length.
  LogBytes& counted(std::string_view value) { return little(value.size(), 1).text(value); }
  /// As TABLE_MAP has names: length, text, zero.
  LogBytes& name(std::string_view value) { return counted(value).little(0, 1); }
};

/// A whole event without a checksum.
inline std::string log_event(std::uint8_t type, std::string_view body, std::uint32_t timestamp = 1'772'236'800) {
  LogBytes event;
  event.little(timestamp, 4).little(type, 1).little(1, 4).little(19 + body.size(), 4).little(4711, 4).little(0, 2).text(body);
  return event.bytes;
}

/// FORMAT_DESCRIPTION of a server of that version, for events without checksums.
inline std::string log_format(std::string_view version) {
  LogBytes body;
  std::string padded(version);
  padded.resize(50, '\0');
  body.little(4, 2).text(padded).little(0, 4).little(19, 1);
  for (int type = 1; type <= 171; ++type) {
    body.little(type == 19 || (type >= 23 && type <= 25) || (type >= 166 && type <= 168)   ? 8
                : (type >= 30 && type <= 32) || type == 39 || (type >= 169 && type <= 171) ? 10
                                                                                           : 0,
                1);
  }
  body.little(0, 1).little(0, 4);  // no checksum, and the room for one
  return log_event(15, body.bytes);
}

/// TABLE_MAP of `database`.`table`, number 77: types and metadata as given, all columns nullable, `optional` metadata behind.
inline std::string log_table_map(std::string_view database, std::string_view table, std::string_view types,
                                 std::string_view metadata, std::string_view optional = {}) {
  LogBytes body;
  body.little(77, 6).little(1, 2).name(database).name(table).counted(types).counted(metadata);
  for (std::size_t i = 0; i < (types.size() + 7) / 8; ++i) body.little(0xff, 1);
  body.text(optional);
  return log_event(19, body.bytes);
}

}  // namespace lodestone::test
