#pragma once
// The one table of all features: what training fits on and serving computes, in this order and under these names. Names are stable: a
// feature that changes its meaning gets a new name, so that a model and a release that do not fit each other are told apart by the hash.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace lodestone::features {

/// Whose property it is: one vector a user, one an item, one a pair of both (with the page item), one a request.
enum class Group : std::uint8_t { kUser, kItem, kCross, kRequest };

/// kCategory: a small whole number, the code of a text in the vocabulary of the feature's domain (0 = a rare text).
enum class Type : std::uint8_t { kFloat, kCategory };

struct Feature {
  std::string_view name;  ///< snake_case, begins with the group's name
  Group group = Group::kUser;
  Type type = Type::kFloat;
  std::string_view domain;  ///< of a category: features of one domain share their codes; "" for numbers
  float fallback = 0;       ///< the value where it is missing; NaN = it stays missing, which the trees take as such
  std::string_view source;  ///< tables and columns it is made from
  std::string_view doc;     ///< what it is, with its unit
};

/// "user", "item", "cross", "request".
std::string_view group_name(Group group);
/// "float", "category".
std::string_view type_name(Type type);

/// All features: users, then items, crosses, requests. The order within a group is that of its vectors.
std::span<const Feature> all_features();
/// Those of one group.
std::span<const Feature> features_of(Group group);
/// Place of a name within its group; nothing when there is no such feature.
std::optional<std::size_t> find_feature(Group group, std::string_view name);

/// SHA-256 (hex) over name, type, domain and fallback of all, in order. What is said about them does not count.
std::string schema_hash();

/// docs/features.md: one table a group.
std::string format_feature_document();

}  // namespace lodestone::features
