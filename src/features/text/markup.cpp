#include "features/text/markup.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

namespace lodestone::features {
namespace {

/// No real tag or entity is longer; the bounds keep hostile text linear.
constexpr std::size_t kMaxTag = 4096;
constexpr std::size_t kMaxEntity = 10;

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool starts_with(std::string_view text, std::string_view prefix) {
  if (text.size() < prefix.size()) return false;
  for (std::size_t i = 0; i < prefix.size(); ++i) {
    if (lower(text[i]) != prefix[i]) return false;
  }
  return true;
}

void append_utf8(std::uint32_t c, std::string& out) {
  if (c == 0 || c > 0x10FFFF || (c >= 0xD800 && c <= 0xDFFF)) {
    out += ' ';
  } else if (c < 0x80) {
    out += static_cast<char>(c);
  } else if (c < 0x800) {
    out += static_cast<char>(0xC0U | (c >> 6U));
    out += static_cast<char>(0x80U | (c & 0x3FU));
  } else {
    if (c < 0x10000) {
      out += static_cast<char>(0xE0U | (c >> 12U));
    } else {
      out += static_cast<char>(0xF0U | (c >> 18U));
      out += static_cast<char>(0x80U | ((c >> 12U) & 0x3FU));
    }
    out += static_cast<char>(0x80U | ((c >> 6U) & 0x3FU));
    out += static_cast<char>(0x80U | (c & 0x3FU));
  }
}

/// One pass over a text: `at` moves from one piece of markup to the next.
class Stripper {
 public:
  Stripper(std::string_view text, std::string& out) : text_(text), out_(out) {}

  /// True when an entity gave '<', so that the output may hold tags of its own.
  bool run() {
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '<' && skip_tag()) continue;
      if (c == '&' && copy_entity()) continue;
      if (c == ']' && skip_link_target()) continue;
      if ((c == 'h' || c == 'H' || c == 'w' || c == 'W' || c == 'f' || c == 'F') && skip_url()) continue;
      out_ += c;
      ++at_;
    }
    return escaped_tag_;
  }

 private:
  [[nodiscard]] std::string_view rest() const { return text_.substr(at_); }

  /// "<p class=x>", "</p>", "<br/>", "<!-- -->", "<!DOCTYPE ...>", "<script>...</script>".
  bool skip_tag() {
    const std::string_view tail = rest();
    if (tail.size() < 3) return false;
    if (tail.starts_with("<!--")) {
      const std::size_t end = tail.find("-->");
      at_ = end == std::string_view::npos ? text_.size() : at_ + end + 3;
      out_ += ' ';
      return true;
    }
    std::size_t name = 1;
    if (tail[1] == '/' || tail[1] == '!') name = 2;
    if (!is_letter(tail[name])) return false;
    const std::size_t end = tail.substr(0, kMaxTag).find('>');
    if (end == std::string_view::npos) return false;
    std::size_t stop = name;
    while (stop < end && (is_letter(tail[stop]) || is_digit(tail[stop]))) ++stop;
    const std::string_view tag = tail.substr(name, stop - name);
    // "<https://...>" is an address in angle brackets; it goes with the brackets.
    at_ += end + 1;
    if (name == 1) skip_body(tag);
    if (!is_inline(tag)) out_ += ' ';
    return true;
  }

  /// What scripts and style sheets hold is not for reading.
  void skip_body(std::string_view tag) {
    std::string_view close;
    if (tag.size() == 6 && starts_with(tag, "script")) close = "</script";
    if (tag.size() == 5 && starts_with(tag, "style")) close = "</style";
    if (close.empty()) return;
    for (; at_ < text_.size(); ++at_) {
      if (text_[at_] == '<' && starts_with(rest(), close)) return;
    }
  }

  static bool is_inline(std::string_view tag) {
    static constexpr std::array<std::string_view, 16> kInline{"a",    "b",    "i",    "u",     "s",   "em",  "strong", "span",
                                                              "font", "mark", "code", "small", "sub", "sup", "wbr",    "abbr"};
    return std::any_of(kInline.begin(), kInline.end(),
                       [&](std::string_view name) { return tag.size() == name.size() && starts_with(tag, name); });
  }

