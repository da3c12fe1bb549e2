#include "table/sql_text.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/nearest.hpp"
#include "table/embedded_sql.hpp"

namespace lodestone::table {
namespace {

std::string doubled(std::string_view text, char quote) {
  std::string out(1, quote);
  for (const char c : text) {
    if (c == quote) out += quote;
    out += c;
  }
  return out + quote;
}

bool is_plain_name(std::string_view text) {
  const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
  if (text.empty() || !is_letter(text.front())) return false;
  return std::all_of(text.begin(), text.end(), [&](char c) { return is_letter(c) || (c >= '0' && c <= '9'); });
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t' || text.back() == '\r')) text.remove_suffix(1);
  return text;
}

std::vector<std::string> split_names(std::string_view text) {
  std::vector<std::string> out;
  while (!text.empty()) {
    const std::size_t comma = text.find(',');
    out.emplace_back(trimmed(text.substr(0, comma)));
    text = comma == std::string_view::npos ? std::string_view() : text.substr(comma + 1);
  }
  return out;
}

ParameterKind parse_kind(std::string_view text, std::string_view origin, std::size_t line_number) {
  if (text == "text") return ParameterKind::kText;
  if (text == "number") return ParameterKind::kNumber;
  if (text == "integer") return ParameterKind::kInteger;
  if (text == "time") return ParameterKind::kTime;
  if (text == "name") return ParameterKind::kName;
  fail(ErrorCode::kInvalidArgument, "{}:{}: \"{}\" is no kind of a parameter; it is one of text, number, integer, time, name",
       origin, line_number, text);
}

template <typename T>
bool is_number(std::string_view text) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() && std::isfinite(static_cast<double>(value));
}

}  // namespace

std::string quote_identifier(std::string_view name) { return doubled(name, '"'); }
std::string quote_literal(std::string_view text) { return doubled(text, '\''); }

std::string quote_identifiers(const std::vector<std::string>& names) {
  std::vector<std::string> quoted;
  for (const std::string& name : names) quoted.push_back(quote_identifier(name));
  return fmt::format("{}", fmt::join(quoted, ", "));
}

std::string sql_type(const Column& column) {
  switch (column.type) {
    case ColumnType::kBool: return "BOOLEAN";
    case ColumnType::kInt32: return "INTEGER";
    case ColumnType::kInt64: return "BIGINT";
    case ColumnType::kDouble: return "DOUBLE";
    case ColumnType::kDecimal: return fmt::format("DECIMAL({},{})", column.precision, column.scale);
    case ColumnType::kText: return "VARCHAR";
    case ColumnType::kBytes: return "BLOB";
    case ColumnType::kTimestamp: return "TIMESTAMP";
    case ColumnType::kDate: return "DATE";
  }
  return "";
}

std::vector<std::string> built_in_queries() {
  std::vector<std::string> names;
  for (const EmbeddedFile& file : embedded_sql()) names.emplace_back(file.name.substr(0, file.name.size() - 4));
  std::sort(names.begin(), names.end());
  return names;
}

SqlFile SqlFile::load(const fs::path& override_folder, const std::string& name) {
  if (!override_folder.empty()) {
    const fs::path path = override_folder / (name + ".sql");
    if (fs::exists(path)) return parse(read_file(path), path.string());
  }
  for (const EmbeddedFile& file : embedded_sql()) {
    if (file.name == name + ".sql") return parse(std::string(file.text), "sql/" + std::string(file.name));
  }
  fail(ErrorCode::kNotFound, "there is no query named {}{}", name, suggest(name, built_in_queries()));
}

SqlFile SqlFile::parse(std::string text, std::string origin) {
  SqlFile file;
  file.origin_ = std::move(origin);
  file.text_ = std::move(text);
  std::size_t line_number = 0;
  for (std::size_t begin = 0; begin < file.text_.size(); ++line_number) {
    const std::size_t end = std::min(file.text_.find('\n', begin), file.text_.size());
    const std::string_view line = std::string_view(file.text_).substr(begin, end - begin);
    if (!line.starts_with("--")) break;
    file.parse_header_line(trimmed(line.substr(2)), line_number + 1);
    begin = end + 1;
  }
  // A name in the text that nobody declared is found here, not by the first user of the query.
  for (std::size_t at = file.text_.find("{{"); at != std::string::npos; at = file.text_.find("{{", at + 2)) {
    const std::size_t end = file.text_.find("}}", at);
    const std::string name = end == std::string::npos ? "" : file.text_.substr(at + 2, end - at - 2);
    const std::vector<std::string> known = file.parameters();
    if (std::find(known.begin(), known.end(), name) == known.end()) {
      fail(ErrorCode::kInvalidArgument, "{}: {{{{{}}}}} is declared by no \"-- param:\" line{}", file.origin_, name,
           suggest(name, known));
    }
  }
  return file;
}

