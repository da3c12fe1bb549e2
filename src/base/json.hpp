#pragma once
// JSON: a small value type with strict parsing (RFC 8259, depth at most 64, duplicate keys refused), and a writer that appends
// straight into a string for answers on the hot path.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace lodestone::json {

class Value;

struct Member;
using Array = std::vector<Value>;
/// Members in the order of the text.
using Object = std::vector<Member>;

/// One JSON value. Integers keep 64 bits; a number with a fraction or exponent, or beyond 64 bits, is a double.
class Value {
 public:
  Value();
  Value(std::nullptr_t);
  Value(bool v);
  Value(std::int64_t v);
  Value(int v);
  Value(double v);
  Value(std::string v);
  Value(std::string_view v);
  Value(const char* v);
  Value(Array v);
  Value(Object v);

  [[nodiscard]] bool is_null() const { return std::holds_alternative<std::monostate>(state_); }
  [[nodiscard]] const bool* as_bool() const { return std::get_if<bool>(&state_); }
  [[nodiscard]] const std::int64_t* as_int() const { return std::get_if<std::int64_t>(&state_); }
  /// Any number.
  [[nodiscard]] std::optional<double> as_number() const;
  /// An integer however it is written: 12, 12.0 and 1.2e1 are one number to JSON, and "integer" to JSON Schema. With a fraction or exponent only
  /// up to 2^53, as far as doubles hold each integer.
  [[nodiscard]] std::optional<std::int64_t> as_integer() const;
  [[nodiscard]] const std::string* as_string() const { return std::get_if<std::string>(&state_); }
  [[nodiscard]] const Array* as_array() const { return std::get_if<Array>(&state_); }
  [[nodiscard]] const Object* as_object() const { return std::get_if<Object>(&state_); }

  /// The member of an object, or nullptr when this is no object or has no such key.
  [[nodiscard]] const Value* find(std::string_view key) const;
  /// Appends a member; requires an object or null (which becomes an object).
  void set(std::string key, Value value);

 private:
  std::variant<std::monostate, bool, std::int64_t, double, std::string, Array, Object> state_;
};

struct Member {
  std::string key;
  Value value;
};

// Here and not in the class: clang instantiates the vector's members at once, and Member must be whole by then.
inline Value::Value() = default;
inline Value::Value(std::nullptr_t) {}
inline Value::Value(bool v) : state_(v) {}
inline Value::Value(std::int64_t v) : state_(v) {}
inline Value::Value(int v) : state_(static_cast<std::int64_t>(v)) {}
inline Value::Value(double v) : state_(v) {}
inline Value::Value(std::string v) : state_(std::move(v)) {}
inline Value::Value(std::string_view v) : state_(std::string(v)) {}
inline Value::Value(const char* v) : state_(std::string(v)) {}

/// Parses one document. Throws corrupt with `name` (file or field) and the byte offset of the error.
Value parse(std::string_view text, std::string_view name);

/// Serialises. `indent` 0 gives one line; otherwise that many blanks a level, for files people read.
std::string format(const Value& value, int indent = 0);

/// Whether all of it is well-formed UTF-8 (RFC 3629), which a JSON text must be.
bool is_utf8(std::string_view text);

/// Appends `text` as a JSON string with its quotes; bytes that are no UTF-8 become U+FFFD.
void append_string(std::string& out, std::string_view text);
/// Appends the shortest form that reads back as the same double; NaN and infinities, which JSON lacks, become null.
void append_number(std::string& out, double value);
void append_number(std::string& out, std::int64_t value);

/// Writes a document piece by piece; commas are its business. Not checked for balance in release builds' hot path: a wrong order of
/// calls is a bug that the answers' tests catch.
class Writer {
 public:
  explicit Writer(std::string& out) : out_(&out) {}
  Writer& begin_object() { return open('{'); }
  Writer& end_object() { return close('}'); }
  Writer& begin_array() { return open('['); }
  Writer& end_array() { return close(']'); }
  Writer& key(std::string_view name);
  Writer& value(std::string_view text);
  Writer& value(const char* text) { return value(std::string_view(text)); }
  Writer& value(std::int64_t number);
  Writer& value(int number) { return value(static_cast<std::int64_t>(number)); }
  Writer& value(double number);
  Writer& boolean(bool flag);
  Writer& null();
  /// Appends text that is JSON already.
  Writer& raw(std::string_view json);

 private:
  Writer& open(char c);
  Writer& close(char c);
  void comma();
  std::string* out_;
  bool first_ = true;
};

}  // namespace lodestone::json
