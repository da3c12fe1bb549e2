#include "base/config.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <set>

#include "base/error.hpp"
#include "base/hash.hpp"
#include "base/json.hpp"
#include "base/nearest.hpp"
#include "base/yaml.hpp"

namespace lodestone {
namespace {

std::string section_of(const std::string& path) { return path.substr(0, path.find('.')); }
std::string name_of(const std::string& path) { return path.substr(path.find('.') + 1); }

std::string variable_of(const std::string& path) {
  std::string out = "LODESTONE_";
  for (const char c : path) out += c == '.' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return out;
}

std::vector<std::string> split_commas(std::string_view text) {
  std::vector<std::string> out;
  while (!text.empty()) {
    const std::size_t comma = std::min(text.find(','), text.size());
    std::string_view part = text.substr(0, comma);
    while (!part.empty() && part.front() == ' ') part.remove_prefix(1);
    while (!part.empty() && part.back() == ' ') part.remove_suffix(1);
    if (!part.empty()) out.emplace_back(part);
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  return out;
}

std::optional<double> parse_number(const std::string& text) {
  double value = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || code != std::errc() || end != text.data() + text.size() || !std::isfinite(value)) return std::nullopt;
  return value;
}

/// What is wrong with a value, or "".
std::string complaint(const ConfigKey& key, const std::string& value) {
  switch (key.kind) {
    case ConfigKind::kText:
    case ConfigKind::kPath:
    case ConfigKind::kTexts: return json::is_utf8(value) ? "" : "is no UTF-8 text; save the file as UTF-8";
    case ConfigKind::kFlag:
      return value == "true" || value == "false" ? "" : fmt::format("\"{}\" is neither true nor false", value);
    case ConfigKind::kChoice:
      if (std::find(key.choices.begin(), key.choices.end(), value) != key.choices.end()) return "";
      return fmt::format("\"{}\" is none of {}", value, fmt::join(key.choices, ", "));
    case ConfigKind::kInteger:
    case ConfigKind::kNumber: break;
  }
  if (std::find(key.choices.begin(), key.choices.end(), value) != key.choices.end()) return "";
  const auto number = parse_number(value);
  if (!number && !key.choices.empty())
    return fmt::format("\"{}\" is no number and not {}", value, fmt::join(key.choices, " or "));
  if (!number) return fmt::format("\"{}\" is no number", value);
  if (key.kind == ConfigKind::kInteger && *number != std::floor(*number)) return fmt::format("{} is no whole number", value);
  if (*number < key.min || *number > key.max) return fmt::format("{} is outside {}..{}", value, key.min, key.max);
  return "";
}

std::string yaml_text(const ConfigKey& key, const std::string& value) {
  if (key.kind == ConfigKind::kTexts) {
    std::string out = "[";
    for (const std::string& part : split_commas(value)) {
      if (out.size() > 1) out += ", ";
      json::append_string(out, part);
    }
    return out + "]";
  }
  if (key.kind != ConfigKind::kText && key.kind != ConfigKind::kPath) return value;
  std::string out;
  json::append_string(out, value);  // what JSON escapes in a string, YAML reads between double quotes
  return out;
}

void read_environment(const ConfigKey& key, const Config::Environment& environment, ConfigEntry& entry, YamlErrors& errors) {
  std::vector<std::string> names = key.environment;
  names.insert(names.begin(), variable_of(key.path));
  for (const std::string& name : names) {
    const auto value = environment(name);
    if (!value) continue;
    entry.values = key.kind == ConfigKind::kTexts ? split_commas(*value) : std::vector<std::string>{*value};
    entry.origin = "environment " + name;
    if (const std::string wrong = complaint(key, *value); !wrong.empty())
      errors.add(key.path, 0, wrong + " (from " + entry.origin + ")");
    return;
  }
}

void read_file_value(const ConfigKey& key, const Yaml& node, const std::string& file, ConfigEntry& entry) {
  if (!node.is_defined() || node.is_null()) return;
  entry.origin = fmt::format("{}:{}", file, node.line());
  if (key.kind == ConfigKind::kTexts) {
    entry.values = node.as_strings();
    for (const std::string& value : entry.values) {
      if (const std::string wrong = complaint(key, value); !wrong.empty()) node.error(wrong);
    }
    return;
  }
  if (!node.is_scalar()) {
    node.error("must be a single value");
    return;
  }
  entry.values = {node.text()};
  if (const std::string wrong = complaint(key, node.text()); !wrong.empty()) node.error(wrong);
}

void check_unknown(std::span<const ConfigKey> table, const Yaml& root) {
  std::vector<std::string> sections;
  std::map<std::string, std::vector<std::string>> names;
  for (const ConfigKey& key : table) {
    if (names[section_of(key.path)].empty()) sections.push_back(section_of(key.path));
    names[section_of(key.path)].push_back(name_of(key.path));
  }
  root.only(sections);
  for (const std::string& section : sections) root.get(section).only(names[section]);
}

}  // namespace

Config Config::load(std::span<const ConfigKey> table, const std::optional<fs::path>& file, const Environment& environment) {
  if (!file) return read(table, nullptr, "", environment);
  return parse(table, read_file(*file), *file, environment);
}

Config Config::parse(std::span<const ConfigKey> table, const std::string& text, const fs::path& file,
                     const Environment& environment) {
  return read(table, &text, file, environment);
}

Config Config::read(std::span<const ConfigKey> table, const std::string* text, const fs::path& file,
                    const Environment& environment) {
  Config config;
  YamlErrors errors(text != nullptr ? file.string() : "environment");
  config.folder_ = fs::absolute(file.has_parent_path() ? file.parent_path() : fs::path(".")).lexically_normal();
  std::optional<Yaml> root;
  if (text != nullptr) {
    root = Yaml::parse(*text, errors);
    if (root->is_defined() && !root->is_null()) check_unknown(table, *root);
  }
  for (const ConfigKey& key : table) {
    ConfigEntry entry{key.path,
                      key.kind == ConfigKind::kTexts ? split_commas(key.fallback) : std::vector<std::string>{key.fallback},
                      "default"};
    if (root) read_file_value(key, root->get(section_of(key.path)).get(name_of(key.path)), file.filename().string(), entry);
    read_environment(key, environment, entry, errors);
    config.entries_.push_back(std::move(entry));
  }
  errors.throw_if_any();
  return config;
}

const ConfigEntry& Config::entry(std::string_view path) const {
  const auto it = std::find_if(entries_.begin(), entries_.end(), [&](const ConfigEntry& e) { return e.path == path; });
  LODESTONE_ASSERT(it != entries_.end(), "config key {} is not in the table", path);
  return *it;
}

const std::string& Config::text(std::string_view path) const { return entry(path).values.front(); }
std::int64_t Config::integer(std::string_view path) const { return static_cast<std::int64_t>(number(path)); }
double Config::number(std::string_view path) const {
  const auto value = parse_number(text(path));
  LODESTONE_ASSERT(value.has_value(), "config key {} is no number", path);
  return *value;
}
std::optional<double> Config::find_number(std::string_view path) const { return parse_number(text(path)); }
bool Config::flag(std::string_view path) const { return text(path) == "true"; }
const std::vector<std::string>& Config::texts(std::string_view path) const { return entry(path).values; }

fs::path Config::file_path(std::string_view path) const {
  const std::string& value = text(path);
  if (value.empty()) return {};
  return (folder_ / value).lexically_normal();  // an absolute value replaces the folder
}

std::string Config::hash() const {
  std::string all;
  for (const ConfigEntry& e : entries_) all += fmt::format("{}={}\n", e.path, fmt::join(e.values, ","));
  return sha256_hex(all);
}

std::string format_config_file(std::span<const ConfigKey> table, const std::map<std::string, std::string>& values) {
  std::string out =
      "# Lodestone configuration. Every key stands here with its default; each can also be set by the environment\n"
      "# variable LODESTONE_<SECTION>_<KEY>. `lodestone config` prints the effective values and where each came from.\n";
  std::string section;
  for (const ConfigKey& key : table) {
    if (section_of(key.path) != section) {
      section = section_of(key.path);
      out += fmt::format("\n{}:\n", section);
    }
    const auto given = values.find(key.path);
    out += fmt::format("  # {}\n", key.doc);
    if (key.kind == ConfigKind::kChoice) out += fmt::format("  # One of: {}.\n", fmt::join(key.choices, ", "));
    out += fmt::format("  {}: {}\n", name_of(key.path), yaml_text(key, given == values.end() ? key.fallback : given->second));
  }
  return out;
}

std::string format_config_document(std::span<const ConfigKey> table) {
  std::string out =
      "# Configuration\n\nMade by `lodestone config --markdown` from the table in `apps/lodestone/config_keys.cpp`; do not "
      "edit.\n\n"
      "One YAML file: `-c FILE`, else `lodestone.yaml` in the current folder, else these defaults. Every key can also be set by\n"
      "the environment variable `LODESTONE_<SECTION>_<KEY>`, which wins over the file. An unknown key is an error. Relative\n"
      "paths are taken from the folder of the file.\n";
  std::string section;
  for (const ConfigKey& key : table) {
    if (section_of(key.path) != section) {
      section = section_of(key.path);
      out += fmt::format("\n## {}\n\n| key | default | meaning |\n|---|---|---|\n", section);
    }
    std::string doc = key.doc;
    if (key.kind == ConfigKind::kChoice) doc += fmt::format(" One of: {}.", fmt::join(key.choices, ", "));
    if (key.kind == ConfigKind::kInteger || key.kind == ConfigKind::kNumber) {
      doc += key.choices.empty() ? fmt::format(" From {} to {}.", key.min, key.max)
                                 : fmt::format(" From {} to {}, or {}.", key.min, key.max, fmt::join(key.choices, " or "));
    }
    for (const std::string& name : key.environment) doc += fmt::format(" Also `{}`.", name);
    out += fmt::format("| `{}` | `{}` | {} |\n", key.path, yaml_text(key, key.fallback), doc);
  }
  return out;
}

}  // namespace lodestone
