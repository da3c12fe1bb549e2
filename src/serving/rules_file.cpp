#include "serving/rules_file.hpp"

#include <fmt/core.h>

#include <array>
#include <memory>

#include "base/error.hpp"
#include "base/log.hpp"
#include "base/nearest.hpp"
#include "base/yaml.hpp"

namespace lodestone::serving {
namespace {

using engine::PageKind;

constexpr double kMaxFactor = 1'000;
constexpr double kMinFactor = 0.001;
constexpr std::int64_t kMaxPosition = 50;
constexpr std::int64_t kMaxQuota = 1'000;
constexpr std::array<std::pair<std::string_view, PageKind>, engine::kPageKinds> kPages = {{{"similar", PageKind::kSimilar},
                                                                                           {"detail", PageKind::kDetail},
                                                                                           {"user", PageKind::kUser},
                                                                                           {"trending", PageKind::kTrending},
                                                                                           {"search", PageKind::kSearch}}};
constexpr std::array<std::string_view, 3> kUsual = {"similar", "detail", "user"};

std::optional<engine::Filter> read_filter(const Yaml& node) {
  try {
    return engine::Filter::parse(node.as_string(""));
  } catch (const Error& error) {
    node.error(error.message());
    return std::nullopt;
  }
}

std::vector<engine::Filter> read_filters(const Yaml& list) {
  std::vector<engine::Filter> out;
  if (!list.is_defined()) return out;
  if (!list.is_list()) list.error("expected a list of filters, ['company=\"x\"']");
  for (const Yaml& node : list.items()) {
    if (auto filter = read_filter(node)) out.push_back(std::move(*filter));
  }
  return out;
}

/// The maps of a list, each with these keys.
std::vector<Yaml> maps_of(const Yaml& list, const std::vector<std::string>& keys) {
  std::vector<Yaml> out;
  if (!list.is_defined()) return out;
  if (!list.is_list()) list.error("expected a list");
  for (const Yaml& node : list.items()) {
    if (!node.is_map()) {
      node.error(fmt::format("expected a map with {} and {}", keys[0], keys[1]));
      continue;
    }
    node.only(keys);
    out.push_back(node);
  }
  return out;
}

engine::PageKindSet read_pages(const Yaml& node) {
  std::vector<std::string> names = node.as_strings();
  if (!node.is_defined()) names.assign(kUsual.begin(), kUsual.end());
  const std::vector<std::string> known = {"similar", "detail", "user", "trending", "search"};
  engine::PageKindSet out = 0;
  for (const std::string& name : names) {
    bool found = false;
    for (const auto& [page, kind] : kPages) {
      if (page != name) continue;
      out = static_cast<engine::PageKindSet>(out | 1U << static_cast<unsigned>(kind));
      found = true;
    }
    if (!found) node.error(fmt::format("\"{}\" is no page{}", name, suggest(name, known)));
  }
  return out;
}

void read_pins(const Yaml& list, engine::Rule& out) {
  for (const Yaml& node : maps_of(list, {"dataset_id", "position"})) {
    engine::Pin pin;
    pin.item = ItemId(node.require("dataset_id").as_int(0, INT64_MIN, INT64_MAX));
    pin.position = static_cast<std::size_t>(node.get("position").as_int(1, 1, kMaxPosition));
    out.pins.push_back(pin);
  }
}

void read_boosts(const Yaml& list, engine::Rule& out) {
  for (const Yaml& node : maps_of(list, {"filter", "factor"})) {
    auto filter = read_filter(node.require("filter"));
    const Yaml factor = node.require("factor");
    const double value = factor.as_double(1);
    if (!(value >= kMinFactor && value <= kMaxFactor))
      factor.error(fmt::format("{} is outside {}..{}", value, kMinFactor, kMaxFactor));
    if (filter) out.boosts.push_back({std::move(*filter), value});
  }
}

void read_quotas(const Yaml& list, engine::Rule& out) {
  for (const Yaml& node : maps_of(list, {"by", "most"})) {
    const Yaml by = node.require("by");
    const std::vector<std::string> known = {"company", "category"};
    const std::string text = by.as_string(known[0]);
    if (text != known[0] && text != known[1]) by.error(fmt::format("\"{}\" is no quota{}", text, suggest(text, known)));
    const auto field = text == known[1] ? engine::QuotaField::kCategory : engine::QuotaField::kCompany;
    out.quotas.push_back({field, static_cast<std::size_t>(node.require("most").as_int(1, 1, kMaxQuota))});
  }
}

engine::Rule read_rule(const Yaml& node, const std::string& name) {
  engine::Rule out;
  out.name = name;
  node.only({"description", "pages", "when", "pin", "boost", "bury", "quota", "status"});
  out.pages = read_pages(node.get("pages"));
  if (const Yaml when = node.get("when"); when.is_defined()) out.when = read_filter(when);
  read_pins(node.get("pin"), out);
  read_boosts(node.get("boost"), out);
  out.buried = read_filters(node.get("bury"));
  read_quotas(node.get("quota"), out);
  return out;
}

bool is_active(const Yaml& node) {
  const Yaml status = node.get("status");
  const std::vector<std::string> known{"active", "paused"};
  const std::string text = status.as_string(known[0]);
  if (text != known[0] && text != known[1]) status.error(fmt::format("\"{}\" is no status{}", text, suggest(text, known)));
  return text != known[1];
}

}  // namespace

engine::RuleBook parse_rules(std::string_view text, std::string_view name) {
  YamlErrors errors{std::string(name)};
  const Yaml root = Yaml::parse(text, errors);
  engine::RuleBook out;
  if (root.is_defined() && !root.is_null()) {
    root.only({"hide", "rules"});
    out.hidden = read_filters(root.get("hide"));
    const Yaml map = root.get("rules");
    if (map.is_defined() && !map.is_null() && !map.is_map()) map.error("rules are a map of their names");
    std::size_t n_pins = 0;
    for (const std::string& key : map.is_map() ? map.keys() : std::vector<std::string>{}) {
      const Yaml node = map.get(key);
      if (!node.is_map()) {
        node.error("a rule is a map of pages, when, pin, boost, bury, quota");
        continue;
      }
      engine::Rule rule = read_rule(node, key);
      n_pins += rule.pins.size();
      if (is_active(node)) out.rules.push_back(std::move(rule));
    }
    if (n_pins > engine::kMaxPins)
      map.error(fmt::format("the rules pin {} items, at most {} are allowed", n_pins, engine::kMaxPins));
  }
  errors.throw_if_any();
  return out;
}

void RulesFile::look() {
  const FileFollower::Look look = file_.look([this](std::string_view text, const std::string& name) {
    auto book = std::make_shared<const engine::RuleBook>(parse_rules(text, name));
    log_info("serving", "{} rules, and {} filters hide items", book->rules.size(), book->hidden.size());
    releases_->set_rules(std::move(book));
  });
  if (look == FileFollower::Look::kSame) return;
  metrics_->count_file_read(WatchedFile::kRules, look == FileFollower::Look::kTaken ? ServingMetrics::Reload::kLoaded
                                                                                    : ServingMetrics::Reload::kRefused);
}

}  // namespace lodestone::serving
