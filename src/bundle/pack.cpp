#include <algorithm>
#include <functional>

#include "base/error.hpp"
#include "base/hash.hpp"
#include "bundle/bundle.hpp"
#include "bundle/feature_facts.hpp"
#include "bundle/file_lock.hpp"
#include "bundle/online_file.hpp"
#include "bundle/store.hpp"
#include "features/schema.hpp"
#include "models/recall/vector_file.hpp"

namespace lodestone::bundle {
namespace {

void add_lists(TensorWriter& writer, const std::string& name, const models::OwnedNeighbours& lists) {
  writer.add(name + ".offsets", lists.offsets);
  writer.add(name + ".items", lists.items);
  writer.add(name + ".scores", lists.scores);
}

void save_users(const std::vector<models::UserData>& users, const models::OwnedNeighbours& guests, const fs::path& path) {
  std::vector<std::int64_t> ids;
  std::vector<std::uint64_t> history_offsets{0};
  std::vector<ItemIndex> history;
  std::vector<float> weights;
  std::vector<std::uint64_t> owned_offsets{0};
  std::vector<ItemIndex> owned;
  for (const models::UserData& user : users) {
    LODESTONE_ASSERT(ids.empty() || ids.back() < raw(user.id), "user ids must rise, {} follows {}", raw(user.id), ids.back());
    LODESTONE_ASSERT(user.history.size() == user.history_weights.size(), "user {}: weights miss", raw(user.id));
    ids.push_back(raw(user.id));
    history.insert(history.end(), user.history.begin(), user.history.end());
    weights.insert(weights.end(), user.history_weights.begin(), user.history_weights.end());
    history_offsets.push_back(history.size());
    owned.insert(owned.end(), user.owned.begin(), user.owned.end());
    owned_offsets.push_back(owned.size());
  }
  history.insert(history.end(), guests.items.begin(), guests.items.end());
  weights.insert(weights.end(), guests.scores.begin(), guests.scores.end());
  const std::uint64_t first = history_offsets.back();
  for (std::size_t g = 1; g < guests.offsets.size(); ++g) history_offsets.push_back(first + guests.offsets[g]);
  TensorWriter writer;
  writer.add("user_id", ids);
  writer.add("history.offsets", history_offsets);
  writer.add("history.items", history);
  writer.add("history.weights", weights);
  writer.add("owned.offsets", owned_offsets);
  writer.add("owned.items", owned);
  writer.save(path);
}

/// A release may lack any of these lists; its rows are empty then.
void save_channels(const models::ReleaseData& data, const fs::path& path) {
  const std::vector<std::uint64_t> no_items(data.items.size() + 1, 0);
  const std::vector<std::uint64_t> no_row(2, 0);
  const std::vector<std::int32_t> no_bucket(data.items.size(), 0);
  TensorWriter writer;
  const auto add = [&](const std::string& name, const models::OwnedNeighbours& lists, const std::vector<std::uint64_t>& none) {
    writer.add(name + ".offsets", lists.items.empty() && lists.offsets.size() == 1 ? none : lists.offsets);
    writer.add(name + ".items", lists.items);
    writer.add(name + ".scores", lists.scores);
  };
  add("sequence", data.sequence, no_items);
  add("tag", data.tag, no_items);
  add("item_users", data.item_users, no_items);
  writer.add("price_bucket", data.price_bucket.empty() ? no_bucket : data.price_bucket);
  add("price", data.price, no_row);
  add("new", data.fresh, no_row);
  writer.save(path);
}

/// Nothing when there was nothing to learn vectors from.
void save_vectors(const models::OwnedLatentVectors& vectors, const fs::path& folder) {
  if (vectors.index.vectors.empty()) return;
  models::save_vector_index(vectors.index.view(), vectors.index.ef_construction, folder / "vectors.safetensors");
  const models::FoldInParameters& p = vectors.parameters;
  const std::vector<double> parameters = {p.alpha,         p.regularization,      p.exponent,
                                          p.user_exponent, p.mean_user_frequency, p.median_user_items};
  TensorWriter writer;
  writer.add("fold_in", parameters);
  writer.add("gram", vectors.gram);
  add_lists(writer, "neighbors", vectors.neighbours);
  writer.save(folder / "fold_in.safetensors");
}

/// Nothing for a release that does not rank.
void save_ranking(const models::ReleaseData& data, const fs::path& folder) {
  const models::OwnedRanking& ranking = data.ranking;
  if (ranking.empty()) return;
  TensorWriter writer;
  writer.add_texts("user_columns", ranking.users.columns);
  writer.add_matrix<float>("user_rows", ranking.users.values, data.users.size(), ranking.users.columns.size());
  writer.add_texts("item_columns", ranking.items.columns);
  writer.add_matrix<float>("item_rows", ranking.items.values, data.items.size(), ranking.items.columns.size());
  writer.add("item_tags.offsets", ranking.tag_offsets);
  writer.add("item_tags", ranking.item_tags);
  std::vector<std::string> domains;
  for (const auto& [domain, texts] : ranking.vocabularies) {
    domains.push_back(domain);
    writer.add_texts("vocabulary." + domain, texts);
  }
  writer.add_texts("domains", domains);
  writer.save(folder / kFeatureFile);
  for (const models::OwnedRanking::Text& ranker : ranking.rankers)
    write_file_atomic(folder / ranker_file(ranker.name), ranker.text);
  if (!ranking.card.empty()) write_file_atomic(folder / kModelCardFile, ranking.card);
  if (ranking.as_of) write_file_atomic(folder / kFeatureFactsFile, format_feature_facts({*ranking.as_of, ranking.reference}));
}

void save_models(const models::ReleaseData& data, const fs::path& folder) {
  models::save_catalog(data.items, folder / "items.safetensors");
  TensorWriter behavior;
  add_lists(behavior, "neighbors", data.behavior);
  add_lists(behavior, "influence", data.behavior_influence);
  behavior.save(folder / "behavior.safetensors");
  TensorWriter content;
  add_lists(content, "neighbors", data.content);
  content.save(folder / "content.safetensors");
  save_channels(data, folder / "channels.safetensors");
  save_vectors(data.vectors, folder);
  TensorWriter popular;
  add_lists(popular, "popular", data.popular);
  add_lists(popular, "popular_by_category", data.popular_by_category);
  add_lists(popular, "trending", data.trending);
  popular.save(folder / "popular.safetensors");
  TensorWriter text;
  text.add("tokens", data.text.tokens);
  text.add("postings.offsets", data.text.offsets);
  text.add("postings.items", data.text.items);
  text.add("postings.weights", data.text.weights);
  text.add("words.key_offsets", data.words.key_offsets);
  text.add("words.key_bytes", data.words.key_bytes);
  text.add("words.word_offsets", data.words.word_offsets);
  text.add("words.word_bytes", data.words.word_bytes);
  text.add("words.weights", data.words.weights);
  text.add("words.heaviest", data.words.heaviest);
  text.save(folder / "text.safetensors");
  save_users(data.users, data.guests, folder / "users.safetensors");
  save_ranking(data, folder);
  if (data.online) save_online_snapshot(*data.online, folder / kOnlineFile);
}

json::Value weights_document(const models::ChannelWeights& weights) {
  json::Value out;
  for (const models::WeightField& weight : models::kWeightFields)
    out.set(std::string(weight.name), json::Value(weights.*weight.field));
  return out;
}

json::Value rankers_document(const models::OwnedRanking& ranking) {
  json::Array names;
  for (const models::OwnedRanking::Text& ranker : ranking.rankers) names.emplace_back(ranker.name);
  return json::Value(std::move(names));
}

json::Value files_document(const fs::path& folder) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder)) names.push_back(entry.path().filename().string());
  std::sort(names.begin(), names.end());
  json::Array out;
  for (const std::string& name : names) {
    const MappedFile file(folder / name);
    json::Value entry;
    entry.set("name", json::Value(name));
    entry.set("bytes", json::Value(static_cast<std::int64_t>(file.bytes().size())));
    entry.set("sha256", json::Value(sha256_hex(file.text())));
    out.push_back(std::move(entry));
  }
  return json::Value(std::move(out));
}

