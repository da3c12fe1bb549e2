#include "serving/reload_order.hpp"

#include <fmt/core.h>

#include <utility>
#include <vector>

#include "base/json.hpp"
#include "base/nearest.hpp"
#include "bundle/bundle.hpp"
#include "http/problem.hpp"
#include "serving/guardrail.hpp"

namespace lodestone::serving {

namespace {

constexpr std::size_t kMaxRunId = 200;

[[noreturn]] void refuse(std::string_view key, std::string sentence) {
  throw http::ParameterError(std::string(key), std::move(sentence));
}

const std::string& text_of(const json::Member& member) {
  const std::string* text = member.value.as_string();
  if (text == nullptr) refuse(member.key, fmt::format("{} is {}, expected a text", member.key, json::format(member.value)));
  return *text;
}

double limit_of(const json::Member& member, double most) {
  const auto limit = member.value.as_number();
  if (!limit || !(*limit >= 0 && *limit <= most))
    refuse(member.key, fmt::format("{} is {}, expected a number from 0 to {}", member.key, json::format(member.value), most));
  return *limit;
}

void read_member(const json::Member& member, ReloadOrder& order) {
  if (member.key == "source") {
    order.source = text_of(member);
    if (!bundle::is_bundle_id(*order.source)) {
      refuse("source", fmt::format("source is {}, expected a bundle id like b-20261124T093000Z-1a2b3c4d from GET /models",
                                   json::format(member.value)));
    }
  } else if (member.key == "mode") {
    const std::string& mode = text_of(member);
    order.is_shadow = mode == "shadow";
    if (!order.is_shadow && mode != "primary")
      refuse("mode", fmt::format("mode is {}, expected primary or shadow", json::format(member.value)));
  } else if (member.key == "rollout") {
    const auto rollout = member.value.as_number();
    if (!rollout || !(*rollout >= 0 && *rollout <= 1)) {
      refuse("rollout", fmt::format("rollout is {}, expected a number from 0 to 1", json::format(member.value)));
    }
    order.rollout = *rollout;
  } else if (member.key == "run_id") {
    order.run_id = text_of(member);
    if (order.run_id.size() > kMaxRunId)
      refuse("run_id", fmt::format("run_id has {} bytes, at most {} are allowed", order.run_id.size(), kMaxRunId));
  } else if (member.key == "max_drop") {
    order.max_drop = limit_of(member, RolloutLimits::kNoDrop);
  } else if (member.key == "max_rise") {
    order.max_rise = limit_of(member, RolloutLimits::kNoRise);
  } else {
    const std::vector<std::string> known = {"mode", "source", "rollout", "run_id", "max_drop", "max_rise"};
    refuse(member.key, fmt::format("unknown key {}{}", json::format(json::Value(member.key)), suggest(member.key, known)));
  }
}

}  // namespace

ReloadOrder parse_reload_order(std::string_view body) {
  ReloadOrder order;
  if (body.empty()) return order;
  const json::Value value = json::parse(body, "body");
  if (value.as_object() == nullptr) {
    throw http::ParameterError("", "the body is no JSON object; expected {\"mode\", \"source\", \"rollout\", \"run_id\"}");
  }
  for (const json::Member& member : *value.as_object()) read_member(member, order);
  if (order.is_trial() && !order.source)
    refuse("source", "a shadow or a rollout below 1 needs source, the id of the bundle to try; GET /models lists them");
  return order;
}

}  // namespace lodestone::serving
