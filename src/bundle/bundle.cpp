#include "bundle/bundle.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <set>

#include "base/error.hpp"
#include "base/hash.hpp"
#include "base/thread_pool.hpp"
#include "bundle/feature_facts.hpp"
#include "bundle/online_file.hpp"
#include "features/schema.hpp"
#include "models/recall/vector_file.hpp"

namespace lodestone::bundle {
namespace {

using models::Neighbours;

/// No model gives scores or weights beyond this, and with it no sum over a history leaves the range of a float.
constexpr float kMaxScore = 1e15F;

/// What every release has.
constexpr std::array<std::string_view, 7> kRequiredFiles = {"items.safetensors",   "behavior.safetensors", "content.safetensors",
                                                            "popular.safetensors", "text.safetensors",     "users.safetensors",
                                                            "channels.safetensors"};

/// Nothing may lie in the folder that the manifest does not vouch for, and nothing that a release needs may be missing from it.
std::vector<std::string> check_folder(const fs::path& folder, const Manifest& manifest) {
  std::vector<std::string> problems;
  std::set<std::string> listed = {"manifest.json", "manifest.sha256"};
  for (const BundleFile& file : manifest.files) listed.insert(file.name);
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (listed.contains(entry.path().filename().string())) continue;
    problems.push_back(
        fmt::format("{}: is not listed in the manifest; a bundle holds only what was packed, remove it", entry.path().string()));
  }
  for (const std::string_view name : kRequiredFiles) {
    if (!listed.contains(std::string(name))) {
      problems.push_back(fmt::format("{}: the manifest does not list {}; publish again", folder.string(), name));
    }
  }
  return problems;
}

/// Maps a file and checks its size and SHA-256. Null for a file that holds no arrays.
std::unique_ptr<TensorFile> open_file(const fs::path& folder, const BundleFile& listed) {
  const fs::path path = folder / listed.name;
  if (!fs::is_regular_file(path)) {
    fail(ErrorCode::kCorrupt, "{}: is missing; the manifest lists it, roll back or publish again", path.string());
  }
  MappedFile file(path);
  file.prefetch();
  if (file.bytes().size() != listed.bytes) {
    fail(ErrorCode::kCorrupt, "{}: has {} bytes, the manifest says {}; the file is damaged, roll back or publish again",
         path.string(), file.bytes().size(), listed.bytes);
  }
  if (sha256_hex(file.text()) != listed.sha256) {
    fail(ErrorCode::kCorrupt, "{}: its SHA-256 is not the manifest's; the file is damaged, roll back or publish again",
         path.string());
  }
  if (!listed.name.ends_with(".safetensors")) return nullptr;
  return std::make_unique<TensorFile>(std::move(file));
}

[[noreturn]] void bad(const TensorFile& file, std::string_view name, std::string_view what) {
  fail(ErrorCode::kCorrupt, "{}: array {}: {}; roll back or publish again", file.file().path().string(), name, what);
}

void check_rising(const TensorFile& file, std::string_view name, auto values) {
  for (std::size_t i = 1; i < values.size(); ++i) {
    if (values[i - 1] >= values[i]) bad(file, name, fmt::format("the values do not rise at {}", i));
  }
}

bool in_range(std::span<const ItemIndex> items, std::size_t n_items) {
  // One pass without a branch per element: as unsigned, a negative number is too large as well.
  std::uint32_t largest = 0;
  for (const ItemIndex item : items) largest = std::max(largest, static_cast<std::uint32_t>(item));
  return items.empty() || largest < n_items;
}

void check_items(const TensorFile& file, const std::string& name, std::span<const ItemIndex> items, std::size_t n_items) {
  if (!in_range(items, n_items)) bad(file, name, fmt::format("an item number lies beyond the {} of the catalogue", n_items));
}

/// Not negative and not NaN.
bool are_scores(std::span<const float> scores) {
  bool good = true;
  for (const float score : scores) good &= score >= 0 && score <= kMaxScore;
  return good;
}

void check_scores(const TensorFile& file, const std::string& name, std::span<const float> scores) {
  if (!are_scores(scores)) bad(file, name, "a score is negative, too large or no number");
}

bool is_falling(std::span<const float> scores) {
  bool good = true;
  for (std::size_t k = 1; k < scores.size(); ++k) good &= scores[k] <= scores[k - 1];
  return good;
}

/// Lists, each best first. Checked in blocks of rows side by side: opening a bundle is mostly this and the hashing.
Neighbours load_rows(const TensorFile& file, const std::string& name, std::size_t n_rows, std::size_t n_items, int n_threads) {
  const auto items = file.array<std::int32_t>(name + ".items");
  const auto scores = file.array<float>(name + ".scores", items.size());
  const auto offsets = file.offsets(name + ".offsets", n_rows, items.size());
  std::atomic<bool> falling{true};
  std::atomic<bool> known{true};
  std::atomic<bool> finite{true};
  parallel_for(n_rows, 4096, n_threads, [&](std::size_t begin, std::size_t end, int) {
    const std::size_t n = offsets[end] - offsets[begin];
    if (!in_range(items.subspan(offsets[begin], n), n_items)) known = false;
    if (!are_scores(scores.subspan(offsets[begin], n))) finite = false;
    for (std::size_t row = begin; row < end; ++row) {
      if (!is_falling(scores.subspan(offsets[row], offsets[row + 1] - offsets[row]))) falling = false;
    }
  });
  if (!known) bad(file, name + ".items", fmt::format("an item number lies beyond the {} of the catalogue", n_items));
  if (!finite) bad(file, name + ".scores", "a score is negative, too large or no number");
  if (!falling) bad(file, name + ".scores", "a list is not ordered best first");
  return {offsets, items, scores};
}

models::RankedLists ranked(const Neighbours& rows) { return {rows.offsets(), rows.items(), rows.scores()}; }

}  // namespace

