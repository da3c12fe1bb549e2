#include "serving/experiments.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>

#include "base/hash.hpp"
#include "base/nearest.hpp"
#include "base/yaml.hpp"
#include "serving/guardrail_terms.hpp"

namespace lodestone::serving {
namespace {

constexpr double kMaxWeight = 100;
constexpr std::int64_t kMinEf = 1;
constexpr std::int64_t kMaxEf = 1'000;
constexpr double kRounding = 1e-9;  // of allocations that are to sum to 1
constexpr std::string_view kControl = "control";
constexpr std::string_view kWeightEnd = "_weight";

/// Names stand in metrics' labels, logs and answers.
void check_name(const Yaml& node, std::string_view what, std::string_view name) {
  const auto is_good = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.';
  };
  if (name.empty() || name.size() > 64 || !std::ranges::all_of(name, is_good))
    node.error(fmt::format("the name of {} has 1 to 64 letters, digits, _, - and .", what));
}

PageParameters read_parameters(const Yaml& map) {
  PageParameters out;
  if (!map.is_defined() || map.is_null()) return out;
  if (!map.is_map()) {
    map.error("parameters are a map, {content_weight: 0.8, ranker: false}");
    return out;
  }
  std::vector<std::string> known = {"ranker", "vector_ef", "diversity", "exploration"};
  for (std::size_t w = 0; w < models::kWeightFields.size(); ++w) {
    known.push_back(std::string(models::kWeightFields[w].name).append(kWeightEnd));
    const Yaml node = map.get(known.back());
    if (!node.is_defined()) continue;
    const double weight = node.as_double(0);
    if (!(weight >= 0 && weight <= kMaxWeight)) node.error(fmt::format("{} is outside 0..{}", weight, kMaxWeight));
    out.weights[w] = weight;
  }
  if (const Yaml node = map.get("ranker"); node.is_defined()) out.ranker = node.as_bool(true);
  if (const Yaml node = map.get("vector_ef"); node.is_defined())
    out.vector_ef = static_cast<std::size_t>(node.as_int(64, kMinEf, kMaxEf));
  const auto read_share = [&](std::string_view key, std::optional<double>& share) {
    const Yaml node = map.get(key);
    if (!node.is_defined()) return;
    share = node.as_double(0);
    if (!(*share >= 0 && *share <= 1)) node.error(fmt::format("{} is outside 0..1", *share));
  };
  read_share("diversity", out.diversity);
  read_share("exploration", out.exploration);
  map.only(known);
  return out;
}

std::vector<ExperimentVariant> read_variants(const Yaml& list) {
  std::vector<ExperimentVariant> out;
  if (!list.is_list() || list.items().empty()) {
    if (list.is_defined()) list.error("variants are a list, - {name: control, allocation: 0.5}");
    return out;
  }
  double sum = 0;
  for (const Yaml& node : list.items()) {
    if (!node.is_map()) {
      node.error("a variant is a map, {name: control, allocation: 0.5}");
      continue;
    }
    ExperimentVariant variant;
    node.only({"name", "allocation", "parameters"});
    variant.name = node.require("name").as_string("");
    check_name(node, "a variant", variant.name);
    if (std::ranges::any_of(out, [&](const ExperimentVariant& other) { return other.name == variant.name; }))
      node.error(fmt::format("there are two variants \"{}\"", variant.name));
    const Yaml allocation = node.require("allocation");
    variant.allocation = allocation.as_double(0);
    if (!(variant.allocation >= 0 && variant.allocation <= 1))
      allocation.error(fmt::format("{} is outside 0..1", variant.allocation));
    variant.parameters = read_parameters(node.get("parameters"));
    sum += variant.allocation;
    out.push_back(std::move(variant));
  }
  if (sum > 1 + kRounding) list.error(fmt::format("the allocations sum to {}, more than 1", sum));
  return out;
}

Experiment read_experiment(const Yaml& node, const std::string& name) {
  Experiment out;
  out.name = name;
  check_name(node, "an experiment", name);
  if (!node.is_map()) {
    node.error("an experiment is a map with status, salt and variants");
    return out;
  }
  node.only({"status", "salt", "variants", "description", "guardrails"});
  const Yaml status = node.require("status");
  const std::vector<std::string> known{"active", "paused"};
  const std::string text = status.as_string(known[1]);
  if (std::ranges::find(known, text) == known.end())
    status.error(fmt::format("\"{}\" is no status{}", text, suggest(text, known)));
  out.is_active = text == known[0];
  out.salt = node.get("salt").as_string(name);
  out.variants = read_variants(node.require("variants"));
  const Yaml guardrails = node.get("guardrails");
  out.guardrails = read_guardrails(guardrails);
  const auto is_control = [](const ExperimentVariant& one) { return one.name == kControl && one.allocation > 0; };
  if (guardrails.is_defined() && std::ranges::none_of(out.variants, is_control))
    guardrails.error("guardrails compare with the variant control, which is missing or has no allocation");
  return out;
}

void refuse_clashes(const std::vector<Experiment>& all, const Yaml& map) {
  std::vector<std::pair<const Experiment*, PageParameters>> sets;  // what each active experiment sets in some variant
  std::size_t n = 1;
  for (const Experiment& one : all) {
    if (!one.is_active) continue;
    PageParameters changes;
    for (const ExperimentVariant& variant : one.variants) changes.add(variant.parameters);
    for (const auto& [other, others] : sets) {
      if (changes.clashes_with(others))
        map.get(one.name).error(fmt::format("it sets a parameter that {} sets too; pause one of them", other->name));
    }
    sets.emplace_back(&one, changes);
    n *= one.variants.size() + 1;
    if (n > Experiments::kMaxAssignments) {
      map.error(fmt::format("the active experiments have more than {} combinations of variants; pause some",
                            Experiments::kMaxAssignments));
      return;
    }
  }
}

}  // namespace