json::Value counts_document(const models::ReleaseData& data) {
  json::Value out;
  const auto count = [&](const char* name, std::size_t n) { out.set(name, json::Value(static_cast<std::int64_t>(n))); };
  count("items", data.items.size());
  count("users", data.users.size());
  count("behavior_pairs", data.behavior.items.size());
  count("content_pairs", data.content.items.size());
  count("sequence_pairs", data.sequence.items.size());
  count("tokens", data.text.tokens.size());
  return out;
}

json::Value manifest_document(const models::ReleaseData& data, const BundleInfo& info, const json::Value& files,
                              std::string_view id) {
  const auto text_or_null = [](const std::string& text) { return text.empty() ? json::Value() : json::Value(text); };
  const auto object_or_empty = [](const json::Value& value) { return value.is_null() ? json::Value(json::Object{}) : value; };
  json::Value document;
  document.set("format_version", json::Value(kFormatVersion));
  document.set("id", json::Value(id));
  document.set("created", json::Value(format_rfc3339(info.created)));
  document.set("product_version", json::Value(info.product_version));
  document.set("config_sha256", text_or_null(info.config_hash));
  document.set("feature_schema_sha256", text_or_null(data.ranking.empty() ? "" : features::schema_hash()));
  document.set("channel_weights", weights_document(data.weights));
  document.set("rankers", rankers_document(data.ranking));
  document.set("counts", counts_document(data));
  document.set("sources", object_or_empty(info.sources));
  document.set("metrics", object_or_empty(info.metrics));
  document.set("files", files);
  return document;
}