const TensorFile* Bundle::find_file(std::string_view name) const {
  for (std::size_t i = 0; i < files_.size(); ++i) {
    if (manifest_.files[i].name == name && files_[i]) return files_[i].get();
  }
  return nullptr;
}

const TensorFile& Bundle::file(std::string_view name) const {
  const TensorFile* found = find_file(name);
  LODESTONE_ASSERT(found != nullptr, "{} was checked to be listed", name);
  return *found;
}

std::string ranker_file(std::string_view name, models::RankerFormat format) {
  return fmt::format("ranker-{}.{}", name, format == models::RankerFormat::kOnnx ? "onnx" : "txt");
}

Bundle::Bundle(const fs::path& folder, const OpenOptions& options) : manifest_(Manifest::load(folder)), folder_(folder) {
  if (const auto problems = check_folder(folder, manifest_); !problems.empty())
    throw Error(ErrorCode::kCorrupt, problems.front());
  files_.resize(manifest_.files.size());
  parallel_for(files_.size(), 1, options.n_threads,
               [&](std::size_t begin, std::size_t, int) { files_[begin] = open_file(folder, manifest_.files[begin]); });
  release_.id = manifest_.id;
  release_.weights = manifest_.weights;
  release_.catalog = models::Catalog(file("items.safetensors"));
  load_lists(options.n_threads);
  load_text();
  load_users();
  load_channels(options.n_threads);
  load_vectors(options.n_threads);
  load_ranking(options.onnx_library);
  (void)online_snapshot();  // what cannot be read is refused now
}

std::optional<features::OnlineSnapshot> Bundle::online_snapshot() const {
  const TensorFile* stored = find_file(kOnlineFile);
  return stored == nullptr ? std::nullopt : std::optional(load_online_snapshot(*stored));
}

void Bundle::load_lists(int n_threads) {
  const std::size_t n = release_.catalog.n_items();
  const TensorFile& behavior = file("behavior.safetensors");
  const TensorFile& popular = file("popular.safetensors");
  release_.behavior = load_rows(behavior, "neighbors", n, n, n_threads);
  release_.behavior_influence = load_rows(behavior, "influence", n, n, n_threads);
  release_.content = load_rows(file("content.safetensors"), "neighbors", n, n, n_threads);
  release_.popular = ranked(load_rows(popular, "popular", 1, n, n_threads));
  release_.popular_by_category = ranked(load_rows(popular, "popular_by_category", release_.catalog.n_categories(), n, n_threads));
  release_.trending = ranked(load_rows(popular, "trending", models::kTrendingWindows, n, n_threads));
}

