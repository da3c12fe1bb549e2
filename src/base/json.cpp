#include "base/json.hpp"

#include <boost/json/basic_parser_impl.hpp>

#include <array>
#include <charconv>
#include <cmath>

#include "base/error.hpp"

namespace lodestone::json {
namespace {

namespace bj = boost::json;

constexpr std::size_t kMaxDepth = 64;

/// Builds our values from the parser's events. Boost's own DOM keeps the last of two equal keys in silence, so we take the events.
struct Handler {
  static constexpr std::size_t max_object_size = 4096;  // keeps the search for equal keys cheap whatever a client sends
  static constexpr std::size_t max_array_size = std::size_t(-1);
  static constexpr std::size_t max_key_size = std::size_t(-1);
  static constexpr std::size_t max_string_size = std::size_t(-1);

  struct Frame {
    bool is_object = false;
    Array array;
    Object object;
    std::string key;
  };
  std::vector<Frame> stack;
  std::string text;
  Value root;
  std::string duplicate;

  bool put(Value value) {
    if (stack.empty()) {
      root = std::move(value);
    } else if (stack.back().is_object) {
      stack.back().object.push_back({std::move(stack.back().key), std::move(value)});
    } else {
      stack.back().array.push_back(std::move(value));
    }
    return true;
  }

  bool on_document_begin(bj::error_code&) { return true; }
  bool on_document_end(bj::error_code&) { return true; }
  bool on_object_begin(bj::error_code&) {
    stack.emplace_back().is_object = true;
    return true;
  }
  bool on_object_end(std::size_t, bj::error_code&) {
    Object done = std::move(stack.back().object);
    stack.pop_back();
    return put(Value(std::move(done)));
  }
  bool on_array_begin(bj::error_code&) {
    stack.emplace_back();
    return true;
  }
  bool on_array_end(std::size_t, bj::error_code&) {
    Array done = std::move(stack.back().array);
    stack.pop_back();
    return put(Value(std::move(done)));
  }
  bool on_key_part(bj::string_view part, std::size_t, bj::error_code&) {
    text.append(part.data(), part.size());
    return true;
  }
  bool on_key(bj::string_view part, std::size_t, bj::error_code& error) {
    text.append(part.data(), part.size());
    for (const Member& member : stack.back().object) {
      if (member.key == text) {
        duplicate = text;
        error = bj::error::extra_data;
        return false;
      }
    }
    stack.back().key = std::exchange(text, {});
    return true;
  }
  bool on_string_part(bj::string_view part, std::size_t, bj::error_code&) {
    text.append(part.data(), part.size());
    return true;
  }
  bool on_string(bj::string_view part, std::size_t, bj::error_code&) {
    text.append(part.data(), part.size());
    return put(Value(std::exchange(text, {})));
  }
  bool on_number_part(bj::string_view, bj::error_code&) { return true; }
  bool on_int64(std::int64_t v, bj::string_view, bj::error_code&) { return put(Value(v)); }
  bool on_uint64(std::uint64_t v, bj::string_view, bj::error_code&) { return put(Value(static_cast<double>(v))); }
  bool on_double(double v, bj::string_view, bj::error_code&) { return put(Value(v)); }
  bool on_bool(bool v, bj::error_code&) { return put(Value(v)); }
  bool on_null(bj::error_code&) { return put(Value()); }
  bool on_comment_part(bj::string_view, bj::error_code&) { return true; }
  bool on_comment(bj::string_view, bj::error_code&) { return true; }
};

/// Length of the valid UTF-8 sequence at `at`, or 0. Overlong forms, surrogates and code points beyond U+10FFFF are not valid.
std::size_t utf8_length(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[at + i]); };
  const auto tail = [&](std::size_t i) { return at + i < text.size() && (byte(i) & 0xC0U) == 0x80U; };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return 1;
  if (lead >= 0xC2 && lead <= 0xDF) return tail(1) ? 2 : 0;
  if (lead >= 0xE0 && lead <= 0xEF) {
    if (!tail(1) || !tail(2)) return 0;
    if (lead == 0xE0 && byte(1) < 0xA0) return 0;
    if (lead == 0xED && byte(1) > 0x9F) return 0;
    return 3;
  }
  if (lead >= 0xF0 && lead <= 0xF4) {
    if (!tail(1) || !tail(2) || !tail(3)) return 0;
    if (lead == 0xF0 && byte(1) < 0x90) return 0;
    if (lead == 0xF4 && byte(1) > 0x8F) return 0;
    return 4;
  }
  return 0;
}

void append_escape(std::string& out, unsigned char c) {
  static constexpr std::string_view kHex = "0123456789abcdef";
  switch (c) {
    case '"': out += "\\\""; return;
    case '\\': out += "\\\\"; return;
    case '\n': out += "\\n"; return;
    case '\r': out += "\\r"; return;
    case '\t': out += "\\t"; return;
    default:
      out += "\\u00";
      out += kHex[c >> 4U];
      out += kHex[c & 15U];
  }
}

