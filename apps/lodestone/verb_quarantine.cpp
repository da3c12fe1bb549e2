// lodestone quarantine list | show TABLE | readmit TABLE: rows that did not fit their table contract, why, and the way back.

#include <fmt/format.h>

#include <cstdio>

#include "base/error.hpp"
#include "base/json.hpp"
#include "base/log.hpp"
#include "base/nearest.hpp"
#include "lake/reader.hpp"
#include "lake/readmit.hpp"
#include "lake_access.hpp"
#include "verbs.hpp"

namespace lodestone::app {
namespace {

std::string label_of(const lake::Manifest& table) { return table.source + "." + table.table; }

/// The contract of SOURCE.TABLE, which must be a raw table.
const lake::Contract& contract_of(const lake::Contracts& contracts, const std::string& label) {
  const std::size_t dot = label.find('.');
  const lake::Contract* contract =
      dot == std::string::npos ? nullptr : contracts.find(label.substr(0, dot), label.substr(dot + 1));
  if (contract != nullptr && contract->source != "canonical") return *contract;
  std::vector<std::string> names;
  for (const char* source : {"business", "matomo", "exposures", "events"}) {
    for (const lake::Contract* one : contracts.of(source)) names.push_back(one->source + "." + one->table);
  }
  fail(ErrorCode::kNotFound, "there is no table {}{}; name it as lodestone quarantine list prints it", label,
       suggest(label, names));
}

void print_report(const Globals& globals, const std::string& table, const lake::ReadmitReport& report) {
  std::uint64_t n_refused = 0;
  for (const auto& [reason, n] : report.refused) n_refused += n;
  if (globals.json) {
    json::Value out = json::Object{};
    out.set("table", json::Value(table));
    out.set("readmitted", json::Value(static_cast<std::int64_t>(report.n_readmitted)));
    out.set("overtaken", json::Value(static_cast<std::int64_t>(report.n_overtaken)));
    json::Value refused = json::Object{};
    for (const auto& [reason, n] : report.refused) refused.set(reason, json::Value(static_cast<std::int64_t>(n)));
    out.set("refused", std::move(refused));
    return print_json(json::format(out, 2));
  }
  std::fputs(fmt::format("{}: {}{} readmitted, {} overtaken by newer rows and dropped, {} still refused\n", table,
                         globals.dry_run ? "would be " : "", report.n_readmitted, report.n_overtaken, n_refused)
                 .c_str(),
             stdout);
  for (const auto& [reason, n] : report.refused) std::fputs(fmt::format("  {} refused: {}\n", n, reason).c_str(), stdout);
}

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

int run_quarantine_readmit(const Globals& globals, const ReadmitArguments& arguments) {
  const Config config = load_config(globals);
  const lake::Contracts contracts = lake::Contracts::load(config.file_path("lake.contracts_folder"));
  const lake::Contract& contract = contract_of(contracts, arguments.table);
  const SystemClock clock;
  table::Engine engine(engine_options(config));
  const lake::ReadmitOptions options{
      .lake = config.file_path("lake.folder"), .reason = arguments.reason, .keys = arguments.keys, .dry_run = globals.dry_run};
  const lake::LakeLock lock(options.lake, lake::LakeLayer::kRaw);
  const lake::ReadmitReport report = lake::readmit(engine, contract, clock, options, lock);
  print_report(globals, arguments.table, report);
  if (report.n_readmitted > 0 && !globals.dry_run)
    log_info("quarantine", "lodestone pipeline run --from build takes them into the canonical tables");
  return 0;
}

}  // namespace lodestone::app