void Bundle::load_channels(int n_threads) {
  const TensorFile& channels = file("channels.safetensors");
  const std::size_t n = release_.catalog.n_items();
  release_.sequence = load_rows(channels, "sequence", n, n, n_threads);
  release_.tag = load_rows(channels, "tag", n, n, n_threads);
  release_.item_users = load_rows(channels, "item_users", n, release_.users.n_histories(), n_threads);
  release_.price_bucket = channels.array<std::int32_t>("price_bucket", n);
  std::int32_t last = 0;
  for (const std::int32_t bucket : release_.price_bucket) last = std::max(last, bucket);
  const std::size_t n_buckets = static_cast<std::size_t>(last) + 1;
  check_items(channels, "price_bucket", release_.price_bucket, n_buckets);
  release_.price = ranked(load_rows(channels, "price", n_buckets, n, n_threads));
  release_.fresh = ranked(load_rows(channels, "new", 1, n, n_threads));
}

void Bundle::load_vectors(int n_threads) {
  const TensorFile* vectors = find_file("vectors.safetensors");
  const TensorFile* fold_in = find_file("fold_in.safetensors");
  if (vectors == nullptr && fold_in == nullptr) return;
  const auto lacks = [&](const char* name) {
    fail(ErrorCode::kCorrupt, "{}: has one of vectors.safetensors and fold_in.safetensors and lacks {}; publish again",
         manifest_.id, name);
  };
  if (vectors == nullptr) lacks("vectors.safetensors");
  if (fold_in == nullptr) lacks("fold_in.safetensors");
  const std::size_t n = release_.catalog.n_items();
  const std::string name = vectors->file().path().string();
  const models::VectorIndex index(models::view_vector_index(*vectors).arrays, name);
  if (index.size() != n) bad(*vectors, "vectors", fmt::format("there are {} rows for {} items", index.size(), n));
  const auto p = fold_in->array<double>("fold_in", 6);
  release_.vectors = models::LatentVectors(index, fold_in->array<float>("gram"), {p[0], p[1], p[2], p[3], p[4], p[5]},
                                           fold_in->file().path().string());
  release_.vector = load_rows(*fold_in, "neighbors", n, n, n_threads);
}

void Bundle::load_text() {
  const TensorFile& text = file("text.safetensors");
  models::TextIndex& index = release_.text;
  index.tokens = text.array<std::uint64_t>("tokens");
  check_rising(text, "tokens", index.tokens);
  index.items = text.array<std::int32_t>("postings.items");
  index.weights = text.array<float>("postings.weights", index.items.size());
  index.offsets = text.offsets("postings.offsets", index.tokens.size(), index.items.size());
  check_items(text, "postings.items", index.items, release_.catalog.n_items());
  check_scores(text, "postings.weights", index.weights);
  release_.words =
      features::PrefixIndex({text.array<std::uint64_t>("words.key_offsets"), text.array<std::uint8_t>("words.key_bytes"),
                             text.array<std::uint64_t>("words.word_offsets"), text.array<std::uint8_t>("words.word_bytes"),
                             text.array<float>("words.weights"), text.array<std::int32_t>("words.heaviest")},
                            text.file().path().string());
}

namespace {

/// The listed file of a ranker and its format.
std::pair<const BundleFile*, models::RankerFormat> find_ranker(const Manifest& manifest, std::string_view name) {
  for (const auto format : {models::RankerFormat::kLightGbm, models::RankerFormat::kOnnx}) {
    for (const BundleFile& file : manifest.files) {
      if (file.name == ranker_file(name, format)) return {&file, format};
    }
  }
  fail(ErrorCode::kCorrupt, "{}: the manifest names the ranker {} and does not list {}; train again", manifest.id, name,
       ranker_file(name));
}

}  // namespace

StoredRanker read_ranker(const fs::path& folder, const Manifest& manifest, std::string_view name) {
  const auto [file, format] = find_ranker(manifest, name);
  (void)open_file(folder, *file);
  return {format, read_file(folder / file->name)};
}

