#include "features/build/feature_store.hpp"

#include <fmt/format.h>

#include <bit>
#include <cstring>

#include "base/error.hpp"

namespace lodestone::features {
namespace {

static_assert(std::endian::native == std::endian::little, "rows are written as they lie in memory");

constexpr const char* kFormat = "lodestone features 1";

constexpr const char* kTables =
    "CREATE TABLE about (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE feature (owner TEXT NOT NULL, place INTEGER NOT NULL, name TEXT NOT NULL, domain TEXT, PRIMARY KEY (owner, "
    "place)) WITHOUT ROWID;"
    "CREATE TABLE vocabulary (domain TEXT NOT NULL, code INTEGER NOT NULL, text TEXT NOT NULL, PRIMARY KEY (domain, code)) "
    "WITHOUT ROWID;"
    "CREATE TABLE user (user_id INTEGER PRIMARY KEY, vector BLOB NOT NULL);"
    "CREATE TABLE item (item_id INTEGER PRIMARY KEY, vector BLOB NOT NULL)";

void write_about(table::SqliteFile& file, const FeatureSet& set) {
  table::SqliteStatement insert = file.prepare("INSERT INTO about VALUES (?, ?)");
  insert.bind(1, "format").bind(2, kFormat).run();
  insert.bind(1, "as_of").bind(2, format_rfc3339(set.as_of)).run();
  insert.bind(1, "schema").bind(2, schema_hash()).run();
}

void write_names(table::SqliteFile& file, const FeatureSet& set) {
  table::SqliteStatement feature = file.prepare("INSERT INTO feature VALUES (?, ?, ?, nullif(?, ''))");
  for (const Group group : {Group::kUser, Group::kItem}) {
    std::int64_t place = 0;
    for (const Feature& one : features_of(group))
      feature.bind(1, group_name(group)).bind(2, place++).bind(3, one.name).bind(4, one.domain).run();
  }
  table::SqliteStatement text = file.prepare("INSERT INTO vocabulary VALUES (?, ?, ?)");
  for (const auto& [domain, texts] : set.vocabularies) {
    for (std::size_t code = 0; code < texts.size(); ++code)
      text.bind(1, domain).bind(2, static_cast<std::int64_t>(code)).bind(3, texts[code]).run();
  }
}

void write_rows(table::SqliteFile& file, const FeatureTable& table) {
  table::SqliteStatement insert = file.prepare(fmt::format("INSERT INTO {} VALUES (?, ?)", group_name(table.group)));
  for (std::size_t r = 0; r < table.ids.size(); ++r) insert.bind(1, table.ids[r]).bind(2, std::as_bytes(table.row(r))).run();
}

std::string about(const table::SqliteFile& file, const char* name) {
  table::SqliteStatement select = file.prepare("SELECT value FROM about WHERE name = ?");
  select.bind(1, name);
  return select.step() ? std::string(select.text_at(0)) : std::string();
}

}  // namespace

void write_feature_store(const FeatureSet& set, const fs::path& path) {
  make_folders(path.parent_path());
  fs::path temporary = path;
  temporary += ".tmp";
  try {
    {
      table::SqliteFile file = table::SqliteFile::create(temporary);
      file.execute("BEGIN");
      file.execute(kTables);
      write_about(file, set);
      write_names(file, set);
      write_rows(file, set.users);
      write_rows(file, set.items);
      file.execute("COMMIT");
    }
    sync_path(temporary);
    fs::rename(temporary, path);
    sync_path(path.parent_path());
  } catch (const fs::filesystem_error& error) {
    fail(ErrorCode::kUnavailable, "cannot write {}: {}", path.string(), error.code().message());
  } catch (...) {
    std::error_code ignored;
    fs::remove(temporary, ignored);
    throw;
  }
}

FeatureStore::FeatureStore(const fs::path& path) : file_(table::SqliteFile::open(path)) {
  if (about(file_, "format") != kFormat)
    fail(ErrorCode::kCorrupt, "{} is no store of features; make it again with lodestone features build", path.string());
  if (about(file_, "schema") != schema_hash())
    fail(ErrorCode::kCorrupt, "{} was written by another feature schema; make it again with lodestone features build",
         path.string());
  const std::optional<TimePoint> as_of = parse_time(about(file_, "as_of"));
  if (!as_of)
    fail(ErrorCode::kCorrupt, "{} does not say as of when it is; make it again with lodestone features build", path.string());
  as_of_ = *as_of;
  table::SqliteStatement texts = file_.prepare("SELECT domain, text FROM vocabulary ORDER BY domain, code");
  while (texts.step()) vocabularies_[std::string(texts.text_at(0))].emplace_back(texts.text_at(1));
}

std::optional<std::vector<float>> FeatureStore::find(Group group, std::int64_t id) const {
  table::SqliteStatement select = file_.prepare(fmt::format("SELECT vector FROM {0} WHERE {0}_id = ?", group_name(group)));
  select.bind(1, id);
  if (!select.step()) return std::nullopt;
  const std::span<const std::byte> bytes = select.bytes_at(0);
  std::vector<float> out(features_of(group).size());
  if (bytes.size() != out.size() * sizeof(float))
    fail(ErrorCode::kCorrupt, "{}: {} {} has {} bytes of features, expected {}", file_.path().string(), group_name(group), id,
         bytes.size(), out.size() * sizeof(float));
  std::memcpy(out.data(), bytes.data(), bytes.size());
  return out;
}

FeatureStore::Ids FeatureStore::ids(Group group) const {
  table::SqliteStatement select = file_.prepare(
      fmt::format("SELECT count(*), coalesce(min({0}_id), 0), coalesce(max({0}_id), 0) FROM {0}", group_name(group)));
  (void)select.step();
  return {select.int_at(0), select.int_at(1), select.int_at(2)};
}

}  // namespace lodestone::features
