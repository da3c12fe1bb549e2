#include "base/yaml.hpp"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "base/error.hpp"
#include "base/nearest.hpp"

namespace lodestone {

struct Yaml::Node {
  YAML::Node yaml;
};

void YamlErrors::add(std::string_view key_path, int line, std::string_view sentence) {
  std::string where = line > 0 ? fmt::format("{}:{}", file_, line) : file_;
  lines_.push_back(key_path.empty() ? fmt::format("{}: {}", where, sentence)
                                    : fmt::format("{}: {}: {}", where, key_path, sentence));
}

void YamlErrors::throw_if_any() const {
  if (!lines_.empty()) fail(ErrorCode::kInvalidArgument, "{}", fmt::join(lines_, "\n"));
}

Yaml::Yaml(std::shared_ptr<Node> node, std::string path, YamlErrors* errors)
    : node_(std::move(node)), path_(std::move(path)), errors_(errors) {}

Yaml Yaml::parse(std::string_view text, YamlErrors& errors) {
  try {
    return {std::make_shared<Node>(Node{YAML::Load(std::string(text))}), "", &errors};
  } catch (const YAML::ParserException& error) {
    fail(ErrorCode::kInvalidArgument, "{}:{}: no valid YAML: {}", errors.file(), error.mark.line + 1, error.msg);
  }
}

bool Yaml::is_defined() const { return node_ != nullptr && node_->yaml.IsDefined(); }
bool Yaml::is_null() const { return is_defined() && node_->yaml.IsNull(); }
bool Yaml::is_map() const { return is_defined() && node_->yaml.IsMap(); }
bool Yaml::is_list() const { return is_defined() && node_->yaml.IsSequence(); }
bool Yaml::is_scalar() const { return is_defined() && node_->yaml.IsScalar(); }
int Yaml::line() const { return is_defined() ? node_->yaml.Mark().line + 1 : 0; }
void Yaml::error(std::string_view sentence) const { errors_->add(path_, line(), sentence); }

Yaml Yaml::get(std::string_view key) const {
  std::string path = path_.empty() ? std::string(key) : fmt::format("{}.{}", path_, key);
  if (!is_map()) return {nullptr, std::move(path), errors_};
  const YAML::Node& map = node_->yaml;
  const YAML::Node child = map[std::string(key)];
  if (!child.IsDefined()) return {nullptr, std::move(path), errors_};
  return {std::make_shared<Node>(Node{child}), std::move(path), errors_};
}

Yaml Yaml::require(std::string_view key) const {
  Yaml child = get(key);
  if (!child.is_defined()) errors_->add(child.path(), line(), "is missing and must be given");
  return child;
}

std::vector<std::string> Yaml::keys() const {
  std::vector<std::string> out;
  if (!is_map()) return out;
  for (const auto& pair : node_->yaml) out.push_back(pair.first.IsScalar() ? pair.first.Scalar() : "?");
  return out;
}

std::vector<Yaml> Yaml::items() const {
  std::vector<Yaml> out;
  if (!is_list()) return out;
  for (std::size_t i = 0; i < node_->yaml.size(); ++i) {
    out.push_back(Yaml(std::make_shared<Node>(Node{node_->yaml[i]}), fmt::format("{}[{}]", path_, i), errors_));
  }
  return out;
}

void Yaml::only(const std::vector<std::string>& known) const {
  if (!is_defined() || is_null()) return;
  if (!is_map()) {
    error("must be a map of keys");
    return;
  }
  std::vector<std::string> seen;
  for (const std::string& key : keys()) {
    const Yaml child = get(key);
    if (std::find(known.begin(), known.end(), key) == known.end()) {
      errors_->add(child.path(), child.line(), fmt::format("unknown key{}", suggest(key, known)));
    } else if (std::find(seen.begin(), seen.end(), key) != seen.end()) {
      errors_->add(child.path(), child.line(), "is given twice");
    }
    seen.push_back(key);
  }
}

std::string Yaml::text() const { return is_scalar() ? node_->yaml.Scalar() : ""; }

std::string Yaml::as_string(std::string fallback) const {
  if (!is_defined() || is_null()) return fallback;
  if (!is_scalar()) {
    error("must be a text");
    return fallback;
  }
  return text();
}

std::int64_t Yaml::as_int(std::int64_t fallback, std::int64_t min, std::int64_t max) const {
  if (!is_defined() || is_null()) return fallback;
  const std::string given = text();
  std::int64_t value = 0;
  const auto [end, code] = std::from_chars(given.data(), given.data() + given.size(), value);
  if (!is_scalar() || given.empty() || code != std::errc() || end != given.data() + given.size()) {
    error(fmt::format("\"{}\" is no whole number", given));
    return fallback;
  }
  if (value < min || value > max) {
    error(fmt::format("{} is outside {}..{}", value, min, max));
    return fallback;
  }
  return value;
}

double Yaml::as_double(double fallback) const {
  if (!is_defined() || is_null()) return fallback;
  const std::string given = text();
  double value = 0;
  const auto [end, code] = std::from_chars(given.data(), given.data() + given.size(), value);
  if (!is_scalar() || given.empty() || code != std::errc() || end != given.data() + given.size()) {
    error(fmt::format("\"{}\" is no number", given));
    return fallback;
  }
  return value;
}

bool Yaml::as_bool(bool fallback) const {
  if (!is_defined() || is_null()) return fallback;
  const std::string given = text();
  if (given == "true") return true;
  if (given == "false") return false;
  error(fmt::format("\"{}\" is neither true nor false", given));
  return fallback;
}

std::vector<std::string> Yaml::as_strings() const {
  std::vector<std::string> out;
  if (is_scalar()) {
    out.push_back(text());
  } else if (is_list()) {
    for (const Yaml& item : items()) {
      if (!item.is_scalar()) item.error("must be a text");
      out.push_back(item.text());
    }
  } else if (is_defined() && !is_null()) {
    error("must be a text or a list of texts");
  }
  return out;
}

}  // namespace lodestone
