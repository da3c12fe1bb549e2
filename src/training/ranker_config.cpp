#include "training/ranker_config.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string>

#include "base/error.hpp"
#include "base/nearest.hpp"
#include "base/yaml.hpp"
#include "training/embedded_rankers.hpp"

namespace lodestone::training {
namespace {

/// Names stand in file names, reports and metrics.
void check_name(const Yaml& node, const std::string& name) {
  const auto is_good = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-'; };
  if (name.empty() || !std::all_of(name.begin(), name.end(), is_good))
    node.error("the name of a ranker is made of a-z, 0-9, _ and -");
}

void read_int(const Yaml& map, std::string_view key, int min, int max, int& out) {
  out = static_cast<int>(map.get(key).as_int(out, min, max));
}

void read_share(const Yaml& map, std::string_view key, double& out) {
  const Yaml node = map.get(key);
  const double value = node.as_double(out);
  if (!(value > 0 && value <= 1)) return node.error(fmt::format("{} is not above 0 and up to 1", value));
  out = value;
}

void read_weight(const Yaml& map, std::string_view key, double& out) {
  constexpr double kMost = 1e6;
  const Yaml node = map.get(key);
  const double value = node.as_double(out);
  if (!(value >= 0 && value <= kMost)) return node.error(fmt::format("{} is outside 0..{}", value, kMost));
  out = value;
}

void read_objective(const Yaml& node, RankerObjective& out) {
  const std::vector<std::string> known{"lambdarank", "binary"};
  const std::string text = node.as_string(known[0]);
  if (text == known[0]) {
    out = RankerObjective::kLambdaRank;
  } else if (text == known[1]) {
    out = RankerObjective::kBinary;
  } else {
    node.error(fmt::format("\"{}\" is no objective{}", text, suggest(text, known)));
  }
}

RankerConfig read_ranker(const Yaml& node, const std::string& name) {
  RankerConfig out;
  out.name = name;
  check_name(node, name);
  if (!node.is_map() && !node.is_null()) {
    node.error("a ranker is a map of settings, {n_estimators: 100, num_leaves: 31, ...}");
    return out;
  }
  node.only({"objective", "n_estimators", "max_depth", "num_leaves", "learning_rate", "min_child_samples", "subsample",
             "colsample_bytree", "reg_alpha", "reg_lambda", "early_stopping", "seed"});
  read_objective(node.get("objective"), out.objective);
  read_int(node, "n_estimators", 1, 10'000, out.trees);
  read_int(node, "max_depth", -1, 1000, out.max_depth);
  if (out.max_depth == 0) node.get("max_depth").error("0 splits make no tree; take 1 or more, or -1 for any");
  read_int(node, "num_leaves", 2, 131'072, out.leaves);
  read_share(node, "learning_rate", out.learning_rate);
  read_int(node, "min_child_samples", 1, 1'000'000'000, out.min_rows_in_leaf);
  read_share(node, "subsample", out.row_share);
  read_share(node, "colsample_bytree", out.feature_share);
  read_weight(node, "reg_alpha", out.l1);
  read_weight(node, "reg_lambda", out.l2);
  read_int(node, "early_stopping", 0, 10'000, out.early_stopping);
  read_int(node, "seed", 0, 2'147'483'647, out.seed);
  return out;
}

}  // namespace

std::vector<RankerConfig> parse_ranker_configs(std::string_view yaml, std::string_view name) {
  YamlErrors errors{std::string(name)};
  const Yaml root = Yaml::parse(yaml, errors);
  std::vector<RankerConfig> out;
  const std::vector<std::string> names = root.keys();
  if (names.empty()) {
    errors.add("", 0, "holds no ranker; write a name and its settings, baseline: {n_estimators: 100}");
  } else {
    root.only(names);  // one name twice
  }
  for (const std::string& ranker : names) out.push_back(read_ranker(root.get(ranker), ranker));
  errors.throw_if_any();
  return out;
}

std::vector<RankerConfig> default_ranker_configs() {
  const auto files = embedded_rankers();
  LODESTONE_ASSERT(files.size() == 1, "{} files of rankers", files.size());
  return parse_ranker_configs(files[0].text, "config/rankers.yaml");
}

}  // namespace lodestone::training
