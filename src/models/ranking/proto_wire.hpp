#pragma once
// Bytes of protocol buffers, as much as ONNX's messages take: a field is a varint of its number and form, then a varint, or a length and
// that many bytes, or 4 or 8 bytes.

#include <cstdint>
#include <string>
#include <string_view>

namespace lodestone::models {

void append_varint(std::string& out, std::uint64_t value);
void add_number(std::string& out, std::uint32_t field, std::uint64_t value);
/// Text, bytes, packed numbers or a message.
void add_bytes(std::string& out, std::uint32_t field, std::string_view bytes);

/// Reads the fields of one message, which views into `bytes`.
class ProtoReader {
 public:
  explicit ProtoReader(std::string_view bytes) : rest_(bytes) {}

  /// Goes to the next field; false at the end, and where the bytes are no message: is_damaged() tells which.
  bool next();
  [[nodiscard]] bool is_damaged() const { return is_damaged_; }

  [[nodiscard]] std::uint32_t field() const { return field_; }
  /// 0 for a field of another form, as bytes() is empty.
  [[nodiscard]] std::uint64_t number() const { return number_; }
  [[nodiscard]] std::string_view bytes() const { return bytes_; }

 private:
  bool read_varint(std::uint64_t& value);
  bool read_field();

  std::string_view rest_;
  std::uint32_t field_ = 0;
  std::uint64_t number_ = 0;
  std::string_view bytes_;
  bool is_damaged_ = false;
};

}  // namespace lodestone::models