void SqlFile::parse_header_line(std::string_view line, std::size_t line_number) {
  if (line.starts_with("param:")) {
    line = trimmed(line.substr(6));
    const std::size_t blank = line.find(' ');
    const std::size_t equals = line.find('=');
    Declared declared;
    declared.name = std::string(line.substr(0, blank));
    if (blank == std::string_view::npos || !is_plain_name(declared.name)) {
      fail(ErrorCode::kInvalidArgument, "{}:{}: a parameter is declared as \"-- param: NAME KIND = DEFAULT\", found \"{}\"",
           origin_, line_number, line);
    }
    declared.kind =
        parse_kind(trimmed(line.substr(blank, equals == std::string_view::npos ? equals : equals - blank)), origin_, line_number);
    declared.has_fallback = equals != std::string_view::npos;
    if (declared.has_fallback) declared.fallback = std::string(trimmed(line.substr(equals + 1)));
    declared_.push_back(std::move(declared));
  } else if (line.starts_with("unique:")) {
    line = trimmed(line.substr(7));
    const std::size_t open = line.find('(');
    if (open == std::string_view::npos || line.back() != ')') {
      fail(ErrorCode::kInvalidArgument, "{}:{}: a key is declared as \"-- unique: TABLE(COLUMN, ...)\", found \"{}\"", origin_,
           line_number, line);
    }
    unique_keys_.push_back(
        {std::string(trimmed(line.substr(0, open))), split_names(line.substr(open + 1, line.size() - open - 2))});
  }
}

std::vector<std::string> SqlFile::parameters() const {
  std::vector<std::string> names;
  for (const Declared& declared : declared_) names.push_back(declared.name);
  return names;
}

std::string SqlFile::literal(const Declared& declared, const Parameters& values) const {
  const auto found = values.find(declared.name);
  if (found == values.end() && !declared.has_fallback) {
    fail(ErrorCode::kInvalidArgument, "{}: parameter {} has no default and no value was given", origin_, declared.name);
  }
  const std::string& value = found == values.end() ? declared.fallback : found->second;
  const auto refuse = [&](std::string_view wanted) {
    fail(ErrorCode::kInvalidArgument, "{}: parameter {} is \"{}\", it must be {}", origin_, declared.name, value, wanted);
  };
  switch (declared.kind) {
    case ParameterKind::kText: return quote_literal(value);
    case ParameterKind::kNumber:
      if (!is_number<double>(value)) refuse("a number");
      return value;
    case ParameterKind::kInteger:
      if (!is_number<std::int64_t>(value)) refuse("an integer");
      return value;
    case ParameterKind::kTime: {
      const std::optional<TimePoint> at = parse_time(value);
      if (!at) refuse("a time such as 2026-01-31T00:00:00Z");
      std::string text = format_rfc3339(*at);
      text[10] = ' ';
      text.pop_back();
      return "TIMESTAMP " + quote_literal(text);
    }
    case ParameterKind::kName:
      if (!is_plain_name(value)) refuse("a name of letters, digits and underscores");
      return value;
  }
  return "";
}

std::string SqlFile::render(const Parameters& values) const {
  std::string out;
  std::size_t begin = 0;
  for (std::size_t at = text_.find("{{"); at != std::string::npos; at = text_.find("{{", begin)) {
    const std::size_t end = text_.find("}}", at);
    const std::string_view name = std::string_view(text_).substr(at + 2, end - at - 2);
    const auto declared = std::find_if(declared_.begin(), declared_.end(), [&](const Declared& d) { return d.name == name; });
    out.append(text_, begin, at - begin);
    out += literal(*declared, values);
    begin = end + 2;
  }
  return out.append(text_, begin);
}

}  // namespace lodestone::table