/// A ranker that does not fit the features of this program or of the release is refused with all of it: a list that is ranked by the wrong
/// numbers looks like any other.
void Bundle::load_ranking(const fs::path& onnx_library) {
  const TensorFile* stored = find_file(kFeatureFile);
  if (stored == nullptr) {
    if (manifest_.rankers.empty()) return;
    fail(ErrorCode::kCorrupt, "{}: has the ranker {} and no {}; train again", manifest_.id, manifest_.rankers.front(),
         kFeatureFile);
  }
  if (const std::string hash = features::schema_hash(); manifest_.feature_schema_hash != hash) {
    fail(ErrorCode::kCorrupt, "{}: its features have the schema {}, this program computes {}; train again with this program",
         manifest_.id, manifest_.feature_schema_hash, hash);
  }
  auto ranking = std::make_shared<models::Ranking>();
  const auto read_texts = [&](const std::string& key) {
    return stored->texts(key, std::max<std::size_t>(1, stored->array<std::uint64_t>(key + ".offsets").size()) - 1);
  };
  const auto read_rows = [&](const std::string& group, std::size_t n_rows) {
    models::FeatureRows rows;
    const TextList names = read_texts(group + "_columns");
    for (std::size_t c = 0; c < names.size(); ++c) rows.columns.emplace_back(names[c]);
    rows.values = stored->array<float>(group + "_rows", n_rows * rows.columns.size());
    return rows;
  };
  ranking->users = read_rows("user", release_.users.size());
  ranking->items = read_rows("item", release_.catalog.n_items());
  ranking->item_tags = stored->array<std::int32_t>("item_tags");
  ranking->tag_offsets = stored->offsets("item_tags.offsets", release_.catalog.n_items(), ranking->item_tags.size());
  const TextList domains = read_texts("domains");
  for (std::size_t d = 0; d < domains.size(); ++d) {
    const std::string domain(domains[d]);
    ranking->vocabularies.emplace(domain, read_texts("vocabulary." + domain));
  }
  ranking->guest = features::default_row(ranking->users.columns);
  ranking->online_users = features::OnlineColumns(features::Group::kUser, ranking->users.columns);
  ranking->online_items = features::OnlineColumns(features::Group::kItem, ranking->items.columns);
  const auto is_facts = [](const BundleFile& one) { return one.name == kFeatureFactsFile; };
  if (std::any_of(manifest_.files.begin(), manifest_.files.end(), is_facts)) {
    FeatureFacts facts =
        parse_feature_facts(read_file(folder_ / kFeatureFactsFile), fmt::format("{}: {}", manifest_.id, kFeatureFactsFile));
    ranking->as_of = facts.as_of;
    ranking->reference = std::move(facts.reference);
  }
  for (const std::string& name : manifest_.rankers) {
    const auto [file, format] = find_ranker(manifest_, name);
    const std::string bytes = read_file(folder_ / file->name);
    if (format == models::RankerFormat::kOnnx) {
      ranking->rankers.push_back(
          std::make_unique<const models::Ranker>(name, bytes, onnx_library, ranking->users, ranking->items));
    } else {
      ranking->rankers.push_back(std::make_unique<const models::Ranker>(name, bytes, ranking->users, ranking->items));
    }
  }
  release_.ranking = std::move(ranking);
}

void Bundle::load_users() {
  const TensorFile& users = file("users.safetensors");
  const std::size_t n_items = release_.catalog.n_items();
  const auto ids = users.array<std::int64_t>("user_id");
  check_rising(users, "user_id", ids);
  const auto history = users.array<std::int32_t>("history.items");
  const auto weights = users.array<float>("history.weights", history.size());
  const auto owned = users.array<std::int32_t>("owned.items");
  // Guests' histories stand behind those of the users.
  const std::size_t n_histories = std::max<std::size_t>(ids.size() + 1, users.array<std::uint64_t>("history.offsets").size()) - 1;
  const auto history_offsets = users.offsets("history.offsets", n_histories, history.size());
  const auto owned_offsets = users.offsets("owned.offsets", ids.size(), owned.size());
  check_items(users, "history.items", history, n_items);
  check_items(users, "owned.items", owned, n_items);
  check_scores(users, "history.weights", weights);
  release_.users = models::Users(ids, history_offsets, history, weights, owned_offsets, owned);
}

std::shared_ptr<const Bundle> Bundle::open(const fs::path& folder, const OpenOptions& options) {
  return std::shared_ptr<const Bundle>(new Bundle(folder, options));
}

std::vector<std::string> find_problems(const fs::path& folder, const OpenOptions& options) {
  std::vector<std::string> problems;
  // The sentences are the result here, so the errors end here.
  const auto collect = [&](const auto& step) {
    try {
      step();
    } catch (const Error& error) {
      problems.push_back(error.message());
    }
  };
  collect([&] {
    const Manifest manifest = Manifest::load(folder);
    problems = check_folder(folder, manifest);
    for (const BundleFile& file : manifest.files) collect([&] { (void)open_file(folder, file); });
    // Files that are as they were packed can still hold what no release may: a packer's bug.
    if (problems.empty()) collect([&] { (void)Bundle::open(folder, options); });
  });
  return problems;
}

}  // namespace lodestone::bundle
