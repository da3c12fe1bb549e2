#include "lake/manifest.hpp"

#include <array>

#include "base/error.hpp"
#include "base/json.hpp"

namespace lodestone::lake {
namespace {

constexpr std::array<std::string_view, 3> kOrigins = {"contract", "extra", "absent"};

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

}  // namespace

std::uint64_t Manifest::n_rows() const {
  std::uint64_t n = 0;
  for (const Part& part : parts) n += part.rows;
  return n;
}

Manifest parse_manifest(std::string_view text, const std::string& file) {
  const json::Value root = json::parse(text, file);
  const Fields fields(root, file, "");
  const std::uint64_t version = fields.count("format");
  if (version != kManifestVersion) {
    fail(ErrorCode::kCorrupt,
         "{}: the lake table has format {}, this program reads format {}; make it again with lodestone extract --full", file,
         version, kManifestVersion);
  }
  Manifest manifest;
  manifest.layer = fields.text("layer");
  manifest.source = fields.text("source");
  manifest.table = fields.text("table");
  manifest.kind = fields.text("kind");
  manifest.location = fields.text("location");
  const std::optional<TimePoint> created = parse_time(fields.text("created_at"));
  if (!created) fields.refuse("created_at", "a time");
  manifest.created_at = *created;
  for (const json::Value& value : fields.array("columns")) manifest.columns.push_back(parse_column(value, file));
  manifest.primary_key = parse_texts(fields, "primary_key");
  for (const json::Value& value : fields.array("parts")) {
    const Fields part(value, file, "parts.");
    manifest.parts.push_back({part.text("file"), part.count("rows"), part.count("bytes")});
    if (!is_file_name(manifest.parts.back().file)) part.refuse("file", "the name of a file in this folder");
  }
  manifest.n_quarantined = fields.count("quarantined");
  manifest.quarantine_files = parse_texts(fields, "quarantine_files");
  for (const std::string& name : manifest.quarantine_files) {
    if (!is_file_name(name)) fields.refuse("quarantine_files", "names of files");
  }
  manifest.cursor = fields.text("cursor");
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
  root.set("cursor", manifest.cursor);
  root.set("primary_key", format_texts(manifest.primary_key));
  json::Array parts;
  for (const Part& part : manifest.parts) {
    json::Value& value = parts.emplace_back();
    value.set("file", part.file);
    value.set("rows", static_cast<std::int64_t>(part.rows));
    value.set("bytes", static_cast<std::int64_t>(part.bytes));
  }
  root.set("parts", std::move(parts));
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
