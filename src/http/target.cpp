#include "http/target.hpp"

#include "base/error.hpp"

namespace lodestone::http {

namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/// Length of the UTF-8 sequence at `text` (RFC 3629: shortest form, no surrogates), 0 when there is none.
std::size_t utf8_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U; };
  const auto tail = [&](std::size_t i) { return (byte(i) & 0xc0U) == 0x80U; };
  const unsigned first = byte(0);
  if (first < 0x80) return 1;
  if (first >= 0xc2 && first <= 0xdf) return tail(1) ? 2 : 0;
  if (first >= 0xe0 && first <= 0xef) {
    if (first == 0xe0 && byte(1) < 0xa0) return 0;
    if (first == 0xed && byte(1) > 0x9f) return 0;
    return tail(1) && tail(2) ? 3 : 0;
  }
  if (first >= 0xf0 && first <= 0xf4) {
    if (first == 0xf0 && byte(1) < 0x90) return 0;
    if (first == 0xf4 && byte(1) > 0x8f) return 0;
    return tail(1) && tail(2) && tail(3) ? 4 : 0;
  }
  return 0;
}

bool is_plain_text(std::string_view text) {
  while (!text.empty()) {
    const auto c = static_cast<unsigned char>(text.front());
    if (c < 0x20 || c == 0x7f) return false;
    const std::size_t length = utf8_length(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

}  // namespace

bool decode_percent(std::string_view text, Plus plus, std::string& out) {
  const std::size_t begin = out.size();
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '%') {
      const int high = i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
      const int low = i + 2 < text.size() ? hex_digit(text[i + 2]) : -1;
      if (high < 0 || low < 0) {
        out.resize(begin);
        return false;
      }
      out += static_cast<char>(high * 16 + low);
      i += 2;
    } else {
      out += c == '+' && plus == Plus::kIsBlank ? ' ' : c;
    }
  }
  if (is_plain_text(std::string_view(out).substr(begin))) return true;
  out.resize(begin);
  return false;
}

bool Target::parse(std::string_view target) {
  parameters_.clear();
  decoded_.clear();
  decoded_.reserve(2 * target.size());  // every byte at most once as a query, once as a path
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (!target.starts_with(scheme)) continue;
    target.remove_prefix(scheme.size());
    const std::size_t slash = target.find_first_of("/?");
    target = slash == std::string_view::npos ? std::string_view("/") : target.substr(slash);
    break;
  }
  if (target.empty() || target.front() != '/' || target.find('#') != std::string_view::npos) return false;
  const std::size_t question = target.find('?');
  path_ = target.substr(0, question);
  if (question == std::string_view::npos) return true;
  std::string_view query = target.substr(question + 1);
  while (!query.empty()) {
    const std::size_t end = std::min(query.find('&'), query.size());
    const std::string_view pair = query.substr(0, end);
    query.remove_prefix(std::min(end + 1, query.size()));
    if (pair.empty()) continue;
    const std::size_t equals = std::min(pair.find('='), pair.size());
    const std::string_view value = equals == pair.size() ? std::string_view() : pair.substr(equals + 1);
    parameters_.push_back(decode_pair(pair.substr(0, equals), value, Plus::kIsBlank));
  }
  return true;
}

QueryParameter Target::decode_pair(std::string_view name, std::string_view value, Plus plus) {
  LODESTONE_ASSERT(decoded_.size() + name.size() + value.size() <= decoded_.capacity(), "decoded target is full");
  const std::size_t name_begin = decoded_.size();
  if (!decode_percent(name, plus, decoded_)) return {name, value, false};
  const std::size_t value_begin = decoded_.size();
  const std::string_view decoded_name(decoded_.data() + name_begin, value_begin - name_begin);
  if (!decode_percent(value, plus, decoded_)) return {decoded_name, value, false};
  return {decoded_name, {decoded_.data() + value_begin, decoded_.size() - value_begin}, true};
}

QueryParameter Target::decode_segment(std::string_view name, std::string_view segment) {
  LODESTONE_ASSERT(decoded_.size() + segment.size() <= decoded_.capacity(), "decoded target is full");
  const std::size_t begin = decoded_.size();
  if (!decode_percent(segment, Plus::kIsPlus, decoded_)) return {name, segment, false};
  return {name, {decoded_.data() + begin, decoded_.size() - begin}, true};
}

}  // namespace lodestone::http
