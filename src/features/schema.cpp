#include "features/schema.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "base/hash.hpp"
#include "features/feature_table.hpp"

namespace lodestone::features {
namespace {

std::string format_fallback(const Feature& feature) {
  return std::isnan(feature.fallback) ? "missing" : fmt::format("{}", feature.fallback);
}

std::string_view group_title(Group group) {
  switch (group) {
    case Group::kUser: return "Of a user";
    case Group::kItem: return "Of an item";
    case Group::kCross: return "Of an item for a user on a page";
    case Group::kRequest: return "Of a request";
  }
  return "";
}

}  // namespace

std::string_view group_name(Group group) {
  switch (group) {
    case Group::kUser: return "user";
    case Group::kItem: return "item";
    case Group::kCross: return "cross";
    case Group::kRequest: return "request";
  }
  return "";
}

std::string_view type_name(Type type) { return type == Type::kFloat ? "float" : "category"; }

std::span<const Feature> all_features() { return feature_table(); }

std::span<const Feature> features_of(Group group) {
  static const auto by_group = [] {
    std::array<std::span<const Feature>, 4> out;
    const std::span<const Feature> all = all_features();
    for (std::size_t g = 0; g < out.size(); ++g) {
      const auto is_of = [g](const Feature& f) { return f.group == static_cast<Group>(g); };
      const auto begin = std::find_if(all.begin(), all.end(), is_of);
      out[g] = {begin, std::find_if_not(begin, all.end(), is_of)};
    }
    return out;
  }();
  return by_group[static_cast<std::size_t>(group)];
}

std::optional<std::size_t> find_feature(Group group, std::string_view name) {
  const std::span<const Feature> features = features_of(group);
  const auto it = std::find_if(features.begin(), features.end(), [&](const Feature& f) { return f.name == name; });
  if (it == features.end()) return std::nullopt;
  return static_cast<std::size_t>(it - features.begin());
}

std::string schema_hash() {
  Sha256 hash;
  for (const Feature& feature : all_features()) {
    hash.update(fmt::format("{}\t{}\t{}\t{}\n", feature.name, type_name(feature.type), feature.domain, format_fallback(feature)));
  }
  return to_hex(hash.finish());
}

std::string format_feature_document() {
  std::string out =
      "# Features\n\n"
      "Printed by `lodestone features list --markdown`; the table is `src/features/feature_table.cpp`. Everything is computed as "
      "of one time: "
      "nothing later counts. The value where a feature is missing stands under \"default\"; \"missing\" stays so, and the trees "
      "learn a side for it. "
      "Categories are small whole numbers; features of one domain share their codes, 0 is a rare text.\n";
  for (const Group group : {Group::kUser, Group::kItem, Group::kCross, Group::kRequest}) {
    const std::span<const Feature> features = features_of(group);
    out += fmt::format("\n## {} ({})\n\n| name | type | default | from | what it is |\n|---|---|---|---|---|\n",
                       group_title(group), features.size());
    for (const Feature& f : features) {
      const std::string type = f.domain.empty() ? std::string(type_name(f.type)) : fmt::format("category of {}", f.domain);
      out += fmt::format("| `{}` | {} | {} | {} | {} |\n", f.name, type, format_fallback(f), f.source, f.doc);
    }
  }
  return out + fmt::format("\nSHA-256 of the schema: `{}`\n", schema_hash());
}

}  // namespace lodestone::features