/// Makes the manifest for a list of files and an id.
using Describe = std::function<json::Value(const json::Value& files, std::string_view id)>;

/// The id ends with a hash over all that the manifest says, the hashes of the files among it.
std::string write_manifest(const Describe& describe, TimePoint created, const fs::path& folder) {
  const json::Value files = files_document(folder);
  const std::string content = json::format(describe(files, ""));
  std::string id = fmt::format("b-{}-{}", format_compact(created), sha256_hex(content).substr(0, 8));
  const std::string text = json::format(describe(files, id), 2) + "\n";
  write_file_atomic(folder / "manifest.json", text);
  write_file_atomic(folder / "manifest.sha256", manifest_hash_line(text));
  return id;
}

/// What a killed run left. The caller holds the lock, so nobody is at work on them.
void remove_unfinished(const fs::path& store) {
  std::vector<fs::path> unfinished;
  for (const auto& entry : fs::directory_iterator(store)) {
    if (entry.path().filename().string().starts_with(kUnfinishedPrefix)) unfinished.push_back(entry.path());
  }
  for (const fs::path& path : unfinished) remove_folder(path);
}

/// Puts files into a folder, of a release that it may look at once there is one.
using Fill = std::function<void(const fs::path& work)>;
using Amend = std::function<void(const fs::path& work, const models::Release& release)>;

