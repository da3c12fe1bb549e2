#include "http/parameters.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <string>

#include "base/nearest.hpp"
#include "http/problem.hpp"

namespace lodestone::http {

namespace {

/// What was given, for a sentence: in quotes, cut when long.
std::string shown(std::string_view value) {
  constexpr std::size_t kMost = 40;
  if (value.size() <= kMost) return fmt::format("\"{}\"", value);
  std::size_t end = kMost;
  while (end > 0 && (static_cast<unsigned char>(value[end]) & 0xc0U) == 0x80U) --end;  // not inside a UTF-8 sequence
  return fmt::format("\"{}...\"", value.substr(0, end));
}

template <typename... Args>
[[noreturn]] void refuse(std::string_view parameter, fmt::format_string<Args...> format, Args&&... args) {
  throw ParameterError(std::string(parameter), fmt::format(format, std::forward<Args>(args)...));
}

std::optional<std::int64_t> parse_integer(std::string_view text) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

void check_text(const QueryParameter& parameter) {
  if (!parameter.is_text) {
    refuse(parameter.name, "parameter {} is no percent-encoded UTF-8 text without control characters", shown(parameter.name));
  }
}

}  // namespace

Parameters::Parameters(const Request& request, std::span<const std::string_view> known) : request_(&request) {
  const auto given = request.parameters;
  for (std::size_t i = 0; i < given.size(); ++i) {
    check_text(given[i]);
    const std::string_view name = given[i].name;
    if (std::ranges::find(known, name) == known.end()) {
      const std::vector<std::string> names(known.begin(), known.end());
      if (names.empty()) refuse(name, "unknown parameter {}; {} takes none", shown(name), request.path);
      refuse(name, "unknown parameter {}{}", shown(name), suggest(name, names));
    }
    for (std::size_t j = 0; j < i; ++j) {
      if (given[j].name == name) refuse(name, "{} is given more than once; give it once", name);
    }
  }
}

std::optional<std::string_view> Parameters::find(std::string_view name) const {
  for (const QueryParameter& parameter : request_->parameters) {
    if (parameter.name == name) return parameter.value;
  }
  return std::nullopt;
}

std::int64_t Parameters::integer(std::string_view name, std::int64_t fallback, std::int64_t min, std::int64_t max) const {
  const auto text = find(name);
  if (!text) return fallback;
  const auto number = parse_integer(*text);
  if (!number || *number < min || *number > max) {
    refuse(name, "{} is {}, expected an integer from {} to {}", name, shown(*text), min, max);
  }
  return *number;
}

bool Parameters::flag(std::string_view name) const {
  const auto text = find(name);
  if (!text || *text == "false") return false;
  if (*text == "true") return true;
  refuse(name, "{} is {}, expected true or false", name, shown(*text));
}

std::size_t Parameters::choice(std::string_view name, std::size_t fallback, std::span<const std::string_view> choices) const {
  const auto text = find(name);
  if (!text) return fallback;
  const auto found = std::ranges::find(choices, *text);
  if (found == choices.end()) refuse(name, "{} is {}, expected one of {}", name, shown(*text), fmt::join(choices, ", "));
  return static_cast<std::size_t>(found - choices.begin());
}

std::optional<std::int64_t> Parameters::id(std::string_view name) const {
  const auto text = find(name);
  if (!text) return std::nullopt;
  const auto number = parse_integer(*text);
  if (!number) refuse(name, "{} is {}, expected a 64-bit integer id", name, shown(*text));
  return number;
}

void Parameters::ids(std::string_view name, std::size_t most, std::vector<std::int64_t>& out) const {
  out.clear();
  const auto text = find(name);
  if (!text || text->empty()) return;
  std::string_view rest = *text;
  for (;;) {
    const std::size_t end = std::min(rest.find(','), rest.size());
    const auto number = parse_integer(rest.substr(0, end));
    if (!number) refuse(name, "{} holds {}, expected 64-bit integer ids parted by commas", name, shown(rest.substr(0, end)));
    if (out.size() == most) refuse(name, "{} holds more than {} ids", name, most);
    out.push_back(*number);
    if (end == rest.size()) return;
    rest.remove_prefix(end + 1);
  }
}

std::int64_t path_id(const Request& request, std::size_t number) {
  const QueryParameter& parameter = request.path_parameters[number];
  check_text(parameter);
  const auto id = parse_integer(parameter.value);
  if (!id) refuse(parameter.name, "{} is {}, expected a 64-bit integer id", parameter.name, shown(parameter.value));
  return *id;
}

}  // namespace lodestone::http
