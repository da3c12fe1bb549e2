#include "bundle/trial.hpp"

#include <algorithm>
#include <array>

#include "base/error.hpp"
#include "base/json.hpp"
#include "bundle/bundle.hpp"

namespace lodestone::bundle {
namespace {

constexpr std::array<std::string_view, 2> kModes = {"rollout", "shadow"};

[[noreturn]] void refuse(std::string_view name, std::string_view what) {
  fail(ErrorCode::kCorrupt, "{}: {}; remove the file, then start the trial again", name, what);
}

const std::string& text_of(const json::Value& document, std::string_view key, std::string_view name) {
  const json::Value* value = document.find(key);
  if (value == nullptr || value->as_string() == nullptr) refuse(name, fmt::format("\"{}\" is no text", key));
  return *value->as_string();
}

}  // namespace

std::string_view trial_mode_name(TrialMode mode) { return kModes[static_cast<std::size_t>(mode)]; }

std::string format_trial(const Trial& trial) {
  std::string out;
  json::Writer writer(out);
  writer.begin_object().key("id").value(std::string_view(trial.id)).key("mode").value(trial_mode_name(trial.mode));
  writer.key("share").value(trial.share).key("run_id").value(std::string_view(trial.run_id));
  if (trial.max_drop) writer.key("max_drop").value(*trial.max_drop);
  if (trial.max_rise) writer.key("max_rise").value(*trial.max_rise);
  writer.end_object();
  return out + "\n";
}

Trial parse_trial(std::string_view text, std::string_view name) {
  const json::Value document = json::parse(text, name);
  Trial trial;
  trial.id = text_of(document, "id", name);
  if (!is_bundle_id(trial.id)) refuse(name, fmt::format("\"{}\" is no bundle id", trial.id));
  const std::string& mode = text_of(document, "mode", name);
  const auto found = std::ranges::find(kModes, mode);
  if (found == kModes.end()) refuse(name, fmt::format("mode \"{}\" is neither rollout nor shadow", mode));
  trial.mode = static_cast<TrialMode>(found - kModes.begin());
  const json::Value* share = document.find("share");
  trial.share = share == nullptr ? 0 : share->as_number().value_or(0);
  if (!(trial.share > 0 && trial.share <= 1)) refuse(name, "share is not above 0 and up to 1");
  trial.run_id = text_of(document, "run_id", name);
  const auto read_limit = [&](std::string_view key, std::optional<double>& limit) {
    const json::Value* value = document.find(key);
    if (value == nullptr) return;
    limit = value->as_number();
    if (!limit || !(*limit >= 0)) refuse(name, fmt::format("{} is no number from 0 on", key));
  };
  read_limit("max_drop", trial.max_drop);
  read_limit("max_rise", trial.max_rise);
  return trial;
}

}  // namespace lodestone::bundle