/// A new bundle of the files that `fill` writes into its folder, and then `amend`, where it is given.
std::string make_bundle(const fs::path& store, TimePoint created, const Fill& fill, const Describe& describe,
                        const OpenOptions& options, const Amend& amend = nullptr) {
  make_folders(store);
  const FileLock lock(store / ".pack.lock");
  remove_unfinished(store);
  const fs::path work = store / fmt::format("{}{}", kUnfinishedPrefix, format_compact(created));
  try {
    make_folders(work);
    fill(work);
    std::string id = write_manifest(describe, created, work);
    if (amend) {
      amend(work, Bundle::open(work, options)->release());
      for (const char* name : {"manifest.json", "manifest.sha256"}) fs::remove(work / name);
      id = write_manifest(describe, created, work);
    }
    (void)Bundle::open(work, options);
    sync_path(work);
    const fs::path target = store / id;
    if (fs::exists(target)) {
      remove_folder(work);  // the same bytes of the same second
      return id;
    }
    std::error_code error;
    fs::rename(work, target, error);
    if (error) fail(ErrorCode::kUnavailable, "{}: cannot be put in place: {}", target.string(), error.message());
    sync_path(store);
    return id;
  } catch (...) {
    std::error_code ignored;  // the first error is the one to tell
    fs::remove_all(work, ignored);
    throw;
  }
}

/// The same file in two bundles, which nobody writes to; a copy where the file system has no links.
void share_file(const fs::path& from, const fs::path& to) {
  std::error_code error;
  fs::create_hard_link(from, to, error);
  if (error) write_file_atomic(to, read_file(from));
}

}  // namespace

std::string pack(const models::ReleaseData& data, const BundleInfo& info, const fs::path& store, const MakeCard& make_card) {
  Amend amend;
  if (make_card && !data.ranking.empty()) {
    amend = [&](const fs::path& work, const models::Release& release) {
      write_file_atomic(work / kModelCardFile, make_card(release));
    };
  }
  return make_bundle(
      store, info.created, [&](const fs::path& work) { save_models(data, work); },
      [&](const json::Value& files, std::string_view id) { return manifest_document(data, info, files, id); }, {}, amend);
}

void check_new_ranker(const ImportedRanker& ranker, const Bundle& from, const fs::path& onnx_library) {
  const Manifest& manifest = from.manifest();
  const std::string& name = ranker.name;
  if (name.empty() || name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_-") != std::string::npos)
    fail(ErrorCode::kInvalidArgument, "\"{}\" is no name of a ranker; small letters, digits, _ and - make one", name);
  if (std::find(manifest.rankers.begin(), manifest.rankers.end(), name) != manifest.rankers.end())
    fail(ErrorCode::kInvalidArgument, "bundle {} has a ranker {} already; choose another name", manifest.id, name);
  const auto& ranking = from.release().ranking;
  if (ranking == nullptr)
    fail(
        ErrorCode::kInvalidArgument,
        "bundle {} stores no features, so no ranker can be added to it; train one that fits rankers of its own (training.ranker)",
        manifest.id);
  (void)models::Ranker(name, ranker.bytes, onnx_library, ranking->users, ranking->items);
}

std::string add_ranker(const BundleStore& store, const Bundle& from, const ImportedRanker& ranker, TimePoint created,
                       const std::string& product_version) {
  const Manifest& old = from.manifest();
  const fs::path source = store.path_of(old.id);
  check_new_ranker(ranker, from, store.onnx_library());
  const auto fill = [&](const fs::path& work) {
    for (const BundleFile& file : old.files) share_file(source / file.name, work / file.name);
    write_file_atomic(work / ranker_file(ranker.name, models::RankerFormat::kOnnx), ranker.bytes);
  };
  const auto describe = [&](const json::Value& files, std::string_view id) {
    json::Array names{json::Value(ranker.name)};
    for (const std::string& name : old.rankers) names.emplace_back(name);
    json::Value document;
    for (const json::Member& member : *old.document.as_object()) {
      json::Value value = member.value;
      if (member.key == "id") value = json::Value(id);
      if (member.key == "created") value = json::Value(format_rfc3339(created));
      if (member.key == "product_version") value = json::Value(product_version);
      if (member.key == "rankers") value = json::Value(names);
      if (member.key == "files") value = files;
      if (member.key != "made_from") document.set(member.key, std::move(value));
    }
    document.set("made_from", json::Value(old.id));
    return document;
  };
  return make_bundle(store.folder(), created, fill, describe, {.n_threads = 0, .onnx_library = store.onnx_library()});
}

}  // namespace lodestone::bundle
