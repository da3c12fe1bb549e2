#include "serving/stopped_variants.hpp"

#include <fmt/core.h>

#include <algorithm>

#include "base/error.hpp"
#include "base/hash.hpp"
#include "base/json.hpp"
#include "bundle/file_lock.hpp"
#include "serving/experiments.hpp"

namespace lodestone::serving {
namespace {

std::string text_of(const json::Value& object, std::string_view key, const fs::path& file) {
  const json::Value* found = object.find(key);
  if (found == nullptr || found->as_string() == nullptr) {
    fail(ErrorCode::kCorrupt,
         "{}: an entry has no text \"{}\"; remove the file, and variants that a guardrail has stopped begin anew", file.string(),
         key);
  }
  return *found->as_string();
}

void append_parameters(std::string& out, const PageParameters& parameters) {
  for (const auto& weight : parameters.weights) out += weight ? fmt::format("|{}", *weight) : "|-";
  out += parameters.ranker ? fmt::format("|{}", *parameters.ranker) : "|-";
  out += parameters.vector_ef ? fmt::format("|{}", *parameters.vector_ef) : "|-";
  out += parameters.diversity ? fmt::format("|{}", *parameters.diversity) : "|-";
  out += parameters.exploration ? fmt::format("|{}", *parameters.exploration) : "|-";
}

void save_stopped(const fs::path& file, const std::vector<StoppedVariant>& stopped) {
  json::Array list;
  for (const StoppedVariant& one : stopped) {
    json::Value entry;
    entry.set("experiment", json::Value(one.experiment));
    entry.set("variant", json::Value(one.variant));
    entry.set("guardrail", json::Value(one.guardrail));
    entry.set("detail", json::Value(one.detail));
    entry.set("at", json::Value(format_rfc3339(one.at)));
    entry.set("fingerprint", json::Value(one.fingerprint));
    list.push_back(std::move(entry));
  }
  json::Value document;
  document.set("stopped", json::Value(std::move(list)));
  write_file_atomic(file, json::format(document, 2) + "\n");
}

}  // namespace

std::string fingerprint_of(const Experiment& experiment) {
  std::string text = fmt::format("{}|{}", experiment.name, experiment.salt);
  for (const ExperimentVariant& variant : experiment.variants) {
    text += fmt::format("\n{}|{}", variant.name, variant.allocation);
    append_parameters(text, variant.parameters);
  }
  text += fmt::format("\n{}|{}", experiment.guardrails.alpha, experiment.guardrails.min_exposures);
  for (const Guardrail& one : experiment.guardrails.guardrails)
    text += fmt::format("\n{}|{}|{}", guardrail_name(one.kind), one.tolerance, one.slow_seconds);
  constexpr std::size_t kDigits = 16;
  return sha256_hex(text).substr(0, kDigits);
}

std::vector<StoppedVariant> load_stopped(const fs::path& file) {
  std::vector<StoppedVariant> out;
  if (!fs::exists(file)) return out;
  const json::Value document = json::parse(read_file(file), file.string());
  const json::Value* list = document.find("stopped");
  if (list == nullptr || list->as_array() == nullptr)
    fail(ErrorCode::kCorrupt,
         "{}: there is no list \"stopped\"; remove the file, and variants that a guardrail has stopped begin anew",
         file.string());
  for (const json::Value& one : *list->as_array()) {
    StoppedVariant entry{text_of(one, "experiment", file),
                         text_of(one, "variant", file),
                         text_of(one, "guardrail", file),
                         text_of(one, "detail", file),
                         {},
                         text_of(one, "fingerprint", file)};
    entry.at = parse_time(text_of(one, "at", file)).value_or(TimePoint{});
    out.push_back(std::move(entry));
  }
  return out;
}

void add_stopped(const fs::path& file, const std::vector<StoppedVariant>& stopped) {
  const bundle::FileLock lock(fs::path(file) += ".lock");
  std::vector<StoppedVariant> all = load_stopped(file);
  for (const StoppedVariant& one : stopped) {
    const bool is_known = std::ranges::any_of(all, [&](const StoppedVariant& other) {
      return other.experiment == one.experiment && other.variant == one.variant && other.fingerprint == one.fingerprint;
    });
    if (!is_known) all.push_back(one);
  }
  save_stopped(file, all);
}

}  // namespace lodestone::serving
