#include <unistd.h>

#include <atomic>

#include "base/error.hpp"
#include "base/hash.hpp"
#include "bundle/bundle.hpp"

namespace lodestone::bundle {
namespace {

void add_lists(TensorWriter& writer, const std::string& name, const models::OwnedNeighbours& lists) {
  writer.add(name + ".offsets", lists.offsets);
  writer.add(name + ".items", lists.items);
  writer.add(name + ".scores", lists.scores);
}

void save_users(const std::vector<models::UserData>& users, const fs::path& path) {
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
  TensorWriter writer;
  writer.add("user_id", ids);
  writer.add("history.offsets", history_offsets);
  writer.add("history.items", history);
  writer.add("history.weights", weights);
  writer.add("owned.offsets", owned_offsets);
  writer.add("owned.items", owned);
  writer.save(path);
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
  text.save(folder / "text.safetensors");
  save_users(data.users, folder / "users.safetensors");
}

json::Value weights_document(const models::ChannelWeights& weights) {
  json::Value out;
  out.set("behavior", json::Value(weights.behavior));
  out.set("content", json::Value(weights.content));
  out.set("popular", json::Value(weights.popular));
  return out;
}

json::Value files_document(const fs::path& folder, std::string& hashes) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder)) names.push_back(entry.path().filename().string());
  std::sort(names.begin(), names.end());
  json::Array out;
  for (const std::string& name : names) {
    const MappedFile file(folder / name);
    json::Value entry;
    entry.set("name", json::Value(name));
    entry.set("bytes", json::Value(static_cast<std::int64_t>(file.bytes().size())));
    const std::string hash = sha256_hex(file.text());
    entry.set("sha256", json::Value(hash));
    hashes += hash;
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
  count("tokens", data.text.tokens.size());
  return out;
}

std::string write_manifest(const models::ReleaseData& data, const BundleInfo& info, const fs::path& folder) {
  std::string hashes;
  json::Value files = files_document(folder, hashes);
  std::string id = fmt::format("b-{}-{}", format_compact(info.created), sha256_hex(hashes).substr(0, 8));
  json::Value document;
  document.set("format_version", json::Value(kFormatVersion));
  document.set("id", json::Value(id));
  document.set("created", json::Value(format_rfc3339(info.created)));
  document.set("product_version", json::Value(info.product_version));
  document.set("config_sha256", json::Value(info.config_hash));
  document.set("channel_weights", weights_document(data.weights));
  document.set("counts", counts_document(data));
  document.set("sources", info.sources);
  document.set("metrics", info.metrics);
  document.set("files", std::move(files));
  const std::string text = json::format(document, 2) + "\n";
  write_file_atomic(folder / "manifest.json", text);
  write_file_atomic(folder / "manifest.sha256", sha256_hex(text) + "\n");
  return id;
}

}  // namespace

std::string pack(const models::ReleaseData& data, const BundleInfo& info, const fs::path& store) {
  static std::atomic<unsigned> counter{0};
  make_folders(store);
  const fs::path work = store / fmt::format(".new-{}-{}", ::getpid(), counter++);
  try {
    fs::remove_all(work);
    make_folders(work);
    save_models(data, work);
    std::string id = write_manifest(data, info, work);
    sync_path(work);
    const fs::path target = store / id;
    if (fs::exists(target)) {
      fs::remove_all(work);  // the same bytes of the same second
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

}  // namespace lodestone::bundle
