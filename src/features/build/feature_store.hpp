#pragma once
// The features of all users and items by key: one SQLite file (docs/formats/feature_store.md), replaced as a whole.

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/file.hpp"
#include "features/build/feature_builder.hpp"
#include "table/sqlite.hpp"

namespace lodestone::features {

/// The file's name in the lake's folder features/.
inline constexpr const char* kFeatureStoreFile = "features.sqlite";

/// Writes the store, atomically: a file beside `path`, fsync, rename. Throws unavailable; then `path` is as it was and nothing is left beside it.
void write_feature_store(const FeatureSet& set, const fs::path& path);

/// An open store; it is the one it was even when another takes its place. One thread.
class FeatureStore {
 public:
  /// Throws not_found when there is none, corrupt for a file that is none or that another feature schema wrote.
  explicit FeatureStore(const fs::path& path);

  [[nodiscard]] TimePoint as_of() const { return as_of_; }
  /// Texts of categories by domain; place = code.
  [[nodiscard]] const Vocabularies& vocabularies() const { return vocabularies_; }
  /// The features of a user or an item in the order of the schema, NaN = missing; nothing when it has no row. One look-up by primary key.
  [[nodiscard]] std::optional<std::vector<float>> find(Group group, std::int64_t id) const;
  struct Ids {
    std::int64_t n = 0;
    std::int64_t first = 0;
    std::int64_t last = 0;
  };
  [[nodiscard]] Ids ids(Group group) const;

 private:
  table::SqliteFile file_;
  TimePoint as_of_{};
  Vocabularies vocabularies_;
};

}  // namespace lodestone::features
