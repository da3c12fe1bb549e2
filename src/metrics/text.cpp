#include "metrics/text.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

namespace lodestone::metrics {

namespace {

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

void append_escaped(std::string& out, std::string_view text, std::string_view also) {
  for (const char c : text) {
    if (c == '\n') {
      out += "\\n";
      continue;
    }
    if (c == '\\' || also.find(c) != std::string_view::npos) out += '\\';
    out += c;
  }
}

void append_label(std::string& out, const Label& label) {
  out += label.name;
  out += "=\"";
  append_escaped(out, label.value, "\"");
  out += '"';
}

}  // namespace

bool is_metric_name(std::string_view name) {
  return !name.empty() && !is_digit(name.front()) &&
         std::ranges::all_of(name, [](char c) { return is_letter(c) || is_digit(c) || c == ':'; });
}

bool is_label_name(std::string_view name) {
  return !name.empty() && !is_digit(name.front()) && !name.starts_with("__") &&
         std::ranges::all_of(name, [](char c) { return is_letter(c) || is_digit(c); });
}

std::string format_number(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  std::array<char, 32> digits{};
  // Usual sizes without an exponent: bucket edges and counts are read by people and compared as text by dashboards.
  const double size = std::abs(value);
  const bool plain = value == 0 || (size >= 1e-6 && size < 1e16);
  const auto end = plain ? std::to_chars(digits.data(), digits.data() + digits.size(), value, std::chars_format::fixed)
                         : std::to_chars(digits.data(), digits.data() + digits.size(), value);
  return {digits.data(), end.ptr};
}

void append_family_head(std::string& out, std::string_view name, std::string_view help, std::string_view kind) {
  out.append("# HELP ").append(name).append(" ");
  append_escaped(out, help, "");
  out.append("\n# TYPE ").append(name).append(" ").append(kind).append("\n");
}

void append_sample(std::string& out, std::string_view name, const Labels& labels, const Label* extra, double value) {
  out += name;
  if (!labels.empty() || extra != nullptr) {
    out += '{';
    bool first = true;
    for (const Label& label : labels) {
      if (!first) out += ',';
      first = false;
      append_label(out, label);
    }
    if (extra != nullptr) {
      if (!first) out += ',';
      append_label(out, *extra);
    }
    out += '}';
  }
  out.append(" ").append(format_number(value)).append("\n");
}

}  // namespace lodestone::metrics
