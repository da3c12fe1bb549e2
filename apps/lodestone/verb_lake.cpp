// lodestone lake status: the raw tables of the lake against their sources.

#include <fmt/format.h>

#include "base/json.hpp"
#include "base/log.hpp"
#include "freshness.hpp"
#include "verbs.hpp"

namespace lodestone::app {
int run_lake_status(const Globals& globals) {
  const Config config = load_config(globals);
  const lake::Contracts contracts = lake::Contracts::load(config.file_path("lake.contracts_folder"));
  table::Engine engine(engine_options(config));
  SourcePools pools;
  const FreshnessReport report = measure_freshness(config, contracts, engine, pools);
  for (const std::string& problem : report.problems) log_warn("lake", "{}", problem);
  if (globals.json) {
    json::Array documents;
    for (const TableFreshness& table : report.tables) documents.push_back(freshness_document(table));
    print_json(json::format(json::Value(std::move(documents)), 2));
    return 0;
  }
  std::vector<std::vector<std::string>> rows;
  for (const TableFreshness& table : report.tables) {
    rows.push_back({table.source + "." + table.table, std::to_string(table.n_rows), format_change_time(table.newest_in_source),
                    format_change_time(table.newest_in_lake), table.read_at ? format_rfc3339(*table.read_at) : "",
                    table.lag_seconds ? fmt::format("{:.0f} s", *table.lag_seconds) : "", std::to_string(table.n_quarantined),
                    table.is_reading ? "reading anew" : ""});
  }
  print_table({"table", "rows", "newest in source", "newest in lake", "read at", "lag", "quarantined", "state"}, rows);
  return 0;
}

}  // namespace lodestone::app
