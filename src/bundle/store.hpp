#pragma once
// The folder of releases:
//
//   bundles/b-20261124T093000Z-1a2b3c4d/   one folder a bundle
//   bundles/CURRENT                        the id that is served and a line feed, replaced by rename
//   bundles/HISTORY                        ids in the order in which they were published, so that a rollback knows where it came from
//   bundles/TRIAL                          the bundle that is tried beside the current one, if any (bundle/trial.hpp), replaced by rename

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "bundle/bundle.hpp"
#include "bundle/trial.hpp"

namespace lodestone::bundle {

struct BundleEntry {
  std::string id;
  TimePoint created{};
  std::uint64_t bytes = 0;
  bool is_current = false;
  bool is_trial = false;
  std::string problem;  ///< "" or why its manifest cannot be read
};

/// A number of the manifest that differs; NaN where one has none.
struct NumberChange {
  std::string name;  ///< "channel_weights.content", "metrics.ndcg@10"
  double before = 0;
  double after = 0;
};

/// What changed from one release to another.
struct BundleDiff {
  std::size_t items_added = 0;
  std::size_t items_removed = 0;
  std::size_t items_changed = 0;   ///< in both, with another title or price, or shown in one only
  std::size_t lists_compared = 0;  ///< items in both
  double behavior_kept = 0;        ///< mean share of an item's first 10 behaviour neighbours that stayed
  double content_kept = 0;
  double popular_kept = 0;  ///< share of the first 10 popular items that stayed
  std::size_t users_before = 0;
  std::size_t users_after = 0;
  std::vector<NumberChange> numbers;  ///< weights, metrics and counts that differ
};

/// One store. Holds nothing but the path: methods read the disk each time, so it is safe from many threads and processes; changes take a
/// file lock. An id is checked for its form before it becomes part of a path.
class BundleStore {
 public:
  /// `onnx_library` is that of OpenOptions, for every bundle that is opened here.
  explicit BundleStore(fs::path folder, fs::path onnx_library = {})
      : folder_(std::move(folder)), onnx_library_(std::move(onnx_library)) {}

  [[nodiscard]] const fs::path& folder() const { return folder_; }
  [[nodiscard]] const fs::path& onnx_library() const { return onnx_library_; }
  /// Newest first. A damaged bundle, and a damaged CURRENT, do not hide the others.
  [[nodiscard]] std::vector<BundleEntry> list() const;
  /// The id in CURRENT; nothing when none was published. Throws corrupt when CURRENT holds anything but an id and a line feed.
  [[nodiscard]] std::optional<std::string> current() const;
  /// Folder of a bundle; throws invalid_argument for what is no id, not_found when it is not there.
  [[nodiscard]] fs::path path_of(const std::string& id) const;
  /// A bundle, open. Throws as path_of() and Bundle::open do.
  [[nodiscard]] std::shared_ptr<const Bundle> open(const std::string& id, int n_threads = 0) const;
  /// The current bundle, open. Throws not_found with the way out when none was published or CURRENT names one that is not there, and
  /// corrupt as Bundle::open does.
  [[nodiscard]] std::shared_ptr<const Bundle> open_current() const;

  /// Opens the bundle, which verifies all of it, and makes it current. When that fails CURRENT is as it was.
  void publish(const std::string& id) const;
  /// Makes the bundle current that previous() names or, when it does not open, the one before that. Returns its id. Throws not_found when
  /// there is none.
  std::string rollback() const;
  /// The same for a given bundle, which must open.
  std::string rollback(const std::optional<std::string>& id) const;
  /// The bundle that rollback(id) would make current; it has been opened. Throws what rollback() throws, changes nothing.
  [[nodiscard]] std::string find_rollback(const std::optional<std::string>& id) const;
  /// What was current before the current one was published; when that is gone, the newest older than the current one.
  [[nodiscard]] std::optional<std::string> previous() const;

  /// What is tried beside the current one. Throws corrupt as parse_trial() does.
  [[nodiscard]] std::optional<Trial> trial() const;
  /// Starts a trial, in place of any other. Throws as path_of() does, and invalid_argument for the current bundle.
  void start_trial(const Trial& trial) const;
  /// Without a trial it does nothing.
  void end_trial() const;

  [[nodiscard]] BundleDiff diff(const std::string& before, const std::string& after) const;
  /// Removes all but the newest `keep`, the current one, the one before it and the one on trial. Returns what was removed.
  std::vector<std::string> prune(std::size_t keep) const;

 private:
  [[nodiscard]] std::vector<std::string> ids() const;
  [[nodiscard]] std::vector<std::string> history() const;
  [[nodiscard]] std::optional<std::string> current_or_nothing() const;
  [[nodiscard]] std::optional<Trial> trial_or_nothing() const;
  [[nodiscard]] std::vector<std::string> rollback_targets() const;
  void check_folder() const;
  void point_at(const std::string& id) const;

  fs::path folder_;
  fs::path onnx_library_;
};

/// A ranker that a bundle is to have besides its own, in front of them.
struct ImportedRanker {
  std::string name;   ///< [a-z0-9_-]+, none of the bundle's
  std::string bytes;  ///< an ONNX model with the metadata "feature_names"
};

/// Throws invalid_argument with what keeps the ranker from being added: its name, or whatever models::Ranker says of it.
void check_new_ranker(const ImportedRanker& ranker, const Bundle& from, const fs::path& onnx_library);

/// Writes a new bundle that holds all that `from`, a bundle of the store, does, and the ranker, and returns its id; no bundle is made current.
/// Its manifest is that of `from` but for the ranker, `created`, `product_version` and "made_from". Throws as check_new_ranker() and pack() do.
std::string add_ranker(const BundleStore& store, const Bundle& from, const ImportedRanker& ranker, TimePoint created,
                       const std::string& product_version);

}  // namespace lodestone::bundle
