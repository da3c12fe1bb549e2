#include "sources/binlog/mysql_json.hpp"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <iterator>

#include "sources/binlog/byte_reader.hpp"
#include "sources/binlog/decimal.hpp"

namespace lodestone::sources {
namespace {

enum class JsonType : std::uint8_t {
  kSmallObject = 0,
  kLargeObject = 1,
  kSmallArray = 2,
  kLargeArray = 3,
  kLiteral = 4,
  kInt16 = 5,
  kUint16 = 6,
  kInt32 = 7,
  kUint32 = 8,
  kInt64 = 9,
  kUint64 = 10,
  kDouble = 11,
  kString = 12,
  kOpaque = 15,
};

constexpr unsigned kMostDepth = 100;

void append_quoted(std::string_view text, std::string& out) {
  out += '"';
  for (const char c : text) {
    switch (c) {
      case '"': out += "\\\""; break;
      case '\\': out += "\\\\"; break;
      case '\b': out += "\\b"; break;
      case '\f': out += "\\f"; break;
      case '\n': out += "\\n"; break;
      case '\r': out += "\\r"; break;
      case '\t': out += "\\t"; break;
      default:
        if (static_cast<unsigned char>(c) < 0x20) {
          out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
        } else {
          out += c;
        }
    }
  }
  out += '"';
}

void append_base64(std::string_view bytes, std::string& out) {
  constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    std::uint32_t group = 0;
    for (std::size_t k = 0; k < 3; ++k)
      group = group << 8U | (i + k < bytes.size() ? static_cast<std::uint8_t>(bytes[i + k]) : 0U);
    for (std::size_t k = 0; k < 4; ++k) out += i + k > bytes.size() ? '=' : kDigits[group >> (18 - 6 * k) & 63U];
  }
}

void append_double(double value, std::string& out) {
  char text[32];
  const auto end = std::to_chars(std::begin(text), std::end(text), value).ptr;
  const std::string_view shortest(text, static_cast<std::size_t>(end - text));
  for (std::size_t i = 0; i < shortest.size(); ++i) {
    // MySQL writes 1e20 and 1e-7 where the library writes 1e+20 and 1e-07.
    const bool in_exponent = i > 0 && (shortest[i - 1] == 'e' || (i > 1 && shortest[i - 2] == 'e'));
    if (in_exponent && (shortest[i] == '+' || (shortest[i] == '0' && i + 1 < shortest.size()))) continue;
    out += shortest[i];
  }
  if (shortest.find_first_of(".e") == std::string_view::npos) out += ".0";
}

class Document {
 public:
  Document(std::string_view bytes, const EventHeader& header, std::string& out)
      : bytes_(bytes), header_(header), out_(out), most_out_(out.size() + bytes.size() * 16 + 64) {}

  void append(JsonType type, std::string_view value, unsigned depth) {
    // Offsets may point anywhere; a document that shows its parts many times over is none that a server wrote.
    if (++n_values_ > bytes_.size() || out_.size() > most_out_) fail_damaged(header_, "a JSON document that contains itself");
    if (depth > kMostDepth) fail_damaged(header_, "a JSON document nested deeper than 100");
    ByteReader reader(value, header_);
    switch (type) {
      case JsonType::kSmallObject:
      case JsonType::kLargeObject:
      case JsonType::kSmallArray:
      case JsonType::kLargeArray: append_container(type, value, depth); return;
      case JsonType::kLiteral: append_literal(reader.byte()); return;
      case JsonType::kInt16: out_ += fmt::format("{}", reader.little<std::int16_t>()); return;
      case JsonType::kUint16: out_ += fmt::format("{}", reader.little<std::uint16_t>()); return;
      case JsonType::kInt32: out_ += fmt::format("{}", reader.little<std::int32_t>()); return;
      case JsonType::kUint32: out_ += fmt::format("{}", reader.little<std::uint32_t>()); return;
      case JsonType::kInt64: out_ += fmt::format("{}", reader.little<std::int64_t>()); return;
      case JsonType::kUint64: out_ += fmt::format("{}", reader.little<std::uint64_t>()); return;
      case JsonType::kDouble: {
        const auto number = reader.little<double>();
        if (!std::isfinite(number)) fail_damaged(header_, "a JSON number that is none");
        append_double(number, out_);
        return;
      }
      case JsonType::kString: append_quoted(variable(reader), out_); return;
      case JsonType::kOpaque: append_opaque(reader); return;
    }
    fail_damaged(header_, fmt::format("a JSON value of the unknown type {}", static_cast<unsigned>(type)));
  }

 private:
  /// A text behind its length in groups of 7 bits, lowest first.
  std::string_view variable(ByteReader& reader) const {
    std::uint64_t size = 0;
    for (unsigned shift = 0; shift < 35; shift += 7) {
      const std::uint8_t byte = reader.byte();
      size |= std::uint64_t{byte & 0x7fU} << shift;
      if ((byte & 0x80U) == 0) return reader.text(size);
    }
    fail_damaged(header_, "a JSON text of an impossible length");
  }

