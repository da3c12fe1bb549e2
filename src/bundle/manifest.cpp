#include <algorithm>

#include "base/error.hpp"
#include "base/hash.hpp"
#include "bundle/bundle.hpp"

namespace lodestone::bundle {
namespace {

constexpr std::size_t kMaxManifest = 1U << 20U;
constexpr double kMaxWeight = 1e6;

bool is_hex(std::string_view text) { return text.find_first_not_of("0123456789abcdef") == std::string_view::npos; }

bool is_plain_name(std::string_view name) {
  return !name.empty() && name.front() != '.' &&
         name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_.-") == std::string_view::npos;
}

/// A small file of the bundle, whole.
std::string read_small(const fs::path& path) {
  if (!fs::is_regular_file(path))
    fail(ErrorCode::kCorrupt, "{}: is missing; the bundle is damaged, roll back or publish again", path.string());
  if (const auto size = fs::file_size(path); size > kMaxManifest) {
    fail(ErrorCode::kCorrupt, "{}: {} bytes are too many, {} are allowed; roll back or publish again", path.string(), size,
         kMaxManifest);
  }
  return read_file(path);
}

/// The manifest's text, if it is the one that manifest.sha256 vouches for.
std::string read_verified(const fs::path& folder) {
  if (!fs::is_directory(folder)) {
    fail(ErrorCode::kNotFound, "{}: there is no such bundle; lodestone bundle list shows what there is", folder.string());
  }
  const fs::path path = folder / "manifest.json";
  std::string text = read_small(path);
  const std::string wanted = read_small(folder / "manifest.sha256");
  const std::string found = sha256_hex(text);
  if (wanted != manifest_hash_line(text)) {
    fail(ErrorCode::kCorrupt,
         "{}: its SHA-256 is {}, manifest.sha256 says otherwise; the bundle is damaged, roll back or publish again",
         path.string(), found);
  }
  return text;
}

std::int64_t check_version(const json::Value& document, const std::string& name) {
  const json::Value* version = document.find("format_version");
  if (version == nullptr || version->as_int() == nullptr) fail(ErrorCode::kCorrupt, "{}: format_version is missing", name);
  const std::int64_t found = *version->as_int();
  if (found < kOldestFormatVersion || found > kFormatVersion) {
    fail(ErrorCode::kCorrupt,
         "{}: bundle format {} cannot be read, this program reads {} to {}; publish again with it, or use a newer one", name,
         found, kOldestFormatVersion, kFormatVersion);
  }
  return found;
}

const std::string& text_member(const json::Value& object, std::string_view key, const std::string& name) {
  const json::Value* value = object.find(key);
  if (value == nullptr || value->as_string() == nullptr) fail(ErrorCode::kCorrupt, "{}: {} is missing or no text", name, key);
  return *value->as_string();
}

double number_member(const json::Value* object, std::string_view key, const std::string& name) {
  const json::Value* value = object == nullptr ? nullptr : object->find(key);
  const auto number = value == nullptr ? std::nullopt : value->as_number();
  if (!number || !(*number >= 0 && *number <= kMaxWeight)) {
    fail(ErrorCode::kCorrupt, "{}: channel_weights.{} is missing or no number from 0 to {}", name, key, kMaxWeight);
  }
  return *number;
}

BundleFile parse_file(const json::Value& entry, const std::string& name) {
  BundleFile file;
  file.name = text_member(entry, "name", name);
  file.sha256 = text_member(entry, "sha256", name);
  const json::Value* bytes = entry.find("bytes");
  if (bytes == nullptr || bytes->as_int() == nullptr || *bytes->as_int() < 0)
    fail(ErrorCode::kCorrupt, "{}: bytes of {} is missing", name, file.name);
  file.bytes = static_cast<std::uint64_t>(*bytes->as_int());
  if (!is_plain_name(file.name) || file.sha256.size() != 64 || !is_hex(file.sha256)) {
    fail(ErrorCode::kCorrupt, "{}: \"{}\" is no well-formed file entry", name, file.name);
  }
  return file;
}

/// Format 3 had none.
std::vector<std::string> parse_rankers(const json::Value& document, const std::string& name) {
  std::vector<std::string> rankers;
  const json::Value* list = document.find("rankers");
  if (list == nullptr) return rankers;
  if (list->as_array() == nullptr) fail(ErrorCode::kCorrupt, "{}: rankers is no list", name);
  for (const json::Value& entry : *list->as_array()) {
    if (entry.as_string() == nullptr || !is_plain_name(*entry.as_string()))
      fail(ErrorCode::kCorrupt, "{}: rankers holds what is no name of a ranker", name);
    rankers.push_back(*entry.as_string());
  }
  return rankers;
}

}  // namespace

bool is_bundle_id(std::string_view text) {
  // b-YYYYMMDDThhmmssZ-xxxxxxxx
  if (text.size() != 27 || !text.starts_with("b-") || text[10] != 'T' || text[17] != 'Z' || text[18] != '-') return false;
  const auto digits = [](std::string_view part) { return part.find_first_not_of("0123456789") == std::string_view::npos; };
  return digits(text.substr(2, 8)) && digits(text.substr(11, 6)) && is_hex(text.substr(19));
}

std::string manifest_hash_line(std::string_view manifest) { return sha256_hex(manifest) + "  manifest.json\n"; }

Manifest Manifest::load(const fs::path& folder) {
  const std::string name = (folder / "manifest.json").string();
  Manifest manifest = parse(read_verified(folder), name);
  const std::string lies_in = folder.filename().string();
  if (manifest.id != lies_in && !lies_in.starts_with(kUnfinishedPrefix)) {
    fail(ErrorCode::kCorrupt, "{}: is the manifest of {}; give the folder its name back", name, manifest.id);
  }
  return manifest;
}

Manifest Manifest::parse(std::string_view text, const std::string& name) {
  Manifest manifest;
  manifest.document = json::parse(text, name);
  const json::Value& document = manifest.document;
  manifest.format_version = check_version(document, name);
  manifest.id = text_member(document, "id", name);
  if (!is_bundle_id(manifest.id)) fail(ErrorCode::kCorrupt, "{}: \"{}\" is no bundle id", name, manifest.id);
  const auto created = parse_time(text_member(document, "created", name));
  if (!created) fail(ErrorCode::kCorrupt, "{}: created is no time", name);
  manifest.created = *created;
  const json::Value* weights = document.find("channel_weights");
  for (const models::WeightField& weight : models::kWeightFields) {
    manifest.weights.*weight.field = number_member(weights, weight.name, name);
  }
  if (const json::Value* hash = document.find("feature_schema_sha256"); hash != nullptr && hash->as_string() != nullptr)
    manifest.feature_schema_hash = *hash->as_string();
  manifest.rankers = parse_rankers(document, name);
  const json::Value* files = document.find("files");
  if (files == nullptr || files->as_array() == nullptr) fail(ErrorCode::kCorrupt, "{}: files is missing", name);
  for (const json::Value& entry : *files->as_array()) {
    BundleFile file = parse_file(entry, name);
    for (const BundleFile& other : manifest.files) {
      if (other.name == file.name) fail(ErrorCode::kCorrupt, "{}: {} is listed twice", name, file.name);
    }
    manifest.files.push_back(std::move(file));
  }
  return manifest;
}

std::uint64_t Manifest::bytes() const {
  std::uint64_t sum = 0;
  for (const BundleFile& file : files) sum += file.bytes;
  return sum;
}

}  // namespace lodestone::bundle
