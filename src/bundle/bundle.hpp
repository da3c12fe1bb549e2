#pragma once
// One immutable release on disk: packed once, verified to the last byte whenever it is opened, then used as it is mapped
// (docs/formats/bundle.md).

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/file.hpp"
#include "base/json.hpp"
#include "base/tensor_file.hpp"
#include "models/release.hpp"

namespace lodestone::bundle {

/// The format that this program writes, and the oldest that it reads.
inline constexpr std::int64_t kFormatVersion = 5;
inline constexpr std::int64_t kOldestFormatVersion = 3;

/// Files of a release that ranks.
inline constexpr std::string_view kFeatureFile = "features.safetensors";
inline constexpr std::string_view kModelCardFile = "model_card.md";
inline constexpr std::string_view kFeatureFactsFile = "features.json";
/// The file of a ranker: LightGBM's text, or an ONNX model.
std::string ranker_file(std::string_view name, models::RankerFormat format = models::RankerFormat::kLightGbm);

/// A folder of the store that begins so is not finished, and no bundle.
inline constexpr std::string_view kUnfinishedPrefix = ".new-";

/// What the manifest says beside the models.
struct BundleInfo {
  TimePoint created{};
  std::string product_version;
  std::string config_hash;
  json::Value sources;  ///< object: what the lake was read from
  json::Value metrics;  ///< object: offline metrics by name
};

/// True for a well-formed bundle id, b-20261124T093000Z-1a2b3c4d; anything else is never looked up on disk.
bool is_bundle_id(std::string_view text);

/// Writes a new bundle into the store folder and returns its id. It appears by one rename when all of it is on the disk and was opened as
/// serving will open it; on any error (unavailable: full disk; corrupt: the models do not fit each other) nothing is left behind. What
/// an earlier, killed run left is removed first. The same release with the same info has the same id and one folder. One process packs at
/// a time; others wait. `make_card`, where it is given, writes the model card of a release that ranks, in place of the data's, having seen the release as it
/// will be served.
using MakeCard = std::function<std::string(const models::Release&)>;
std::string pack(const models::ReleaseData& data, const BundleInfo& info, const fs::path& store,
                 const MakeCard& make_card = nullptr);

/// The whole of manifest.sha256, in the form that `sha256sum -c` reads.
std::string manifest_hash_line(std::string_view manifest);

/// One listed file.
struct BundleFile {
  std::string name;
  std::uint64_t bytes = 0;
  std::string sha256;
};

/// manifest.json, checked.
struct Manifest {
  std::int64_t format_version = kFormatVersion;
  std::string id;
  TimePoint created{};
  models::ChannelWeights weights;
  std::string feature_schema_hash;   ///< "" for a release without features
  std::vector<std::string> rankers;  ///< the preferred first
  std::vector<BundleFile> files;
  json::Value document;

  /// Reads manifest.json and checks it against manifest.sha256. Throws not_found or corrupt.
  static Manifest load(const fs::path& folder);
  /// Checks a text; `name` is its file for sentences. Throws corrupt.
  static Manifest parse(std::string_view text, const std::string& name);
  [[nodiscard]] std::uint64_t bytes() const;
};

/// One ranker as it lies in the bundle.
struct StoredRanker {
  models::RankerFormat format = models::RankerFormat::kLightGbm;
  std::string bytes;
};
/// Reads a ranker that the manifest names, without opening the rest. Throws corrupt when the manifest lists no file of it or the file is not the manifest's.
StoredRanker read_ranker(const fs::path& folder, const Manifest& manifest, std::string_view name);

struct OpenOptions {
  int n_threads = 0;           ///< for hashing and checking; 0 = all cores, fewer leave more to whoever serves meanwhile
  fs::path onnx_library = {};  ///< libonnxruntime.so, which bundles with an ONNX ranker need; "" = they are refused
};

/// An open bundle: mapped files and the models over them. Const, safe from many threads; whoever holds the pointer may use every view.
class Bundle {
 public:
  /// Verifies format version, list of files, size and SHA-256 of each, then the structure (offsets rise, numbers in range, scores
  /// finite and falling), so that no later access can leave the files. It has read every page then, so the first request finds them in
  /// memory. Throws not_found or corrupt with a sentence.
  static std::shared_ptr<const Bundle> open(const fs::path& folder, const OpenOptions& options = {});

  [[nodiscard]] const models::Release& release() const { return release_; }
  [[nodiscard]] const Manifest& manifest() const { return manifest_; }
  /// Where the release's online state begins, read from its file at each call; none in a release that has none.
  [[nodiscard]] std::optional<features::OnlineSnapshot> online_snapshot() const;

 private:
  Bundle(const fs::path& folder, const OpenOptions& options);
  [[nodiscard]] const TensorFile* find_file(std::string_view name) const;
  [[nodiscard]] const TensorFile& file(std::string_view name) const;
  void load_lists(int n_threads);
  void load_users();
  void load_channels(int n_threads);
  void load_vectors(int n_threads);
  void load_text();
  void load_ranking(const fs::path& onnx_library);

  Manifest manifest_;
  fs::path folder_;
  std::vector<std::unique_ptr<TensorFile>> files_;  // beside manifest_.files; null for those that hold no arrays
  models::Release release_;
};

/// Every problem of a bundle as a sentence, where open() stops at the first; none when it is sound.
std::vector<std::string> find_problems(const fs::path& folder, const OpenOptions& options = {});

}  // namespace lodestone::bundle