  void append_literal(std::uint8_t literal) {
    switch (literal) {
      case 0: out_ += "null"; return;
      case 1: out_ += "true"; return;
      case 2: out_ += "false"; return;
      default: fail_damaged(header_, "a JSON literal that is none");
    }
  }

  void append_container(JsonType type, std::string_view value, unsigned depth) {
    const bool is_object = type == JsonType::kSmallObject || type == JsonType::kLargeObject;
    const bool is_large = type == JsonType::kLargeObject || type == JsonType::kLargeArray;
    const std::size_t width = is_large ? 4 : 2;
    ByteReader reader(value, header_);
    const std::uint64_t n = reader.little(width);
    const std::uint64_t size = reader.little(width);
    if (size > value.size()) fail_short(header_, size, value.size());
    const std::string_view whole = value.substr(0, size);
    const std::size_t entries = n * (width + 1 + (is_object ? width + 2 : 0));
    if (n > size || 2 * width + entries > size) fail_damaged(header_, "a JSON container that is too small for its members");
    ByteReader keys(whole.substr(2 * width), header_);
    ByteReader values(whole.substr(2 * width + (is_object ? n * (width + 2) : 0)), header_);
    out_ += is_object ? '{' : '[';
    for (std::uint64_t i = 0; i < n; ++i) {
      if (i > 0) out_ += ", ";
      if (is_object) {
        const std::uint64_t offset = keys.little(width);
        const auto length = keys.little<std::uint16_t>();
        append_quoted(part(whole, offset, length), out_);
        out_ += ": ";
      }
      const auto member = static_cast<JsonType>(values.byte());
      const std::string_view place = values.text(width);
      if (is_inlined(member, is_large)) {
        append(member, place, depth + 1);
      } else {
        const std::uint64_t offset = ByteReader(place, header_).little(width);
        if (offset > whole.size()) fail_short(header_, offset, whole.size());
        append(member, whole.substr(offset), depth + 1);
      }
    }
    out_ += is_object ? '}' : ']';
  }

  static bool is_inlined(JsonType type, bool is_large) {
    return type == JsonType::kLiteral || type == JsonType::kInt16 || type == JsonType::kUint16 ||
           (is_large && (type == JsonType::kInt32 || type == JsonType::kUint32));
  }

  [[nodiscard]] std::string_view part(std::string_view whole, std::uint64_t offset, std::size_t length) const {
    if (offset > whole.size() || length > whole.size() - offset) fail_short(header_, offset + length, whole.size());
    return whole.substr(offset, length);
  }

  /// A value of an SQL type: its type's number, its length, its bytes.
  void append_opaque(ByteReader& reader) {
    const std::uint8_t type = reader.byte();
    const std::string_view data = variable(reader);
    ByteReader inner(data, header_);
    switch (type) {
      case 246: {
        const std::uint8_t precision = inner.byte();
        const std::uint8_t scale = inner.byte();
        read_decimal(inner, precision, scale, DecimalFill::kNone, out_);
        return;
      }
      case 7:
      case 10:
      case 12: append_date(type, inner.little<std::int64_t>()); return;
      case 11: append_time(inner.little<std::int64_t>()); return;
      default:
        out_ += fmt::format("\"base64:type{}:", type);
        append_base64(data, out_);
        out_ += '"';
    }
  }

  // Year, month, day: 17 bits that count 13 months a year; hour, minute, second: 5, 6, 6 bits; microseconds: 24 bits.
  void append_date(std::uint8_t type, std::int64_t packed) {
    const std::uint64_t bits = packed < 0 ? 0 - static_cast<std::uint64_t>(packed) : static_cast<std::uint64_t>(packed);
    const std::uint64_t whole = bits >> 24U;
    const std::uint64_t day = whole >> 17U;
    const std::uint64_t month = day >> 5U;
    out_ += fmt::format("\"{:04}-{:02}-{:02}", month / 13, month % 13, day & 31U);
    if (type != 10) {
      const std::uint64_t clock = whole & 0x1ffffU;
      out_ += fmt::format(" {:02}:{:02}:{:02}.{:06}", clock >> 12U, clock >> 6U & 63U, clock & 63U, bits & 0xffffffU);
    }
    out_ += '"';
  }

  void append_time(std::int64_t packed) {
    const std::uint64_t bits = packed < 0 ? 0 - static_cast<std::uint64_t>(packed) : static_cast<std::uint64_t>(packed);
    const std::uint64_t clock = bits >> 24U;
    out_ += fmt::format("\"{}{:02}:{:02}:{:02}.{:06}\"", packed < 0 ? "-" : "", clock >> 12U & 1023U, clock >> 6U & 63U,
                        clock & 63U, bits & 0xffffffU);
  }

  std::string_view bytes_;
  const EventHeader& header_;
  std::string& out_;
  std::size_t most_out_;
  std::size_t n_values_ = 0;
};

}  // namespace

void append_mysql_json(std::string_view document, const EventHeader& header, std::string& out) {
  if (document.empty()) {  // what MySQL stores for a null that an old table could not hold
    out += "null";
    return;
  }
  Document(document, header, out).append(static_cast<JsonType>(document[0]), document.substr(1), 0);
}

}  // namespace lodestone::sources
