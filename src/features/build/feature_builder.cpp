#include "features/build/feature_builder.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "base/error.hpp"
#include "features/build/event_tables.hpp"
#include "features/build/text_features.hpp"
#include "features/build/vocabulary_builder.hpp"

namespace lodestone::features {
namespace {

using table::Chunk;

constexpr float kMissing = std::numeric_limits<float>::quiet_NaN();

// The queries in the order in which one reads the results of those before it: of the catalogue first, then those that read what was counted.
constexpr std::array<std::string_view, 2> kCatalogueQueries = {"item_prices", "item_tags"};
constexpr std::array<std::string_view, 4> kQueries = {"user", "item_buyers", "item_slots", "item"};
constexpr std::array<std::string_view, 3> kCounted = {"user_events", "item_events", "buyers"};

std::string temporary_name(std::string_view query) { return fmt::format("feature_{}", query); }
std::string id_name(Group group) { return fmt::format("{}_id", group_name(group)); }

/// The temporary tables of a build; they go with it.
class TemporaryTables {
 public:
  TemporaryTables(table::Engine& engine, const BuildOptions& options, const table::Parameters& values)
      : engine_(engine), sql_folder_(options.sql_folder), values_(values) {}
  TemporaryTables(const TemporaryTables&) = delete;
  TemporaryTables& operator=(const TemporaryTables&) = delete;
  ~TemporaryTables() {
    for (const std::string_view name : kCatalogueQueries) drop(name);
    for (const std::string_view name : kCounted) drop(name);
    for (const std::string_view name : kQueries) drop(name);
  }
  /// Makes feature_NAME by features/NAME; returns where that query is from.
  std::string make(std::string_view name) {
    const table::SqlFile query = table::SqlFile::load(sql_folder_, fmt::format("features/{}", name));
    for (const table::UniqueKey& key : query.unique_keys()) table::check_unique(engine_, key, query.origin());
    engine_.execute(fmt::format("CREATE OR REPLACE TEMPORARY TABLE {} AS {}", temporary_name(name), query.render(values_)));
    return query.origin();
  }

 private:
  void drop(std::string_view name) {
    try {
      engine_.execute("DROP TABLE IF EXISTS " + temporary_name(name));
    } catch (const Error&) {  // NOLINT(bugprone-empty-catch): it costs memory until the engine goes, no more
    }
  }