  bool copy_entity() {
    const std::string_view tail = rest().substr(1, kMaxEntity);
    const std::size_t end = tail.find(';');
    if (end == std::string_view::npos || end == 0) return false;
    const std::string_view name = tail.substr(0, end);
    std::uint32_t code = 0;
    if (name[0] == '#') {
      if (!parse_number(name.substr(1), code)) return false;
    } else if (!find_entity(name, code)) {
      return false;
    }
    if (code == '<') escaped_tag_ = true;
    append_utf8(code, out_);
    at_ += end + 2;
    return true;
  }

  static bool parse_number(std::string_view digits, std::uint32_t& code) {
    const bool hex = !digits.empty() && lower(digits[0]) == 'x';
    if (hex) digits.remove_prefix(1);
    if (digits.empty()) return false;
    for (const char c : digits) {
      const char l = lower(c);
      if (is_digit(c)) {
        code = code * (hex ? 16U : 10U) + static_cast<std::uint32_t>(c - '0');
      } else if (hex && l >= 'a' && l <= 'f') {
        code = code * 16U + static_cast<std::uint32_t>(l - 'a') + 10U;
      } else {
        return false;
      }
    }
    return true;
  }

  /// The entities that occur in descriptions; signs become a blank, since signs part words anyway.
  static bool find_entity(std::string_view name, std::uint32_t& code) {
    struct Entity {
      std::string_view name;
      std::uint32_t code;
    };
    static constexpr std::array<Entity, 30> kEntities{{
        {"amp", '&'},     {"lt", '<'},      {"gt", '>'},      {"quot", '"'},    {"apos", '\''},  {"nbsp", ' '},
        {"ensp", ' '},    {"emsp", ' '},    {"ndash", '-'},   {"mdash", ' '},   {"hellip", ' '}, {"middot", ' '},
        {"bull", ' '},    {"ldquo", ' '},   {"rdquo", ' '},   {"lsquo", '\''},  {"rsquo", '\''}, {"laquo", ' '},
        {"raquo", ' '},   {"times", ' '},   {"copy", ' '},    {"reg", ' '},     {"trade", ' '},  {"deg", ' '},
        {"eacute", 0xE9}, {"egrave", 0xE8}, {"agrave", 0xE0}, {"ccedil", 0xE7}, {"ouml", 0xF6},  {"uuml", 0xFC},
    }};
    for (const Entity& entity : kEntities) {
      if (entity.name == name) {
        code = entity.code;
        return true;
      }
    }
    return false;
  }

  /// After the text of "[text](target)" or "[text][target]".
  bool skip_link_target() {
    const std::string_view tail = rest();
    if (tail.size() < 2 || tail[1] != '(') return false;
    std::size_t depth = 0;
    for (std::size_t i = 1; i < tail.size() && i < kMaxTag; ++i) {
      if (tail[i] == '\n') return false;
      if (tail[i] == '(') ++depth;
      if (tail[i] == ')' && --depth == 0) {
        at_ += i + 1;
        out_ += ' ';
        return true;
      }
    }
    return false;
  }

  /// "https://...", "ftp://...", "www...." at the start of a word, up to a blank, bracket, quote or the first byte beyond ASCII.
  bool skip_url() {
    if (at_ > 0 && (is_letter(text_[at_ - 1]) || is_digit(text_[at_ - 1]))) return false;
    const std::string_view tail = rest();
    if (!starts_with(tail, "http://") && !starts_with(tail, "https://") && !starts_with(tail, "ftp://") &&
        !starts_with(tail, "www.")) {
      return false;
    }
    std::size_t end = 0;
    while (end < tail.size() && !is_blank(tail[end]) && static_cast<unsigned char>(tail[end]) < 0x80 &&
           std::string_view("<>()[]{}\"'`").find(tail[end]) == std::string_view::npos) {
      ++end;
    }
    at_ += end;
    out_ += ' ';
    return true;
  }

  std::string_view text_;
  std::string& out_;
  std::size_t at_ = 0;
  bool escaped_tag_ = false;
};

}  // namespace

void strip_markup(std::string_view text, std::string& out) {
  // Most titles and tags hold nothing of it.
  if (text.find_first_of("<&]") == std::string_view::npos && text.find("://") == std::string_view::npos &&
      text.find("ww.") == std::string_view::npos && text.find("WW.") == std::string_view::npos) {
    out += text;
    return;
  }
  const std::size_t begin = out.size();
  if (!Stripper(text, out).run()) return;
  const std::string once = out.substr(begin);
  out.resize(begin);
  Stripper(once, out).run();
}

}  // namespace lodestone::features