double unit_bucket(std::string_view salt, std::string_view unit) {
  std::string text;
  text.reserve(salt.size() + 1 + unit.size());
  text.append(salt).append(1, ':').append(unit);
  return std::ldexp(static_cast<double>(sha256_prefix(text) >> 32U), -32);
}

bool PageParameters::clashes_with(const PageParameters& other) const {
  bool clash = (ranker && other.ranker) || (vector_ef && other.vector_ef) || (diversity && other.diversity) ||
               (exploration && other.exploration);
  for (std::size_t w = 0; w < weights.size(); ++w) clash = clash || (weights[w] && other.weights[w]);
  return clash;
}

void PageParameters::add(const PageParameters& other) {
  for (std::size_t w = 0; w < weights.size(); ++w) {
    if (other.weights[w]) weights[w] = other.weights[w];
  }
  if (other.ranker) ranker = other.ranker;
  if (other.vector_ef) vector_ef = other.vector_ef;
  if (other.diversity) diversity = other.diversity;
  if (other.exploration) exploration = other.exploration;
}

Experiments Experiments::parse(std::string_view text, std::string_view name) {
  YamlErrors errors{std::string(name)};
  const Yaml root = Yaml::parse(text, errors);
  Experiments out;
  if (root.is_defined() && !root.is_null()) {
    root.only({"experiments"});
    const Yaml map = root.get("experiments");
    if (map.is_defined() && !map.is_null() && !map.is_map()) map.error("experiments are a map of their names");
    if (map.is_map()) {
      for (const std::string& key : map.keys()) out.all_.push_back(read_experiment(map.get(key), key));
      refuse_clashes(out.all_, map);
    }
  }
  errors.throw_if_any();
  out.combine();
  return out;
}

void Experiments::combine() {
  const auto is_active = [](const Experiment& one) { return one.is_active; };
  const bool several = std::ranges::count_if(all_, is_active) > 1;
  for (const Experiment& one : all_) {
    if (!one.is_active) continue;
    const std::size_t n_before = assignments_.size();
    for (const ExperimentVariant& variant : one.variants) {
      for (std::size_t a = 0; a < n_before; ++a) {
        Assignment next = assignments_[a];
        const std::string label = several ? fmt::format("{}:{}", one.name, variant.name) : variant.name;
        next.label = a == 0 ? label : next.label + "+" + label;
        next.parameters.add(variant.parameters);
        assignments_.push_back(std::move(next));
      }
    }
  }
}

std::size_t Experiments::assign(std::string_view unit) const {
  std::size_t place = 0;
  std::size_t radix = 1;
  for (const Experiment& one : all_) {
    if (!one.is_active) continue;
    const double bucket = unit_bucket(one.salt, unit);
    double until = 0;
    for (std::size_t v = 0; v < one.variants.size(); ++v) {
      until += one.variants[v].allocation;
      if (bucket >= until) continue;
      if (one.variants[v].stopped.empty()) place += radix * (v + 1);
      break;
    }
    radix *= one.variants.size() + 1;
  }
  return place;
}

std::optional<std::size_t> Experiments::variant_at(std::size_t place, std::size_t experiment) const {
  if (!all_[experiment].is_active) return std::nullopt;
  for (std::size_t e = 0; e < experiment; ++e) {
    if (all_[e].is_active) place /= all_[e].variants.size() + 1;
  }
  const std::size_t digit = place % (all_[experiment].variants.size() + 1);
  if (digit == 0) return std::nullopt;
  return digit - 1;
}

}  // namespace lodestone::serving
