#pragma once
// The features of all users and items at one time, made from the canonical tables of a lake by the queries of sql/features/. Nothing later than that
// time counts, so that rows for training are what serving would have seen.

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "features/schema.hpp"
#include "table/engine.hpp"

namespace lodestone::features {

/// Features of users or of items in the order of the schema, float32 [n_rows, n_features]; NaN = missing.
struct FeatureTable {
  Group group = Group::kUser;
  std::vector<std::int64_t> ids;  ///< ascending
  std::vector<float> values;      ///< row by row

  [[nodiscard]] std::size_t n_features() const { return features_of(group).size(); }
  [[nodiscard]] std::span<const float> row(std::size_t at) const {
    return std::span(values).subspan(at * n_features(), n_features());
  }
  /// Place of an id; nothing when it has no row.
  [[nodiscard]] std::optional<std::size_t> find(std::int64_t id) const;
};

/// Texts of categories by domain: place = code. Code 0 is "", a text that is too rare for a code.
using Vocabularies = std::map<std::string, std::vector<std::string>, std::less<>>;

/// Texts of a domain that get a code of their own, the most frequent first: a split over categories grows with the largest code.
inline constexpr std::size_t kMaxCategories = 1000;

struct FeatureSet {
  TimePoint as_of;
  FeatureTable users;
  FeatureTable items;
  Vocabularies vocabularies;
};

struct BuildOptions {
  fs::path sql_folder;           ///< its features/NAME.sql replace the built-in ones; "" = none
  table::Parameters parameters;  ///< of the queries besides as_of: smoothing
  std::uint64_t events_per_slice =
      25'000'000;           ///< one more pass over the events for each so many; a pass takes 12 bytes an event it counts
  int n_threads = 0;        ///< besides those of the engine; 0 = usable cores
  Vocabularies known = {};  ///< their texts keep their codes: a ranker knows categories by code only
};

/// Time of the newest event, exposures aside: they go on while the sources stand still, and time would seem to pass in which nobody did anything.
/// Nothing without events. `engine` knows the canonical tables.
std::optional<TimePoint> newest_event(table::Engine& engine);

/// Counts the events in one pass (event_counts.hpp, taste.hpp) and runs the queries, all as temporary tables feature_NAME of `engine`, which knows items,
/// users, events, item_images and attributions; they are dropped again. Throws contract when a key that is joined on is not unique, or when a query lacks a feature of the schema or has one too many.
FeatureSet build_features(table::Engine& engine, const BuildOptions& options, TimePoint as_of);

/// Writes a table of the set as Parquet for analysts: user_id or item_id, then the features by name, categories as text, missing ones as null.
/// Atomic; returns the rows.
std::uint64_t write_features(table::Engine& engine, const FeatureSet& set, const FeatureTable& table, const fs::path& path);

}  // namespace lodestone::features
