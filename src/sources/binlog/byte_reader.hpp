#pragma once
// A cursor over bytes that others wrote: every step is checked against their end.

#include <cstdint>
#include <cstring>
#include <string_view>

#include "sources/binlog/event.hpp"

namespace lodestone::sources {

/// Throws corrupt: the event has `left` bytes left where `wanted` are needed.
[[noreturn]] void fail_short(const EventHeader& header, std::size_t wanted, std::size_t left);
/// Throws corrupt with what is wrong in the event.
[[noreturn]] void fail_damaged(const EventHeader& header, std::string_view what);

/// Reads forward through one event, whose header names it in errors and must outlive this. One thread.
class ByteReader {
 public:
  ByteReader(std::string_view bytes, const EventHeader& header)
      : at_(reinterpret_cast<const std::uint8_t*>(bytes.data())), end_(at_ + bytes.size()), header_(&header) {}

  [[nodiscard]] std::size_t left() const { return static_cast<std::size_t>(end_ - at_); }
  [[nodiscard]] const EventHeader& header() const { return *header_; }

  /// The next n bytes, and moves behind them.
  const std::uint8_t* take(std::size_t n) {
    if (n > left()) [[unlikely]]
      fail_short(*header_, n, left());
    const std::uint8_t* start = at_;
    at_ += n;
    return start;
  }
  std::string_view text(std::size_t n) { return {reinterpret_cast<const char*>(take(n)), n}; }
  std::string_view rest() { return text(left()); }
  std::uint8_t byte() { return *take(1); }
  /// A little-endian integer of sizeof(T) bytes (also this machine's order, the build supports no other).
  template <typename T>
  T little() {
    T value;
    std::memcpy(&value, take(sizeof(T)), sizeof(T));
    return value;
  }
  /// Of n bytes, n at most 8.
  std::uint64_t little(std::size_t n) {
    switch (n) {  // copies of a known length need no call
      case 1: return byte();
      case 2: return little<std::uint16_t>();
      case 3: {
        const std::uint64_t low = little<std::uint16_t>();
        return low | static_cast<std::uint64_t>(byte()) << 16U;
      }
      case 4: return little<std::uint32_t>();
      case 8: return little<std::uint64_t>();
      default: {
        std::uint64_t value = 0;
        std::memcpy(&value, take(n), n);
        return value;
      }
    }
  }
  std::uint64_t big(std::size_t n) {
    const std::uint8_t* bytes = take(n);
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < n; ++i) value = value << 8U | bytes[i];
    return value;
  }
  /// A length-encoded integer: one byte below 251, else a marker and 2, 3 or 8 bytes.
  std::uint64_t length() {
    const std::uint8_t first = byte();
    switch (first) {
      case 252: return little(2);
      case 253: return little(3);
      case 254: return little(8);
      case 251:
      case 255: fail_damaged(*header_, "a length that no length can be");
      default: return first;
    }
  }
  /// A length-encoded text.
  std::string_view counted_text() {
    const std::uint64_t n = length();
    if (n > left()) fail_short(*header_, n, left());
    return text(n);
  }

 private:
  const std::uint8_t* at_;
  const std::uint8_t* end_;
  const EventHeader* header_;
};

}  // namespace lodestone::sources