void format_to(std::string& out, const Value& value, int indent, int level) {
  const auto line = [&](int at) {
    if (indent > 0) out.append(1, '\n').append(static_cast<std::size_t>(indent) * static_cast<std::size_t>(at), ' ');
  };
  if (const Array* array = value.as_array()) {
    out += '[';
    for (std::size_t i = 0; i < array->size(); ++i) {
      if (i > 0) out += ',';
      line(level + 1);
      format_to(out, (*array)[i], indent, level + 1);
    }
    if (!array->empty()) line(level);
    out += ']';
  } else if (const Object* object = value.as_object()) {
    out += '{';
    for (std::size_t i = 0; i < object->size(); ++i) {
      if (i > 0) out += ',';
      line(level + 1);
      append_string(out, (*object)[i].key);
      out += indent > 0 ? ": " : ":";
      format_to(out, (*object)[i].value, indent, level + 1);
    }
    if (!object->empty()) line(level);
    out += '}';
  } else if (const std::string* text = value.as_string()) {
    append_string(out, *text);
  } else if (const std::int64_t* number = value.as_int()) {
    append_number(out, *number);
  } else if (const bool* flag = value.as_bool()) {
    out += *flag ? "true" : "false";
  } else if (const auto real = value.as_number()) {
    append_number(out, *real);
  } else {
    out += "null";
  }
}

}  // namespace

Value::Value(Array v) : state_(std::move(v)) {}
Value::Value(Object v) : state_(std::move(v)) {}

std::optional<std::int64_t> Value::as_integer() const {
  constexpr double kExact = 9007199254740992;  // 2^53
  if (const std::int64_t* integer = as_int()) return *integer;
  const double* number = std::get_if<double>(&state_);
  if (number == nullptr || std::trunc(*number) != *number || std::abs(*number) > kExact) return std::nullopt;
  return static_cast<std::int64_t>(*number);
}

std::optional<double> Value::as_number() const {
  if (const auto* i = std::get_if<std::int64_t>(&state_)) return static_cast<double>(*i);
  if (const auto* d = std::get_if<double>(&state_)) return *d;
  return std::nullopt;
}

const Value* Value::find(std::string_view key) const {
  const Object* object = as_object();
  if (object == nullptr) return nullptr;
  for (const Member& member : *object) {
    if (member.key == key) return &member.value;
  }
  return nullptr;
}

void Value::set(std::string key, Value value) {
  if (is_null()) state_ = Object{};
  auto* object = std::get_if<Object>(&state_);
  LODESTONE_ASSERT(object != nullptr, "set({}) on a JSON value that is no object", key);
  object->push_back({std::move(key), std::move(value)});
}

Value parse(std::string_view text, std::string_view name) {
  bj::parse_options options;
  options.max_depth = kMaxDepth;
  bj::basic_parser<Handler> parser(options);
  bj::error_code error;
  const std::size_t n = parser.write_some(false, text.data(), text.size(), error);
  const std::string& duplicate = parser.handler().duplicate;
  if (!duplicate.empty()) fail(ErrorCode::kCorrupt, "{}: key \"{}\" occurs twice in one JSON object", name, duplicate);
  if (error) fail(ErrorCode::kCorrupt, "{}: no valid JSON at byte {}: {}", name, n, error.message());
  if (text.find_first_not_of(" \t\r\n", n) != std::string_view::npos) {
    fail(ErrorCode::kCorrupt, "{}: text after the JSON document at byte {}", name, n);
  }
  return std::move(parser.handler().root);
}

std::string format(const Value& value, int indent) {
  std::string out;
  format_to(out, value, indent, 0);
  return out;
}

bool is_utf8(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t n = utf8_length(text, i);
    if (n == 0) return false;
    i += n;
  }
  return true;
}

void append_string(std::string& out, std::string_view text) {
  out += '"';
  std::size_t plain = 0;  // start of the run that needs no change
  for (std::size_t i = 0; i < text.size();) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c >= 0x20 && c < 0x80 && c != '"' && c != '\\') {
      ++i;
      continue;
    }
    const std::size_t n = c < 0x80 ? 0 : utf8_length(text, i);
    if (n > 0) {
      i += n;
      continue;
    }
    out.append(text, plain, i - plain);
    if (c < 0x80) {
      append_escape(out, c);
    } else {
      out += "\xEF\xBF\xBD";
    }
    plain = ++i;
  }
  out.append(text, plain);
  out += '"';
}

void append_number(std::string& out, double value) {
  if (!std::isfinite(value)) {
    out += "null";
    return;
  }
  std::array<char, 32> buffer{};
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value).ptr;
  out.append(buffer.data(), end);
}

void append_number(std::string& out, std::int64_t value) {
  std::array<char, 24> buffer{};
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value).ptr;
  out.append(buffer.data(), end);
}

Writer& Writer::open(char c) {
  comma();
  *out_ += c;
  first_ = true;
  return *this;
}

Writer& Writer::close(char c) {
  *out_ += c;
  first_ = false;
  return *this;
}

void Writer::comma() {
  if (!first_) *out_ += ',';
  first_ = false;
}

Writer& Writer::key(std::string_view name) {
  comma();
  append_string(*out_, name);
  *out_ += ':';
  first_ = true;
  return *this;
}

Writer& Writer::value(std::string_view text) {
  comma();
  append_string(*out_, text);
  return *this;
}

Writer& Writer::value(std::int64_t number) {
  comma();
  append_number(*out_, number);
  return *this;
}

Writer& Writer::value(double number) {
  comma();
  append_number(*out_, number);
  return *this;
}

Writer& Writer::boolean(bool flag) { return raw(flag ? "true" : "false"); }
Writer& Writer::null() { return raw("null"); }

Writer& Writer::raw(std::string_view json) {
  comma();
  *out_ += json;
  return *this;
}

}  // namespace lodestone::json
