#include "simulation/catalogue.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_set>

#include "base/error.hpp"
#include "base/json.hpp"
#include "base/yaml.hpp"

namespace lodestone::simulation {
namespace {

using Path = std::vector<std::string>;  // keys from the outside in

/// Where each of our columns lies in an object: texts at several paths are joined by a blank.
struct ColumnMap {
  std::vector<Path> item, title, description, tags, owner, category;
  std::string tag_separator;
};

Path split(std::string_view text, char separator) {
  Path parts;
  std::size_t begin = 0;
  while (true) {
    const std::size_t end = text.find(separator, begin);
    parts.emplace_back(text.substr(begin, end == std::string_view::npos ? end : end - begin));
    if (end == std::string_view::npos) return parts;
    begin = end + 1;
  }
}

std::vector<Path> parse_paths(const Yaml& node) {
  std::vector<Path> paths;
  if (!node.is_defined()) return paths;
  for (const std::string& text : node.as_strings()) paths.push_back(split(text, '.'));
  return paths;
}

ColumnMap load_column_map(const fs::path& catalogue) {
  const fs::path path = column_map_path(catalogue);
  if (!fs::exists(path)) {
    fail(ErrorCode::kNotFound,
         "{}: the catalogue {} needs this file beside it to name its columns; write for example "
         "\"columns: {{item: id, title: name, description: description, tags: tags}}\"",
         path.string(), catalogue.filename().string());
  }
  YamlErrors errors(path.string());
  const Yaml root = Yaml::parse(read_file(path), errors);
  root.only({"version", "name", "format", "columns", "tag_separator", "licence", "source"});
  if (root.get("version").as_int(1, 1, 1) != 1) root.get("version").error("must be 1");
  if (root.get("format").as_string("jsonl") != "jsonl") root.get("format").error("must be jsonl");
  const Yaml columns = root.require("columns");
  columns.only({"item", "title", "description", "tags", "owner", "category"});
  ColumnMap map;
  map.item = parse_paths(columns.require("item"));
  map.title = parse_paths(columns.require("title"));
  map.description = parse_paths(columns.get("description"));
  map.tags = parse_paths(columns.get("tags"));
  map.owner = parse_paths(columns.get("owner"));
  map.category = parse_paths(columns.get("category"));
  map.tag_separator = root.get("tag_separator").as_string(";");
  errors.throw_if_any();
  return map;
}

const json::Value* follow(const json::Value& row, const Path& path) {
  const json::Value* at = &row;
  for (const std::string& key : path) {
    if (at == nullptr) return nullptr;
    at = at->find(key);
  }
  return at;
}

/// Texts and integers as text; anything else is "".
std::string scalar(const json::Value& value) {
  if (const std::string* text = value.as_string()) return *text;
  if (const std::int64_t* number = value.as_int()) return fmt::format("{}", *number);
  return "";
}

std::string trim(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t\r\n");
  if (begin == std::string_view::npos) return "";
  return std::string(text.substr(begin, text.find_last_not_of(" \t\r\n") - begin + 1));
}

std::string text_of(const json::Value& row, const std::vector<Path>& paths) {
  std::string out;
  for (const Path& path : paths) {
    const json::Value* value = follow(row, path);
    const std::string text = value == nullptr ? "" : trim(scalar(*value));
    if (text.empty()) continue;
    if (!out.empty()) out += ' ';
    out += text;
  }
  std::erase(out, '\0');
  return out;
}

void add_tag(std::vector<std::string>& tags, std::string_view text) {
  std::string tag = trim(text);
  // ';' parts the tags of the marketplace's column, so none may hold one.
  std::replace(tag.begin(), tag.end(), ';', ',');
  std::erase(tag, '\0');
  if (!tag.empty() && std::find(tags.begin(), tags.end(), tag) == tags.end()) tags.push_back(std::move(tag));
}

std::vector<std::string> tags_of(const json::Value& row, const ColumnMap& map) {
  std::vector<std::string> tags;
  for (const Path& path : map.tags) {
    const json::Value* value = follow(row, path);
    if (value == nullptr) continue;
    if (const json::Array* list = value->as_array()) {
      for (const json::Value& tag : *list) add_tag(tags, scalar(tag));
    } else if (const std::string* text = value->as_string()) {
      for (const std::string& tag : split(*text, map.tag_separator.empty() ? ';' : map.tag_separator[0])) add_tag(tags, tag);
    }
  }
  return tags;
}

std::string joined(const std::vector<Path>& paths) {
  std::string out;
  for (const Path& path : paths) out += fmt::format("{}{}", out.empty() ? "" : ", ", fmt::join(path, "."));
  return out;
}

std::vector<CatalogueItem> load_catalogue(const fs::path& file) {
  if (!fs::exists(file)) {
    fail(ErrorCode::kNotFound, "{}: there is no such catalogue; name a JSON-lines file (.jsonl or .jsonl.gz)", file.string());
  }
  const ColumnMap map = load_column_map(file);
  std::vector<CatalogueItem> items;
  std::unordered_set<std::string> seen;
  LineReader reader(file);
  std::string line;
  while (reader.next(line)) {
    if (line.find_first_not_of(" \t") == std::string::npos) continue;
    const std::string place = fmt::format("{}:{}", file.string(), reader.line_number());
    const json::Value row = json::parse(line, place);
    CatalogueItem item{text_of(row, map.item), text_of(row, map.title), text_of(row, map.description),
                       tags_of(row, map),      text_of(row, map.owner), text_of(row, map.category)};
    const auto require = [&](const std::string& text, const char* column, const std::vector<Path>& paths) {
      if (!text.empty()) return;
      fail(ErrorCode::kContract, "{}: column {} is empty; the map {} takes it from \"{}\", correct that or the line", place,
           column, column_map_path(file).filename().string(), joined(paths));
    };
    require(item.external_id, "item", map.item);
    require(item.title, "title", map.title);
    if (!seen.insert(item.external_id).second) {
      fail(ErrorCode::kContract, "{}: the id \"{}\" came before in this file; ids of one catalogue must differ", place,
           item.external_id);
    }
    items.push_back(std::move(item));
  }
  if (items.empty()) fail(ErrorCode::kContract, "{}: the catalogue has no items; it needs one JSON object a line", file.string());
  std::sort(items.begin(), items.end(),
            [](const CatalogueItem& a, const CatalogueItem& b) { return a.external_id < b.external_id; });
  return items;
}

}  // namespace

fs::path column_map_path(const fs::path& catalogue) {
  fs::path stem = catalogue.filename();
  if (stem.extension() == ".gz") stem = stem.stem();
  return catalogue.parent_path() / (stem.stem().string() + ".yaml");
}

std::vector<CatalogueItem> load_catalogues(std::span<const fs::path> files) {
  std::vector<CatalogueItem> all;
  for (const fs::path& file : files) {
    std::vector<CatalogueItem> items = load_catalogue(file);
    all.insert(all.end(), std::make_move_iterator(items.begin()), std::make_move_iterator(items.end()));
  }
  return all;
}

}  // namespace lodestone::simulation
