#include "bundle/feature_facts.hpp"

#include <cmath>

#include "base/error.hpp"
#include "base/json.hpp"

namespace lodestone::bundle {
namespace {

using features::FeatureBins;
using features::RowReference;

constexpr std::string_view kCandidates = "candidates";
constexpr std::string_view kShown = "shown";

template <typename Number>
json::Value numbers(const std::vector<Number>& values) {
  json::Array out;
  for (const Number value : values) out.emplace_back(static_cast<double>(value));
  return json::Value(std::move(out));
}

[[noreturn]] void refuse(const std::string& file, std::string_view what) {
  fail(ErrorCode::kCorrupt, "{}: {}; publish again", file, what);
}

const json::Array& array_of(const json::Value& parent, const char* name, const std::string& file) {
  const json::Value* found = parent.find(name);
  if (found == nullptr || found->as_array() == nullptr) refuse(file, fmt::format("{} is no list", name));
  return *found->as_array();
}

const std::string& text_of(const json::Value& parent, const char* name, const std::string& file) {
  const json::Value* found = parent.find(name);
  if (found == nullptr || found->as_string() == nullptr) refuse(file, fmt::format("{} is no text", name));
  return *found->as_string();
}

FeatureBins parse_bins(const json::Value& row, const std::string& file) {
  FeatureBins out;
  out.name = text_of(row, "name", file);
  for (const json::Value& value : array_of(row, "edges", file)) {
    const auto number = value.as_number();
    const float edge = number ? static_cast<float>(*number) : NAN;
    if (!std::isfinite(edge) || (!out.edges.empty() && edge <= out.edges.back()))
      refuse(file, fmt::format("the edges of {} do not rise", out.name));
    out.edges.push_back(edge);
  }
  for (const json::Value& value : array_of(row, "shares", file)) {
    const auto number = value.as_number();
    if (!number || !(*number >= 0 && *number <= 1)) refuse(file, fmt::format("a share of {} is not between 0 and 1", out.name));
    out.shares.push_back(*number);
  }
  if (out.shares.size() != out.n_bins())
    refuse(file, fmt::format("{} has {} shares for {} bins", out.name, out.shares.size(), out.n_bins()));
  return out;
}

}  // namespace

std::string format_feature_facts(const FeatureFacts& facts) {
  json::Array features;
  for (const FeatureBins& bins : facts.reference.features) {
    json::Value row = json::Object{};
    row.set("name", json::Value(bins.name));
    row.set("edges", numbers(bins.edges));
    row.set("shares", numbers(bins.shares));
    features.push_back(std::move(row));
  }
  json::Value out = json::Object{};
  out.set("as_of", json::Value(format_rfc3339(facts.as_of)));
  out.set("reference_rows", json::Value(std::string(facts.reference.of == RowReference::Of::kShown ? kShown : kCandidates)));
  out.set("reference_depth", json::Value(static_cast<std::int64_t>(facts.reference.depth)));
  out.set("reference", json::Value(std::move(features)));
  return json::format(out, 1) + "\n";
}

FeatureFacts parse_feature_facts(std::string_view text, const std::string& file) {
  json::Value document;
  try {
    document = json::parse(text, file);
  } catch (const Error& error) {
    fail(ErrorCode::kCorrupt, "{}", error.message());
  }
  FeatureFacts out;
  const std::optional<TimePoint> as_of = parse_time(text_of(document, "as_of", file));
  if (!as_of) refuse(file, "as_of is no time");
  out.as_of = *as_of;
  const std::string& rows = text_of(document, "reference_rows", file);
  if (rows != kCandidates && rows != kShown)
    refuse(file, fmt::format("reference_rows \"{}\" is neither candidates nor shown", rows));
  out.reference.of = rows == kShown ? RowReference::Of::kShown : RowReference::Of::kCandidates;
  const json::Value* depth = document.find("reference_depth");
  const auto n = depth == nullptr ? std::nullopt : depth->as_number();
  if (!n || !(*n >= 0 && *n <= 1e6)) refuse(file, "reference_depth is not between 0 and 10^6");
  out.reference.depth = static_cast<std::size_t>(*n);
  for (const json::Value& row : array_of(document, "reference", file)) out.reference.features.push_back(parse_bins(row, file));
  return out;
}

}  // namespace lodestone::bundle
