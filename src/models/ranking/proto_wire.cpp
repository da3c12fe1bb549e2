#include "models/ranking/proto_wire.hpp"

namespace lodestone::models {
namespace {

constexpr std::uint32_t kVarint = 0;
constexpr std::uint32_t kEightBytes = 1;
constexpr std::uint32_t kLengthAndBytes = 2;
constexpr std::uint32_t kFourBytes = 5;

}  // namespace

void append_varint(std::string& out, std::uint64_t value) {
  for (; value > 0x7F; value >>= 7U) out.push_back(static_cast<char>((value & 0x7FU) | 0x80U));
  out.push_back(static_cast<char>(value));
}

void add_number(std::string& out, std::uint32_t field, std::uint64_t value) {
  append_varint(out, (std::uint64_t{field} << 3U) | kVarint);
  append_varint(out, value);
}

void add_bytes(std::string& out, std::uint32_t field, std::string_view bytes) {
  append_varint(out, (std::uint64_t{field} << 3U) | kLengthAndBytes);
  append_varint(out, bytes.size());
  out.append(bytes);
}

bool ProtoReader::read_varint(std::uint64_t& value) {
  value = 0;
  for (unsigned shift = 0; shift < 64 && !rest_.empty(); shift += 7) {
    const auto byte = static_cast<std::uint8_t>(rest_.front());
    rest_.remove_prefix(1);
    value |= std::uint64_t{byte & 0x7FU} << shift;
    if (byte < 0x80) return true;
  }
  return false;
}

bool ProtoReader::read_field() {
  number_ = 0;
  bytes_ = {};
  std::uint64_t key = 0;
  if (!read_varint(key)) return false;
  field_ = static_cast<std::uint32_t>(key >> 3U);
  const auto form = static_cast<std::uint32_t>(key & 7U);
  if (form == kVarint) return read_varint(number_);
  std::uint64_t length = form == kEightBytes ? 8 : 4;
  if (form == kLengthAndBytes) {
    if (!read_varint(length)) return false;
  } else if (form != kEightBytes && form != kFourBytes) {
    return false;
  }
  if (length > rest_.size()) return false;
  if (form == kLengthAndBytes) bytes_ = rest_.substr(0, length);
  rest_.remove_prefix(length);
  return true;
}

bool ProtoReader::next() {
  if (rest_.empty() || is_damaged_) return false;
  is_damaged_ = !read_field();
  return !is_damaged_;
}

}  // namespace lodestone::models
