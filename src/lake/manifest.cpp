#include "lake/manifest.hpp"

#include <array>

#include "base/error.hpp"
#include "base/json.hpp"

namespace lodestone::lake {
namespace {

constexpr std::array<std::string_view, 3> kOrigins = {"contract", "extra", "absent"};
constexpr int kOldestVersion = 1;

/// Reads members of known types; anything else is corrupt.
class Fields {
 public:
  Fields(const json::Value& value, std::string file, std::string path)
      : value_(&value), file_(std::move(file)), path_(std::move(path)) {
    if (value.as_object() == nullptr) refuse("", "an object");
  }
  [[nodiscard]] std::string text(std::string_view key) const {
    const json::Value* value = value_->find(key);
    if (value == nullptr || value->as_string() == nullptr) refuse(key, "a text");
    return *value->as_string();
  }
  [[nodiscard]] std::uint64_t count(std::string_view key) const {
    const json::Value* value = value_->find(key);
    if (value == nullptr || value->as_int() == nullptr || *value->as_int() < 0) refuse(key, "a count");
    return static_cast<std::uint64_t>(*value->as_int());
  }
  /// Nothing when the key is not there.
  [[nodiscard]] std::optional<TimePoint> find_time(std::string_view key) const {
    if (value_->find(key) == nullptr) return std::nullopt;
    return time(key);
  }
  [[nodiscard]] TimePoint time(std::string_view key) const {
    const std::optional<TimePoint> at = parse_time(text(key));
    if (!at) refuse(key, "a time");
    return *at;
  }
  [[nodiscard]] const json::Value* find(std::string_view key) const { return value_->find(key); }
  [[nodiscard]] const json::Array& array(std::string_view key) const {
    const json::Value* value = value_->find(key);
    if (value == nullptr || value->as_array() == nullptr) refuse(key, "an array");
    return *value->as_array();
  }
  [[noreturn]] void refuse(std::string_view key, std::string_view wanted) const {
    fail(ErrorCode::kCorrupt, "{}: {}{} must be {}; restore the file, or make the table again with lodestone extract --full",
         file_, path_, key, wanted);
  }

