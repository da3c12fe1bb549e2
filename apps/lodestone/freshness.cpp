#include "freshness.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.hpp"
#include "lake/reader.hpp"
#include "sources/mysql/mysql_source.hpp"

namespace lodestone::app {
namespace {

using table::quote_identifier;
using table::quote_literal;

std::string find_change_column(const lake::Contract& contract, const lake::Manifest& manifest) {
  for (const std::string& name : contract.change) {
    for (const lake::ManifestColumn& column : manifest.columns) {
      const bool is_time = column.sql_type == "TIMESTAMP" || column.sql_type == "DATE";
      if (column.name == name && is_time && column.origin != lake::ColumnOrigin::kAbsent) return name;
    }
  }
  return "";
}

std::optional<TimePoint> query_time(table::Engine& engine, const std::string& time_sql, const std::string& from) {
  const std::optional<std::int64_t> at = engine.query_int(fmt::format("SELECT epoch_us(max({})) FROM {}", time_sql, from));
  return at ? std::optional(TimePoint(std::chrono::microseconds(*at))) : std::nullopt;
}

std::optional<TimePoint> newest_of_lake(table::Engine& engine, const fs::path& lake, const lake::Manifest& manifest,
                                        const std::string& column) {
  const std::string name = quote_identifier(column);
  std::optional<TimePoint> newest =
      query_time(engine, fmt::format("CAST({} AS TIMESTAMP)", name), lake::table_sql(lake, manifest));
  const auto take = [&](std::optional<TimePoint> at) {
    if (at && (!newest || *at > *newest)) newest = at;
  };
  if (manifest.cursor) take(manifest.cursor->newest);
  const fs::path quarantine = lake::quarantine_path(lake, manifest.source, manifest.table);
  std::vector<std::string> files;
  for (const std::string& file : manifest.quarantine_files) {
    if (fs::exists(quarantine / file)) files.push_back(file);
  }
  if (files.empty()) return newest;
  const std::string rows = lake::parquet_sql(quarantine, files);
  const std::vector<table::ColumnDescription> columns = engine.describe_types("SELECT * FROM " + rows);
  if (std::any_of(columns.begin(), columns.end(), [&](const auto& c) { return c.name == column; }))
    take(query_time(engine, fmt::format("TRY_CAST({} AS TIMESTAMP)", name), rows));
  return newest;
}

std::optional<TimePoint> newest_of_source(sources::MysqlSource& source, const std::string& table, const std::string& column) {
  const auto rows = source.connection().query(fmt::format("SELECT CAST(MAX({}) AS CHAR) FROM {}", sources::quoted_name(column),
                                                          sources::quoted_name(source.name_of(table))),
                                              {.what = "ask for the newest change of table " + table, .table = table});
  return rows.empty() || !rows[0][0] ? std::nullopt : parse_time(*rows[0][0]);
}

/// A moment as the clocks of a zone show it.
TimePoint in_zone(table::Engine& engine, TimePoint at, const std::string& zone) {
  const std::optional<std::int64_t> local = engine.query_int(
      fmt::format("SELECT epoch_us(timezone({}, TIMESTAMPTZ {}))", quote_literal(zone), quote_literal(format_rfc3339(at))));
  return local ? TimePoint(std::chrono::microseconds(*local)) : at;
}

TableFreshness describe(table::Engine& engine, const fs::path& lake, const lake::Manifest& manifest,
                        const lake::Contract* contract) {
  TableFreshness out{.source = manifest.source,
                     .table = manifest.table,
                     .n_rows = manifest.n_rows(),
                     .n_quarantined = manifest.n_quarantined,
                     .is_reading = manifest.pending.has_value()};
  const bool by_log = manifest.cursor && !manifest.cursor->position.empty();
  out.read_at = manifest.cursor && !by_log ? manifest.cursor->read_at : std::optional(manifest.created_at);
  if (contract != nullptr) out.change_column = find_change_column(*contract, manifest);
  if (!out.change_column.empty()) out.newest_in_lake = newest_of_lake(engine, lake, manifest, out.change_column);
  return out;
}

json::Value text_or_null(const std::string& text) { return text.empty() ? json::Value() : json::Value(text); }

}  // namespace

std::string format_change_time(const std::optional<TimePoint>& at) {
  std::string text = at ? format_rfc3339(*at) : "";
  if (!text.empty()) text.pop_back();  // its rows have no zone
  return text;
}

double freshness_lag(TimePoint newest_in_source, std::optional<TimePoint> newest_in_lake, std::optional<TimePoint> read_at) {
  // What was committed before the last reading is here, so nothing is missing for longer than since then.
  const TimePoint sure = std::max(newest_in_lake.value_or(TimePoint::min()), read_at.value_or(TimePoint::min()));
  LODESTONE_ASSERT(sure != TimePoint::min(), "{}", newest_in_source.time_since_epoch().count());
  if (newest_in_lake && newest_in_source <= *newest_in_lake) return 0;
  return std::max(0.0, std::chrono::duration<double>(newest_in_source - sure).count());
}

FreshnessReport measure_freshness(const Config& config, const lake::Contracts& contracts, table::Engine& engine,
                                  SourcePools& pools) {
  FreshnessReport out;
  const fs::path lake = config.file_path("lake.folder");
  const lake::Reader reader(lake);
  for (const std::string& name : source_names(config)) {
    std::unique_ptr<sources::MysqlSource> database;
    std::vector<std::string> available;
    try {
      if (is_database(config, name)) database = open_database(config, name, pools);
      if (database) available = database->tables();
    } catch (const Error& error) {
      database.reset();
      out.problems.push_back(error.message());
    }
    for (const lake::Manifest& manifest : reader.tables()) {
      if (manifest.source != name) continue;
      const lake::Contract* contract = contracts.find(name, manifest.table);
      TableFreshness& table = out.tables.emplace_back(describe(engine, lake, manifest, contract));
      const std::string in_source = contract == nullptr ? "" : contract->find_name(available);
      if (!database || table.change_column.empty() || in_source.empty()) continue;
      try {
        table.newest_in_source = newest_of_source(*database, in_source, table.change_column);
      } catch (const Error& error) {
        out.problems.push_back(error.message());
        continue;
      }
      if (!table.newest_in_source) continue;
      // A place in the log says nothing about when; then the newest row counts, and for a table without any, when it was written.
      const bool is_passed = manifest.cursor && manifest.cursor->position.empty();
      std::optional<TimePoint> read_at = is_passed ? manifest.cursor->read_at : std::nullopt;
      if (!read_at && !table.newest_in_lake) read_at = manifest.created_at;
      const std::string zone = name != "business" ? "UTC" : config.text("source.zone");
      if (read_at) read_at = in_zone(engine, *read_at, zone);
      table.lag_seconds = freshness_lag(*table.newest_in_source, table.newest_in_lake, read_at);
    }
  }
  // The logs of servers tell nothing beside what was read of them.
  for (const lake::Manifest& manifest : reader.tables()) {
    if (manifest.source == "exposures")
      out.tables.push_back(describe(engine, lake, manifest, contracts.find(manifest.source, manifest.table)));
  }
  return out;
}

json::Value freshness_document(const TableFreshness& table) {
  json::Value out = json::Object{};
  out.set("source", json::Value(table.source));
  out.set("table", json::Value(table.table));
  out.set("rows", json::Value(static_cast<std::int64_t>(table.n_rows)));
  out.set("quarantined", json::Value(static_cast<std::int64_t>(table.n_quarantined)));
  out.set("reading", json::Value(table.is_reading));
  out.set("change_column", text_or_null(table.change_column));
  out.set("newest_in_source", text_or_null(format_change_time(table.newest_in_source)));
  out.set("newest_in_lake", text_or_null(format_change_time(table.newest_in_lake)));
  out.set("read_at", text_or_null(table.read_at ? format_rfc3339(*table.read_at) : ""));
  out.set("lag_seconds", table.lag_seconds ? json::Value(*table.lag_seconds) : json::Value());
  return out;
}

}  // namespace lodestone::app