  table::Engine& engine_;
  fs::path sql_folder_;
  const table::Parameters& values_;
};

/// One pass over the events for each slice of the persons; what the queries read of it are tables.
void make_counted_tables(table::Engine& engine, const BuildOptions& options, TimePoint as_of) {
  const auto n_events = static_cast<std::uint64_t>(engine.query_int("SELECT count(*) FROM events").value_or(0));
  const std::uint64_t n_slices = 1 + n_events / options.events_per_slice;
  EventCounts counts;
  const Catalogue catalogue = read_catalogue(engine, counts.items);
  Tastes tastes;
  for (std::uint64_t slice = 0; slice < n_slices; ++slice) {
    count_events(engine, as_of, {slice, n_slices}, counts);
    add_tastes(counts, catalogue, options.n_threads, tastes);
  }
  make_event_tables(engine, counts, catalogue, tastes);
}

using VocabularyBuilders = std::map<std::string, VocabularyBuilder, std::less<>>;

/// Places of the schema that a query fills.
std::vector<std::size_t> columns_of_query(table::Engine& engine, Group group, std::string_view origin) {
  const std::span<const Feature> features = features_of(group);
  std::vector<char> given(features.size());
  for (const table::ResultColumn& column : engine.describe("SELECT * FROM " + temporary_name(group_name(group)))) {
    if (column.name == id_name(group)) continue;
    const std::optional<std::size_t> at = find_feature(group, column.name);
    if (!at) {
      fail(ErrorCode::kContract, "{}: column {} is no {} feature of the schema; lodestone features list shows them", origin,
           column.name, group_name(group));
    }
    given[*at] = 1;
  }
  std::vector<std::size_t> places;
  for (std::size_t f = 0; f < features.size(); ++f) {
    const bool counted = is_text_feature(features[f].name);
    if (given[f] == 0 && !counted) {
      fail(ErrorCode::kContract, "{}: there is no column {}, which the schema has; give it, if only as CAST(NULL AS DOUBLE)",
           origin, features[f].name);
    }
    if (given[f] != 0) places.push_back(f);
  }
  return places;
}

/// Ids of the table, ascending.
std::vector<std::int64_t> read_ids(table::Engine& engine, Group group) {
  std::vector<std::int64_t> ids;
  const std::string id = id_name(group);
  engine.query(fmt::format("SELECT CAST({0} AS BIGINT) AS id FROM {1} ORDER BY {0}", id, temporary_name(group_name(group))),
               [&](const Chunk& chunk) {
                 const std::span<const std::int64_t> column = chunk.ints(0);
                 ids.insert(ids.end(), column.begin(), column.end());
               });
  return ids;
}

std::string value_sql(const Feature& feature) {
  const std::string name = table::quote_identifier(feature.name);
  return fmt::format("CAST({} AS {})", name, feature.type == Type::kCategory ? "STRING" : "DOUBLE");
}

void fill_column(const Chunk& chunk, std::size_t column, const Feature& feature, std::span<const std::size_t> rows, float* out,
                 std::size_t stride, VocabularyBuilders& vocabularies) {
  if (feature.type == Type::kCategory) {
    VocabularyBuilder& vocabulary = vocabularies[std::string(feature.domain)];
    for (std::size_t r = 0; r < rows.size(); ++r) {
      if (!chunk.is_null(column, r)) out[rows[r] * stride] = static_cast<float>(vocabulary.add(chunk.text_at(column, r)));
    }
    return;
  }
  const std::span<const double> values = chunk.doubles(column);
  for (std::size_t r = 0; r < rows.size(); ++r) {
    if (!chunk.is_null(column, r)) out[rows[r] * stride] = static_cast<float>(values[r]);
  }
}

/// The rows come in any order and are put in their places, which costs less than the engine's sort of wide rows.
FeatureTable read_table(table::Engine& engine, Group group, std::string_view origin, VocabularyBuilders& vocabularies) {
  const std::vector<std::size_t> places = columns_of_query(engine, group, origin);
  const std::span<const Feature> features = features_of(group);
  FeatureTable out;
  out.group = group;
  out.ids = read_ids(engine, group);
  out.values.assign(out.ids.size() * features.size(), kMissing);
  std::vector<std::string> columns = {fmt::format("CAST({} AS BIGINT)", id_name(group))};
  for (const std::size_t place : places) columns.push_back(value_sql(features[place]));
  std::vector<std::size_t> rows;
  engine.query(
      fmt::format("SELECT {} FROM {}", fmt::join(columns, ", "), temporary_name(group_name(group))), [&](const Chunk& chunk) {
        rows.clear();
        for (const std::int64_t id : chunk.ints(0)) rows.push_back(out.find(id).value());
        for (std::size_t c = 0; c < places.size(); ++c) {
          fill_column(chunk, c + 1, features[places[c]], rows, out.values.data() + places[c], features.size(), vocabularies);
        }
      });
  return out;
}

/// From the numbers in which texts came to their codes.
void replace_numbers(FeatureTable& table, const std::map<std::string, VocabularyBuilder::Codes, std::less<>>& codes) {
  const std::span<const Feature> features = features_of(table.group);
  for (std::size_t f = 0; f < features.size(); ++f) {
    if (features[f].type != Type::kCategory) continue;
    const auto found = codes.find(features[f].domain);
    if (found == codes.end()) continue;
    for (std::size_t r = 0; r < table.ids.size(); ++r) {
      float& value = table.values[r * features.size() + f];
      if (!std::isnan(value)) value = static_cast<float>(found->second.codes[static_cast<std::size_t>(value)]);
    }
  }
}

}  // namespace

std::optional<std::size_t> FeatureTable::find(std::int64_t id) const {
  const auto it = std::lower_bound(ids.begin(), ids.end(), id);
  if (it == ids.end() || *it != id) return std::nullopt;
  return static_cast<std::size_t>(it - ids.begin());
}

std::optional<TimePoint> newest_event(table::Engine& engine) {
  const std::optional<std::int64_t> micros =
      engine.query_int("SELECT unix_micros(max(e.at)) FROM events e WHERE e.kind <> 'exposure'");
  if (!micros) return std::nullopt;
  return TimePoint(std::chrono::microseconds(*micros));
}

FeatureSet build_features(table::Engine& engine, const BuildOptions& options, TimePoint as_of) {
  table::Parameters values = options.parameters;
  values["as_of"] = format_rfc3339(as_of);
  FeatureSet set{as_of, {}, {}, {}};
  VocabularyBuilders vocabularies;
  TemporaryTables tables(engine, options, values);
  for (const std::string_view name : kCatalogueQueries) tables.make(name);
  make_counted_tables(engine, options, as_of);
  for (const std::string_view name : kQueries) {
    const std::string origin = tables.make(name);
    if (name == "user") set.users = read_table(engine, Group::kUser, origin, vocabularies);
    if (name == "item") set.items = read_table(engine, Group::kItem, origin, vocabularies);
  }
  fill_text_features(engine, set.items);
  std::map<std::string, VocabularyBuilder::Codes, std::less<>> codes;
  for (const auto& [domain, builder] : vocabularies) {
    const auto known = options.known.find(domain);
    codes[domain] = known == options.known.end() ? builder.finish(kMaxCategories) : builder.finish(kMaxCategories, known->second);
  }
  replace_numbers(set.users, codes);
  replace_numbers(set.items, codes);
  for (auto& [domain, made] : codes) set.vocabularies[domain] = std::move(made.texts);
  return set;
}

}  // namespace lodestone::features