 private:
  const json::Value* value_;
  std::string file_;
  std::string path_;
};

// A name that stays inside its folder.
bool is_file_name(const std::string& name) {
  return !name.empty() && name.find('/') == std::string::npos && name != "." && name != "..";
}

std::vector<std::string> parse_texts(const Fields& fields, std::string_view key) {
  std::vector<std::string> out;
  for (const json::Value& value : fields.array(key)) {
    if (value.as_string() == nullptr) fields.refuse(key, "a list of texts");
    out.push_back(*value.as_string());
  }
  return out;
}

std::vector<std::string> parse_file_names(const Fields& fields, std::string_view key) {
  std::vector<std::string> out = parse_texts(fields, key);
  for (const std::string& name : out) {
    if (!is_file_name(name)) fields.refuse(key, "names of files");
  }
  return out;
}

json::Array format_texts(const std::vector<std::string>& texts) {
  json::Array out;
  for (const std::string& text : texts) out.emplace_back(text);
  return out;
}

ManifestColumn parse_column(const json::Value& value, const std::string& file) {
  const Fields fields(value, file, "columns.");
  ManifestColumn column{fields.text("name"), fields.text("type"), ColumnOrigin::kContract};
  const std::string origin = fields.text("origin");
  for (std::size_t i = 0; i < kOrigins.size(); ++i) {
    if (kOrigins[i] == origin) {
      column.origin = static_cast<ColumnOrigin>(i);
      return column;
    }
  }
  fields.refuse("origin", "contract, extra or absent");
}

Part parse_part(const json::Value& value, const std::string& file, int version) {
  const Fields fields(value, file, "parts.");
  Part part{fields.text("file"), fields.count("rows"), fields.count("bytes")};
  if (!is_file_name(part.file)) fields.refuse("file", "the name of a file in this folder");
  if (version == 1) return part;
  const std::string kind = fields.text("kind");
  if (kind != "base" && kind != "changes") fields.refuse("kind", "base or changes");
  if (kind == "base") return part;
  part.kind = PartKind::kChanges;
  const json::Value* net_rows = fields.find("net_rows");
  if (net_rows == nullptr || net_rows->as_int() == nullptr) fields.refuse("net_rows", "a number");
  part.net_rows = *net_rows->as_int();
  return part;
}

std::vector<Part> parse_parts(const Fields& fields, const std::string& file, int version) {
  std::vector<Part> parts;
  for (const json::Value& value : fields.array("parts")) parts.push_back(parse_part(value, file, version));
  return parts;
}

json::Value format_parts(const std::vector<Part>& parts) {
  json::Array out;
  for (const Part& part : parts) {
    json::Value& value = out.emplace_back();
    value.set("file", part.file);
    value.set("rows", static_cast<std::int64_t>(part.rows));
    value.set("bytes", static_cast<std::int64_t>(part.bytes));
    value.set("kind", part.kind == PartKind::kBase ? "base" : "changes");
    if (part.kind == PartKind::kChanges) value.set("net_rows", part.net_rows);
  }
  return out;
}

Cursor parse_cursor(const json::Value& value, const std::string& file) {
  const Fields fields(value, file, "cursor.");
  return {.column = fields.text("column"),
          .newest = fields.find_time("newest"),
          .newest_key = parse_texts(fields, "newest_key"),
          .read_at = fields.find_time("read_at"),
          .began_at = fields.find_time("began_at"),
          .pass_time = fields.find_time("pass_time"),
          .pass_key = parse_texts(fields, "pass_key"),
          .position = fields.find("position") == nullptr ? "" : fields.text("position")};
}

json::Value format_cursor(const Cursor& cursor) {
  json::Value out;
  const auto set_time = [&](const char* key, const std::optional<TimePoint>& at) {
    if (at) out.set(key, format_rfc3339(*at));
  };
  out.set("column", cursor.column);
  set_time("newest", cursor.newest);
  out.set("newest_key", format_texts(cursor.newest_key));
  set_time("read_at", cursor.read_at);
  set_time("began_at", cursor.began_at);
  set_time("pass_time", cursor.pass_time);
  out.set("pass_key", format_texts(cursor.pass_key));
  if (!cursor.position.empty()) out.set("position", cursor.position);
  return out;
}

Comparison parse_comparison(const json::Value& value, const std::string& file) {
  const Fields fields(value, file, "comparison.");
  Comparison out{.compared_at = fields.time("compared_at"), .file = fields.text("file")};
  if (!out.file.empty() && !is_file_name(out.file)) fields.refuse("file", "the name of a file in this folder");
  for (const json::Value& range : fields.array("touched")) {
    if (range.as_int() == nullptr) fields.refuse("touched", "a list of numbers");
    out.touched.push_back(*range.as_int());
  }
  return out;
}

json::Value format_comparison(const Comparison& comparison) {
  json::Value out;
  out.set("compared_at", format_rfc3339(comparison.compared_at));
  out.set("file", comparison.file);
  json::Array touched;
  for (const std::int64_t range : comparison.touched) touched.emplace_back(range);
  out.set("touched", std::move(touched));
  return out;
}

Pending parse_pending(const json::Value& value, const std::string& file) {
  const Fields fields(value, file, "pending.");
  return {.parts = parse_parts(fields, file, kManifestVersion),
          .columns = parse_texts(fields, "columns"),
          .after_key = parse_texts(fields, "after_key"),
          .began_at = fields.time("began_at"),
          .n_quarantined = fields.count("quarantined"),
          .quarantine_files = parse_file_names(fields, "quarantine_files")};
}

json::Value format_pending(const Pending& pending) {
  json::Value out;
  out.set("parts", format_parts(pending.parts));
  out.set("columns", format_texts(pending.columns));
  out.set("after_key", format_texts(pending.after_key));
  out.set("began_at", format_rfc3339(pending.began_at));
  out.set("quarantined", static_cast<std::int64_t>(pending.n_quarantined));
  out.set("quarantine_files", format_texts(pending.quarantine_files));
  return out;
}

}  // namespace

std::uint64_t Manifest::n_rows() const {
  std::int64_t n = 0;
  for (const Part& part : parts) n += part.kind == PartKind::kBase ? static_cast<std::int64_t>(part.rows) : part.net_rows;
  return static_cast<std::uint64_t>(n);
}

Manifest parse_manifest(std::string_view text, const std::string& file) {
  const json::Value root = json::parse(text, file);
  const Fields fields(root, file, "");
  const auto version = static_cast<int>(fields.count("format"));
  if (version < kOldestVersion || version > kManifestVersion) {
    fail(ErrorCode::kCorrupt,
         "{}: the lake table has format {}, this program reads formats {} to {}; make it again with lodestone extract --full",
         file, version, kOldestVersion, kManifestVersion);
  }
  Manifest manifest;
  manifest.layer = fields.text("layer");
  manifest.source = fields.text("source");
  manifest.table = fields.text("table");
  manifest.kind = fields.text("kind");
  manifest.location = fields.text("location");
  manifest.created_at = fields.time("created_at");
  for (const json::Value& value : fields.array("columns")) manifest.columns.push_back(parse_column(value, file));
  manifest.primary_key = parse_texts(fields, "primary_key");
  manifest.parts = parse_parts(fields, file, version);
  manifest.n_quarantined = fields.count("quarantined");
  manifest.quarantine_files = parse_file_names(fields, "quarantine_files");
  if (version == 1) return manifest;
  if (const json::Value* cursor = fields.find("cursor")) manifest.cursor = parse_cursor(*cursor, file);
  if (const json::Value* pending = fields.find("pending")) manifest.pending = parse_pending(*pending, file);
  if (const json::Value* comparison = fields.find("comparison")) manifest.comparison = parse_comparison(*comparison, file);
  return manifest;
}

std::string format_manifest(const Manifest& manifest) {
  json::Value root;
  root.set("format", kManifestVersion);
  root.set("layer", manifest.layer);
  root.set("source", manifest.source);
  root.set("table", manifest.table);
  root.set("kind", manifest.kind);
  root.set("location", manifest.location);
  root.set("created_at", format_rfc3339(manifest.created_at));
  root.set("rows", static_cast<std::int64_t>(manifest.n_rows()));
  root.set("quarantined", static_cast<std::int64_t>(manifest.n_quarantined));
  root.set("quarantine_files", format_texts(manifest.quarantine_files));
  root.set("primary_key", format_texts(manifest.primary_key));
  if (manifest.cursor) root.set("cursor", format_cursor(*manifest.cursor));
  root.set("parts", format_parts(manifest.parts));
  if (manifest.pending) root.set("pending", format_pending(*manifest.pending));
  if (manifest.comparison) root.set("comparison", format_comparison(*manifest.comparison));
  json::Array columns;
  for (const ManifestColumn& column : manifest.columns) {
    json::Value& value = columns.emplace_back();
    value.set("name", column.name);
    value.set("type", column.sql_type);
    value.set("origin", std::string(kOrigins[static_cast<std::size_t>(column.origin)]));
  }
  root.set("columns", std::move(columns));
  return json::format(root, 1) + "\n";
}

std::optional<Manifest> find_manifest(const fs::path& table_folder) {
  const fs::path path = table_folder / "manifest.json";
  if (!fs::exists(path)) return std::nullopt;
  return parse_manifest(read_file(path), path.string());
}

}  // namespace lodestone::lake
