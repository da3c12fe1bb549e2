// lodestone quarantine list | show TABLE: rows that did not fit their table contract, and why.

#include <fmt/format.h>

#include <cstdio>

#include "base/error.hpp"
#include "base/json.hpp"
#include "base/nearest.hpp"
#include "lake/reader.hpp"
#include "lake_access.hpp"
#include "verbs.hpp"

namespace lodestone::app {
namespace {

std::string label_of(const lake::Manifest& table) { return table.source + "." + table.table; }
std::string view_of(const lake::Manifest& table) { return "quarantine." + table.source + "_" + table.table; }

}  // namespace

int run_quarantine_list(const Globals& globals) {
  const Config config = load_config(globals);
  table::Engine engine(engine_options(config));
  const lake::Reader reader(config.file_path("lake.folder"));
  reader.attach(engine);
  std::vector<std::vector<std::string>> rows;
  json::Array documents;
  for (const lake::Manifest& table : reader.tables()) {
    if (table.n_quarantined == 0) continue;
    engine.query("SELECT reason, count(*) AS n FROM " + view_of(table) + " GROUP BY reason ORDER BY n DESC, reason",
                 [&](const table::Chunk& chunk) {
                   for (std::size_t r = 0; r < chunk.n_rows(); ++r) {
                     rows.push_back({label_of(table), chunk.format_at(1, r), chunk.format_at(0, r)});
                     json::Value row = json::Object{};
                     row.set("table", json::Value(label_of(table)));
                     row.set("rows", json::Value(chunk.int_at(1, r)));
                     row.set("reason", json::Value(chunk.format_at(0, r)));
                     documents.push_back(std::move(row));
                   }
                 });
  }
  if (globals.json) {
    print_json(json::format(json::Value(std::move(documents)), 2));
  } else if (rows.empty()) {
    std::printf("no row is in quarantine\n");
  } else {
    print_table({"table", "rows", "reason"}, rows);
  }
  return 0;
}

int run_quarantine_show(const Globals& globals, const std::string& table, int limit) {
  {
    const Config config = load_config(globals);
    const lake::Reader reader(config.file_path("lake.folder"));
    std::vector<std::string> names;
    bool found = false;
    for (const lake::Manifest& manifest : reader.tables()) {
      if (manifest.n_quarantined == 0) continue;
      names.push_back(label_of(manifest));
      found |= label_of(manifest) == table;
    }
    if (!found) fail(ErrorCode::kNotFound, "table {} has no row in quarantine{}", table, suggest(table, names));
  }
  std::string view = "quarantine." + table;
  view[view.find('.', 11)] = '_';
  return run_sql(globals, fmt::format("SELECT * FROM {} LIMIT {}", view, limit));
}

}  // namespace lodestone::app
