#include "lake/reader.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.hpp"

namespace lodestone::lake {
namespace {

using table::quote_identifier;
using table::quote_literal;

void check_parts(const fs::path& folder, const Manifest& manifest) {
  for (const Part& part : manifest.parts) {
    std::error_code code;
    const std::uintmax_t bytes = fs::file_size(folder / part.file, code);
    if (code || bytes != part.bytes) {
      fail(ErrorCode::kCorrupt,
           "{} {}, its manifest says {} bytes; restore it, or make the table again with lodestone extract --full",
           (folder / part.file).string(), code ? "is missing" : fmt::format("has {} bytes", bytes), part.bytes);
    }
  }
}

void read_tables(const fs::path& folder, std::vector<Manifest>& out) {
  if (!fs::is_directory(folder)) return;
  std::vector<fs::path> tables;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder)) tables.push_back(entry.path());
  std::sort(tables.begin(), tables.end());
  for (const fs::path& table : tables) {
    std::optional<Manifest> manifest = find_manifest(table);
    if (!manifest) continue;
    if (!manifest->is_readable()) continue;
    check_parts(table, *manifest);
    out.push_back(std::move(*manifest));
  }
}

}  // namespace

Reader::Reader(fs::path lake) : lake_(std::move(lake)) {
  if (fs::is_directory(lake_)) raw_readers_.emplace(lake_, LakeLayer::kRaw);
  if (fs::is_directory(lake_)) canonical_readers_.emplace(lake_, LakeLayer::kCanonical);
  read();
}

Reader::Reader(fs::path lake, const LakeLock&) : lake_(std::move(lake)) {
  raw_readers_.emplace(lake_, LakeLayer::kRaw);
  read();
}

void Reader::read() {
  if (!fs::is_directory(lake_))
    fail(ErrorCode::kNotFound, "there is no lake in {}; make it with lodestone extract", lake_.string());
  read_tables(lake_ / "raw" / "business", tables_);
  read_tables(lake_ / "raw" / "matomo", tables_);
  read_tables(lake_ / "raw" / "exposures", tables_);
  read_tables(lake_ / "raw" / "events", tables_);
  read_tables(lake_ / "canonical", tables_);
}

const Manifest* Reader::find(std::string_view source, std::string_view table) const {
  const auto found =
      std::find_if(tables_.begin(), tables_.end(), [&](const Manifest& m) { return m.source == source && m.table == table; });
  return found == tables_.end() ? nullptr : &*found;
}

const Manifest& Reader::get(std::string_view source, std::string_view table) const {
  const Manifest* found = find(source, table);
  if (found == nullptr) {
    fail(ErrorCode::kNotFound, "the lake {} has no table {}; make it with lodestone {}", lake_.string(), view_name(source, table),
         source == "canonical" ? "pipeline run" : "extract");
  }
  return *found;
}

void Reader::attach(table::Engine& engine) const {
  engine.execute(
      "CREATE SCHEMA IF NOT EXISTS raw_business; CREATE SCHEMA IF NOT EXISTS raw_matomo; CREATE SCHEMA IF NOT EXISTS "
      "raw_exposures; CREATE SCHEMA IF NOT EXISTS raw_events; CREATE SCHEMA IF NOT EXISTS quarantine");
  for (const Manifest& manifest : tables_) attach_table(engine, lake_, manifest);
}

std::string view_name(std::string_view source, std::string_view table) {
  return source == "canonical" ? std::string(table) : fmt::format("raw_{}.{}", source, table);
}

void attach_table(table::Engine& engine, const fs::path& lake, const Manifest& manifest) {
  engine.execute(fmt::format("CREATE OR REPLACE VIEW {} AS SELECT * FROM {}", view_name(manifest.source, manifest.table),
                             table_sql(lake, manifest)));
  // Somebody may have emptied the quarantine; the table does not depend on it.
  const fs::path quarantine = quarantine_path(lake, manifest.source, manifest.table);
  const auto is_there = [&](const std::string& file) { return fs::exists(quarantine / file); };
  if (manifest.quarantine_files.empty() ||
      !std::all_of(manifest.quarantine_files.begin(), manifest.quarantine_files.end(), is_there))
    return;
  engine.execute(fmt::format("CREATE OR REPLACE VIEW quarantine.{} AS SELECT * FROM {}",
                             quote_identifier(manifest.source + "_" + manifest.table),
                             parquet_sql(quarantine, manifest.quarantine_files)));
}

std::string parquet_sql(const fs::path& folder, const std::vector<std::string>& files) {
  std::string paths;
  for (const std::string& file : files) paths += (paths.empty() ? "" : ", ") + quote_literal((folder / file).string());
  return fmt::format("read_parquet([{}], union_by_name = true)", paths);
}

std::string changes_sql(const fs::path& folder, const Manifest& manifest) {
  std::string all;
  std::size_t n = 0;
  for (const Part& part : manifest.parts) {
    if (part.kind != PartKind::kChanges) continue;
    all += fmt::format("{}SELECT *, {} AS _lodestone_place FROM read_parquet({})", n == 0 ? "" : " UNION ALL BY NAME ", n,
                       quote_literal((folder / part.file).string()));
    ++n;
  }
  LODESTONE_ASSERT(n > 0, "{}", folder.string());
  if (n == 1) return fmt::format("(SELECT * EXCLUDE (_lodestone_place) FROM ({}))", all);
  return fmt::format(
      "(SELECT * EXCLUDE (_lodestone_place) FROM ({}) QUALIFY row_number() OVER (PARTITION BY {} ORDER BY _lodestone_place DESC) "
      "= 1)",
      all, table::quote_identifiers(manifest.primary_key));
}

std::string table_sql(const fs::path& lake, const Manifest& manifest, const std::string& given_changes) {
  std::string select;
  for (const ManifestColumn& column : manifest.columns) {
    const std::string name = quote_identifier(column.name);
    const bool is_there = column.origin != ColumnOrigin::kAbsent && !manifest.parts.empty();
    select += (select.empty() ? "" : ", ") + (is_there ? name : fmt::format("CAST(NULL AS {}) AS {}", column.sql_type, name));
  }
  if (manifest.parts.empty()) return fmt::format("(SELECT {} WHERE false)", select);
  const fs::path folder = table_path(lake, manifest.source, manifest.table);
  std::vector<std::string> files;
  for (const Part& part : manifest.parts) {
    if (part.kind == PartKind::kBase) files.push_back(part.file);
  }
  if (files.size() == manifest.parts.size()) return fmt::format("(SELECT {} FROM {})", select, parquet_sql(folder, files));
  const std::string changes = given_changes.empty() ? changes_sql(folder, manifest) : given_changes;
  const std::string live = fmt::format("SELECT {} FROM {} WHERE NOT {}", select, changes, quote_identifier(kDeletedColumn));
  if (files.empty()) return fmt::format("({})", live);
  // The changes are few: their keys are the hash table, the base streams past it.
  return fmt::format("(SELECT {} FROM {} ANTI JOIN {} USING ({}) UNION ALL {})", select, parquet_sql(folder, files), changes,
                     table::quote_identifiers(manifest.primary_key), live);
}

}  // namespace lodestone::lake
