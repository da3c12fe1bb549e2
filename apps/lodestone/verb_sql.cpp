// lodestone sql 'SELECT ...': the lake's tables, raw and canonical, by name.

#include "base/error.hpp"
#include "base/json.hpp"
#include "feature_files.hpp"
#include "lake/reader.hpp"
#include "lake_access.hpp"
#include "verbs.hpp"

namespace lodestone::app {
namespace {

json::Value value_at(const table::Chunk& chunk, std::size_t column, std::size_t row) {
  if (chunk.is_null(column, row)) return {};
  switch (chunk.columns()[column].kind) {
    case table::ValueKind::kBool: return chunk.bool_at(column, row);
    case table::ValueKind::kInt: return chunk.int_at(column, row);
    case table::ValueKind::kDouble:
    case table::ValueKind::kDecimal: return chunk.double_at(column, row);
    case table::ValueKind::kTexts: {
      json::Array texts;
      for (const std::string_view text : chunk.texts_at(column, row)) texts.emplace_back(text);
      return texts;
    }
    case table::ValueKind::kText:
    case table::ValueKind::kBytes:
    case table::ValueKind::kTime:
    case table::ValueKind::kDate: break;
  }
  return chunk.format_at(column, row);
}

}  // namespace

int run_sql(const Globals& globals, const std::string& query) {
  const Config config = load_config(globals);
  table::Engine engine(engine_options(config));
  const lake::Reader reader(config.file_path("lake.folder"));
  reader.attach(engine);
  attach_feature_files(engine, features_folder(config));
  json::Array documents;
  std::vector<std::vector<std::string>> rows;
  const auto columns = engine.query(query, [&](const table::Chunk& chunk) {
    for (std::size_t r = 0; r < chunk.n_rows(); ++r) {
      json::Value document = json::Object{};
      std::vector<std::string> cells;
      for (std::size_t c = 0; c < chunk.columns().size(); ++c) {
        if (globals.json) {
          document.set(chunk.columns()[c].name, value_at(chunk, c, r));
        } else {
          cells.push_back(chunk.format_at(c, r));
        }
      }
      if (globals.json) {
        documents.push_back(std::move(document));
      } else {
        rows.push_back(std::move(cells));
      }
    }
  });
  if (globals.json) {
    print_json(json::format(json::Value(std::move(documents)), 1));
    return 0;
  }
  std::vector<std::string> header;
  for (const table::ResultColumn& column : columns) header.push_back(column.name);
  print_table(header, rows);
  return 0;
}

}  // namespace lodestone::app
