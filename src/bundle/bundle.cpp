#include "bundle/bundle.hpp"

#include <algorithm>
#include <cmath>
#include <set>

#include "base/error.hpp"
#include "base/hash.hpp"
#include "base/thread_pool.hpp"

namespace lodestone::bundle {
namespace {

using models::Neighbours;

const std::set<std::string>& required_files() {
  static const std::set<std::string> names = {"items.safetensors",   "behavior.safetensors", "content.safetensors",
                                              "popular.safetensors", "text.safetensors",     "users.safetensors"};
  return names;
}

/// Nothing may lie in the folder that the manifest does not vouch for.
void check_folder(const fs::path& folder, const Manifest& manifest) {
  std::set<std::string> listed = {"manifest.json", "manifest.sha256"};
  for (const BundleFile& file : manifest.files) listed.insert(file.name);
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (!listed.contains(entry.path().filename().string())) {
      fail(ErrorCode::kCorrupt, "{}: is not listed in the manifest; a bundle holds only what was packed, remove it", entry.path().string());
    }
  }
  for (const std::string& name : required_files()) {
    if (!listed.contains(name)) fail(ErrorCode::kCorrupt, "{}: the manifest does not list {}", folder.string(), name);
  }
}

/// Maps a file and checks its size and SHA-256.
std::unique_ptr<TensorFile> open_file(const fs::path& folder, const BundleFile& listed) {
  const fs::path path = folder / listed.name;
  if (!fs::exists(path)) fail(ErrorCode::kCorrupt, "{}: is missing; the manifest lists it", path.string());
  {
    const MappedFile file(path);
    file.prefetch();
    if (file.bytes().size() != listed.bytes) {
      fail(ErrorCode::kCorrupt, "{}: has {} bytes, the manifest says {}", path.string(), file.bytes().size(), listed.bytes);
    }
    if (sha256_hex(file.text()) != listed.sha256) {
      fail(ErrorCode::kCorrupt, "{}: its SHA-256 is not the manifest's; the file is damaged, roll back or publish again", path.string());
    }
  }
  return std::make_unique<TensorFile>(path);
}

[[noreturn]] void bad(const TensorFile& file, const std::string& name, std::string_view what) {
  fail(ErrorCode::kCorrupt, "{}: array {}: {}", file.file().path().string(), name, what);
}

void check_items(const TensorFile& file, const std::string& name, std::span<const ItemIndex> items, std::size_t n_items) {
  // One pass without a branch per element: as unsigned, a negative number is too large as well.
  std::uint32_t largest = 0;
  for (const ItemIndex item : items) largest = std::max(largest, static_cast<std::uint32_t>(item));
  if (!items.empty() && largest >= n_items) bad(file, name, "an item number lies beyond the catalogue");
}

/// Finite, not negative.
void check_scores(const TensorFile& file, const std::string& name, std::span<const float> scores) {
  bool good = true;
  for (const float score : scores) good &= score >= 0 && score <= 3.4e38F;
  if (!good) bad(file, name, "a score is negative or no finite number");
}

Neighbours load_rows(const TensorFile& file, const std::string& name, std::size_t n_rows, std::size_t n_items) {
  const auto items = file.array<std::int32_t>(name + ".items");
  const auto scores = file.array<float>(name + ".scores", items.size());
  const auto offsets = file.offsets(name + ".offsets", n_rows, items.size());
  check_items(file, name + ".items", items, n_items);
  check_scores(file, name + ".scores", scores);
  bool falling = true;
  for (std::size_t row = 0; row < n_rows; ++row) {
    for (std::size_t k = offsets[row] + 1; k < offsets[row + 1]; ++k) falling &= scores[k] <= scores[k - 1];
  }
  if (!falling) bad(file, name + ".scores", "a list is not ordered best first");
  return {offsets, items, scores};
}

models::RankedLists ranked(const Neighbours& rows) { return {rows.offsets(), rows.items(), rows.scores()}; }

}  // namespace

const TensorFile& Bundle::file(std::string_view name) const {
  for (std::size_t i = 0; i < files_.size(); ++i) {
    if (manifest_.files[i].name == name) return *files_[i];
  }
  LODESTONE_ASSERT(false, "{} was checked to be listed", name);
  return *files_.front();
}

Bundle::Bundle(const fs::path& folder) : manifest_(Manifest::load(folder)) {
  check_folder(folder, manifest_);
  files_.resize(manifest_.files.size());
  parallel_for(files_.size(), 1, 0, [&](std::size_t begin, std::size_t, int) { files_[begin] = open_file(folder, manifest_.files[begin]); });
  release_.id = manifest_.id;
  release_.weights = manifest_.weights;
  release_.catalog = models::Catalog(file("items.safetensors"));
  load_lists();
  load_text();
  load_users();
}

void Bundle::load_lists() {
  const std::size_t n = release_.catalog.n_items();
  const TensorFile& popular = file("popular.safetensors");
  // The large lists side by side: opening a bundle is mostly this and the hashing.
  parallel_for(4, 1, 0, [&](std::size_t part, std::size_t, int) {
    switch (part) {
      case 0: release_.behavior = load_rows(file("behavior.safetensors"), "neighbors", n, n); break;
      case 1: release_.behavior_influence = load_rows(file("behavior.safetensors"), "influence", n, n); break;
      case 2: release_.content = load_rows(file("content.safetensors"), "neighbors", n, n); break;
      default:
        release_.popular = ranked(load_rows(popular, "popular", 1, n));
        release_.popular_by_category = ranked(load_rows(popular, "popular_by_category", release_.catalog.n_categories(), n));
        release_.trending = ranked(load_rows(popular, "trending", models::kTrendingWindows, n));
    }
  });
}

void Bundle::load_text() {
  const TensorFile& text = file("text.safetensors");
  models::TextIndex& index = release_.text;
  index.tokens = text.array<std::uint64_t>("tokens");
  for (std::size_t t = 1; t < index.tokens.size(); ++t) {
    if (index.tokens[t - 1] >= index.tokens[t]) bad(text, "tokens", "the tokens do not rise");
  }
  index.items = text.array<std::int32_t>("postings.items");
  index.weights = text.array<float>("postings.weights", index.items.size());
  index.offsets = text.offsets("postings.offsets", index.tokens.size(), index.items.size());
  check_items(text, "postings.items", index.items, release_.catalog.n_items());
  check_scores(text, "postings.weights", index.weights);
}

void Bundle::load_users() {
  const TensorFile& users = file("users.safetensors");
  const std::size_t n_items = release_.catalog.n_items();
  const auto ids = users.array<std::int64_t>("user_id");
  for (std::size_t u = 1; u < ids.size(); ++u) {
    if (ids[u - 1] >= ids[u]) bad(users, "user_id", "the ids do not rise");
  }
  const auto history = users.array<std::int32_t>("history.items");
  const auto weights = users.array<float>("history.weights", history.size());
  const auto owned = users.array<std::int32_t>("owned.items");
  const auto history_offsets = users.offsets("history.offsets", ids.size(), history.size());
  const auto owned_offsets = users.offsets("owned.offsets", ids.size(), owned.size());
  check_items(users, "history.items", history, n_items);
  check_items(users, "owned.items", owned, n_items);
  check_scores(users, "history.weights", weights);
  release_.users = models::Users(ids, history_offsets, history, weights, owned_offsets, owned);
}

std::shared_ptr<const Bundle> Bundle::open(const fs::path& folder) { return std::shared_ptr<const Bundle>(new Bundle(folder)); }

}  // namespace lodestone::bundle
