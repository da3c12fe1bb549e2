#include "lake/readmit.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "base/error.hpp"
#include "lake/file_rows.hpp"
#include "lake/reader.hpp"
#include "lake/table_merge.hpp"

namespace lodestone::lake {
namespace {

using table::quote_identifier;
using table::quote_literal;

/// One column of the table, as the quarantine has it and as the table wants it.
struct Cell {
  std::string name;
  std::string text;         ///< SQL of what was set aside
  std::string value;        ///< SQL of what it means
  std::string reason = {};  ///< WHEN ... THEN ... of what is wrong with it
};

Manifest load_table(const Contract& contract, const fs::path& lake) {
  std::optional<Manifest> manifest = find_manifest(table_path(lake, contract.source, contract.table));
  if (!manifest || !manifest->is_readable()) {
    fail(ErrorCode::kNotFound, "the lake {} has no table {}.{} yet; make it with lodestone extract", lake.string(),
         contract.source, contract.table);
  }
  const fs::path folder = quarantine_path(lake, contract.source, contract.table);
  for (const std::string& file : manifest->quarantine_files) {
    if (fs::exists(folder / file)) continue;
    fail(ErrorCode::kNotFound,
         "{} is missing, so its rows cannot be readmitted; restore it, or read the table again with lodestone extract --full",
         (folder / file).string());
  }
  return std::move(*manifest);
}

// A contract's type and the table's agree, but for a decimal, which keeps the digits that the source has.
void check_type(const ManifestColumn& column, const ContractColumn& wanted, const Manifest& manifest) {
  const bool are_decimals = column.sql_type.starts_with("DECIMAL") && wanted.column.type == table::ColumnType::kDecimal;
  if (column.sql_type == wanted.sql_type() || are_decimals) return;
  fail(ErrorCode::kContract,
       "column {} of table {}.{} is {} in the lake, the contract now says {}; run lodestone extract first, which reads the table "
       "anew",
       column.name, manifest.source, manifest.table, column.sql_type, wanted.type_text());
}

std::string format_reason(const Cell& cell, const std::string& type, const ContractColumn* wanted, bool of_files) {
  std::string out;
  if (type != "VARCHAR") {
    const std::string blank = wanted != nullptr && of_files ? is_blank(cell.text, *wanted) : "false";
    out += fmt::format(
        " WHEN {0} IS NULL AND {1} IS NOT NULL AND NOT {2} THEN concat('column ', {3}, ': \"', left({1}, 100), '\" is no ', {4})",
        cell.value, cell.text, blank, quote_literal(cell.name), quote_literal(wanted == nullptr ? type : wanted->type_text()));
  }
  if (wanted != nullptr && !wanted->is_nullable)
    out += fmt::format(" WHEN {} IS NULL THEN concat('column ', {}, ' is null')", cell.value, quote_literal(cell.name));
  return out;
}

std::vector<Cell> cells_of(const Manifest& manifest, const Contract& contract, const std::vector<std::string>& there) {
  const bool of_files = manifest.kind == "files";
  std::vector<Cell> cells;
  for (const ManifestColumn& column : manifest.columns) {
    if (column.origin == ColumnOrigin::kAbsent) continue;
    const ContractColumn* wanted = contract.find(column.name);
    if (wanted != nullptr) check_type(column, *wanted, manifest);
    // Our own columns of a quarantined row keep their names (file_rows.hpp).
    const bool is_ours = column.name == "reason" || column.name == "seen_at" || column.name == "file";
    const std::string name = column.name + (of_files && is_ours ? "_" : "");
    const bool is_there = std::find(there.begin(), there.end(), name) != there.end();
    Cell cell{column.name, is_there ? quote_identifier(name) : "CAST(NULL AS VARCHAR)", ""};
    cell.value = of_files && wanted != nullptr ? value_of_text(cell.text, *wanted)
                                               : fmt::format("TRY_CAST({} AS {})", cell.text, column.sql_type);
    cell.reason = format_reason(cell, column.sql_type, wanted, of_files);
    cells.push_back(std::move(cell));
  }
  return cells;
}

std::string chosen_sql(const ReadmitOptions& options, const Manifest& manifest, const std::vector<std::string>& there) {
  std::string out = options.reason.empty() ? "true" : fmt::format("starts_with(reason, {})", quote_literal(options.reason));
  if (options.keys.empty()) return out;
  std::string key;
  for (const std::string& name : manifest.primary_key) {
    if (std::find(there.begin(), there.end(), name) == there.end()) return "false";
    key += (key.empty() ? "" : ", ") + quote_identifier(name);
  }
  std::string list;
  for (const std::string& text : options.keys) list += (list.empty() ? "" : ", ") + quote_literal(text);
  return fmt::format("{} AND concat_ws('/', {}) IN ({})", out, key, list);
}

std::string newest_column(const Contract& contract, const std::vector<Cell>& cells) {
  for (const std::string& name : contract.change) {
    if (std::any_of(cells.begin(), cells.end(), [&](const Cell& c) { return c.name == name; })) return quote_identifier(name);
  }
  return "";
}

/// Makes the table `fates`: of each row that was chosen its number in `set_aside`, its values, and what is to become of it.
void decide(table::Engine& engine, const Contract& contract, const Manifest& manifest, const ReadmitOptions& options,
            const std::vector<Cell>& cells, const std::vector<std::string>& there) {
  const bool has_lines = std::find(there.begin(), there.end(), "malformed_line") != there.end();
  std::string reasons = has_lines ? " WHEN malformed_line IS NOT NULL THEN reason" : "";
  std::string values;
  for (const Cell& cell : cells) {
    reasons += cell.reason;
    values += fmt::format(", {} AS {}", cell.value, quote_identifier(cell.name));
  }
  const std::string key = table::quote_identifiers(manifest.primary_key);
  const std::string newest = newest_column(contract, cells);
  engine.execute(fmt::format(
      "CREATE OR REPLACE TEMP TABLE checked AS SELECT _lodestone_row, seen_at AS _lodestone_seen, {} AS "
      "_lodestone_reason{} FROM set_aside WHERE {}",
      reasons.empty() ? "CAST(NULL AS VARCHAR)" : "CASE" + reasons + " END", values, chosen_sql(options, manifest, there)));
  const std::string is_newer =
      newest.empty() ? "false" : fmt::format("coalesce(c.{0} > t.{0}, c.{0} IS NOT NULL AND t.{0} IS NULL)", newest);
  const std::string columns_here = key + (newest.empty() ? "" : ", " + newest);
  engine.execute(fmt::format(
      "CREATE OR REPLACE TEMP TABLE fates AS SELECT c.*, CASE WHEN _lodestone_reason IS NOT NULL THEN 'refused' WHEN "
      "_lodestone_rank > 1 OR (t._lodestone_here AND NOT {0}) THEN 'overtaken' ELSE 'readmitted' END AS _lodestone_fate FROM "
      "(SELECT *, row_number() OVER (PARTITION BY _lodestone_reason IS NULL, {1} ORDER BY {2}_lodestone_seen DESC, "
      "_lodestone_row DESC) AS _lodestone_rank FROM checked) c LEFT JOIN (SELECT {3}, true AS _lodestone_here FROM {4}) t USING "
      "({1})",
      is_newer, key, newest.empty() ? "" : newest + " DESC NULLS LAST, ", columns_here, table_sql(options.lake, manifest)));
}

ReadmitReport count(table::Engine& engine) {
  ReadmitReport report;
  engine.query("SELECT _lodestone_fate, coalesce(_lodestone_reason, ''), count(*) FROM fates GROUP BY ALL",
               [&](const table::Chunk& chunk) {
                 for (std::size_t r = 0; r < chunk.n_rows(); ++r) {
                   const std::string_view fate = chunk.text_at(0, r);
                   const auto n = static_cast<std::uint64_t>(chunk.int_at(2, r));
                   if (fate == "readmitted") report.n_readmitted += n;
                   if (fate == "overtaken") report.n_overtaken += n;
                   if (fate == "refused") report.refused[std::string(chunk.text_at(1, r))] += n;
                 }
               });
  return report;
}

}  // namespace

ReadmitReport readmit(table::Engine& engine, const Contract& contract, const Clock& clock, const ReadmitOptions& options,
                      const LakeLock&) {
  TableMerge merge(engine, options.lake, contract, clock, load_table(contract, options.lake));
  const Manifest& manifest = merge.manifest();
  if (manifest.quarantine_files.empty()) return {};
  const std::string rows = parquet_sql(quarantine_path(options.lake, contract.source, contract.table), manifest.quarantine_files);
  std::vector<std::string> there;
  for (const table::ColumnDescription& column : engine.describe_types("SELECT * FROM " + rows)) there.push_back(column.name);
  const std::vector<Cell> cells = cells_of(manifest, contract, there);
  engine.execute("CREATE OR REPLACE TEMP TABLE set_aside AS SELECT row_number() OVER () AS _lodestone_row, * FROM " + rows);
  decide(engine, contract, manifest, options, cells, there);
  ReadmitReport report = count(engine);
  if (!options.dry_run && report.n_readmitted + report.n_overtaken > 0) {
    std::string names;
    for (const Cell& cell : cells) names += (names.empty() ? "" : ", ") + quote_identifier(cell.name);
    merge.put(fmt::format("SELECT {} FROM fates WHERE _lodestone_fate = 'readmitted'", names));
    // Those that stay do so for what is wrong with them now.
    merge.replace_quarantine(
        "SELECT s.* EXCLUDE (_lodestone_row) REPLACE (coalesce(f._lodestone_reason, s.reason) AS reason) FROM set_aside s LEFT "
        "JOIN "
        "(SELECT _lodestone_row, _lodestone_reason, _lodestone_fate FROM fates) f USING (_lodestone_row) WHERE "
        "coalesce(_lodestone_fate, 'refused') = 'refused'");
    merge.commit();
    merge.compact();
  }
  engine.execute("DROP TABLE fates; DROP TABLE checked; DROP TABLE set_aside");
  return report;
}

}  // namespace lodestone::lake
