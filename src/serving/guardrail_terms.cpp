#include "serving/guardrail_terms.hpp"

#include <fmt/core.h>

namespace lodestone::serving {
namespace {

constexpr double kMaxRise = 100;
constexpr double kMaxAlpha = 0.5;
constexpr double kMaxSeconds = 60;

double read_within(const Yaml& node, double fallback, double low, double high) {
  if (!node.is_defined()) return fallback;
  const double value = node.as_double(fallback);
  if (!(value >= low && value <= high)) node.error(fmt::format("{} is outside {}..{}", value, low, high));
  return value;
}

Guardrail read_one(const Yaml& node, GuardrailKind kind) {
  Guardrail out;
  out.kind = kind;
  const bool drops = is_bad_to_drop(kind);
  const std::string key = drops ? "max_drop" : "max_rise";
  if (!node.is_map()) {
    node.error(fmt::format("a guardrail is a map, {{{}: 0.1}}", key));
    return out;
  }
  const bool has_seconds = kind == GuardrailKind::kSlowRate;
  node.only(has_seconds ? std::vector<std::string>{key, "seconds"} : std::vector<std::string>{key});
  out.tolerance = read_within(node.require(key), 0, 0, drops ? 0.99 : kMaxRise);
  if (has_seconds) out.slow_seconds = read_within(node.get("seconds"), out.slow_seconds, 0, kMaxSeconds);
  return out;
}

}  // namespace

GuardrailTerms read_guardrails(const Yaml& node) {
  GuardrailTerms out;
  if (!node.is_defined()) return out;
  if (!node.is_map()) {
    node.error("guardrails are a map, {click_rate: {max_drop: 0.1}}");
    return out;
  }
  std::vector<std::string> known = {"alpha", "min_exposures"};
  for (std::size_t k = 0; k < kGuardrailKinds; ++k) {
    const auto kind = static_cast<GuardrailKind>(k);
    known.emplace_back(guardrail_name(kind));
    const Yaml one = node.get(guardrail_name(kind));
    if (one.is_defined()) out.guardrails.push_back(read_one(one, kind));
  }
  out.alpha = read_within(node.get("alpha"), out.alpha, 1e-9, kMaxAlpha);
  out.min_exposures = static_cast<std::uint64_t>(
      node.get("min_exposures").as_int(static_cast<std::int64_t>(out.min_exposures), 1, 1'000'000'000));
  node.only(known);
  if (out.guardrails.empty()) node.error("there is no guardrail, such as click_rate: {max_drop: 0.1}");
  return out;
}

}  // namespace lodestone::serving
