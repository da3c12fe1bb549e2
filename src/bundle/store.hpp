#pragma once
// The folder of releases: one folder a bundle, and CURRENT, a file with the id of the one that is served, replaced by rename.

#include <optional>
#include <string>
#include <vector>

#include "bundle/bundle.hpp"

namespace lodestone::bundle {

struct BundleEntry {
  std::string id;
  TimePoint created{};
  std::uint64_t bytes = 0;
  bool is_current = false;
  std::string problem;  ///< "" or why its manifest cannot be read
};

/// What changed from one release to another.
struct BundleDiff {
  std::size_t items_added = 0;
  std::size_t items_removed = 0;
  std::size_t items_changed = 0;    ///< in both, with another title or price, or shown in one only
  std::size_t lists_compared = 0;   ///< items in both
  double behavior_kept = 0;         ///< mean share of an item's first 10 behaviour neighbours that stayed
  double content_kept = 0;
  std::size_t users_before = 0;
  std::size_t users_after = 0;
};

/// One store. Methods read the disk each time; safe from many threads and processes, publishing from one.
class BundleStore {
 public:
  explicit BundleStore(fs::path folder) : folder_(std::move(folder)) {}

  [[nodiscard]] const fs::path& folder() const { return folder_; }
  /// Newest first.
  [[nodiscard]] std::vector<BundleEntry> list() const;
  /// The id in CURRENT; nothing when none was published. Throws corrupt when CURRENT holds no bundle id.
  [[nodiscard]] std::optional<std::string> current() const;
  /// Folder of a bundle; throws invalid_argument for what is no id, not_found when it is not there.
  [[nodiscard]] fs::path path_of(const std::string& id) const;

  /// Opens the bundle, which verifies all of it, and makes it current.
  void publish(const std::string& id) const;
  /// Makes `id`, or the newest bundle older than the current one, current. Returns the id. Throws not_found when there is none.
  [[nodiscard]] std::string rollback(const std::optional<std::string>& id) const;
  [[nodiscard]] BundleDiff diff(const std::string& before, const std::string& after) const;
  /// Removes all but the newest `keep`, the current one and the one before it; and what killed runs left. Returns what was removed.
  std::vector<std::string> prune(std::size_t keep) const;

 private:
  fs::path folder_;
};

}  // namespace lodestone::bundle
