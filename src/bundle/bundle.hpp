#pragma once
// One immutable release on disk: packed once, verified to the last byte whenever it is opened, then used as it is mapped
// (docs/formats/bundle.md).

#include <cstdint>
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
inline constexpr std::int64_t kFormatVersion = 1;
inline constexpr std::int64_t kOldestFormatVersion = 1;

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

/// Writes a new bundle into the store folder and returns its id. It appears by one rename when all of it is on the disk; on any error
/// (unavailable: full disk) nothing is left behind. Two equal releases of one second get one id and one folder.
std::string pack(const models::ReleaseData& data, const BundleInfo& info, const fs::path& store);

/// One listed file.
struct BundleFile {
  std::string name;
  std::uint64_t bytes = 0;
  std::string sha256;
};

/// manifest.json, checked.
struct Manifest {
  std::string id;
  TimePoint created{};
  models::ChannelWeights weights;
  std::vector<BundleFile> files;
  json::Value document;

  /// Reads manifest.json and checks it against manifest.sha256. Throws not_found or corrupt.
  static Manifest load(const fs::path& folder);
  [[nodiscard]] std::uint64_t bytes() const;
};

/// An open bundle: mapped files and the models over them. Const, safe from many threads; whoever holds the pointer may use every view.
class Bundle {
 public:
  /// Verifies format version, list of files, size and SHA-256 of each, then the structure (offsets rise, numbers in range, scores
  /// finite), so that no later access can leave the files. Throws not_found or corrupt with a sentence.
  static std::shared_ptr<const Bundle> open(const fs::path& folder);

  [[nodiscard]] const models::Release& release() const { return release_; }
  [[nodiscard]] const Manifest& manifest() const { return manifest_; }

 private:
  explicit Bundle(const fs::path& folder);
  void load_lists();
  void load_users();
  void load_text();

  Manifest manifest_;
  std::vector<std::unique_ptr<TensorFile>> files_;  // beside manifest_.files
  models::Release release_;
  [[nodiscard]] const TensorFile& file(std::string_view name) const;
};

}  // namespace lodestone::bundle
