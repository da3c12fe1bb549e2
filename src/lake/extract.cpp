#include "lake/extract.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <chrono>

#include "base/error.hpp"
#include "base/log.hpp"
#include "base/nearest.hpp"
#include "lake/reader.hpp"
#include "lake/table_ingest.hpp"

namespace lodestone::lake {
namespace {

// Increments may come for some tables only: what a folder does not mention now stays what earlier files made of it.
bool keeps_old(const Contract& contract, const sources::Source& source, const ExtractOptions& options) {
  if (source.kind() != "files" || options.mode == ExtractMode::kFull) return false;
  const std::optional<Manifest> old = find_manifest(table_path(options.lake, contract.source, contract.table));
  return old && old->kind == "files" && !old->parts.empty();
}

// Every missing table in one sentence, before anything is read.
void check_tables_exist(const std::vector<const Contract*>& contracts, const std::vector<std::string>& available,
                        const sources::Source& source, const ExtractOptions& options) {
  std::vector<std::string> missing;
  std::string hint;
  bool any_found = false;
  for (const Contract* contract : contracts) any_found = any_found || !contract->find_name(available).empty();
  for (const Contract* contract : contracts) {
    if (contract->is_optional || !contract->find_name(available).empty() || (any_found && keeps_old(*contract, source, options)))
      continue;
    missing.push_back(contract->table);
    const std::string near = nearest_name(contract->table, available);
    if (!near.empty() && hint.empty()) hint = fmt::format("; is {} meant by {}?", contract->table, near);
  }
  if (missing.empty()) return;
  fail(ErrorCode::kContract, "{} has no table {}{} It has {}. Add the table, or name it in contracts/{}.yaml", source.location(),
       fmt::join(missing, ", "), hint.empty() ? "." : hint,
       available.empty() ? "none" : fmt::format("{}", fmt::join(available, ", ")), missing.front());
}

void check_kinds(const std::vector<const Contract*>& contracts, const sources::Source& source, const ExtractOptions& options) {
  if (options.mode == ExtractMode::kFull) return;
  for (const Contract* contract : contracts) {
    const std::optional<Manifest> old = find_manifest(table_path(options.lake, contract->source, contract->table));
    if (!old || old->kind == source.kind()) continue;
    fail(ErrorCode::kContract,
         "the lake's table {} was made from {} ({}), this extract reads {} ({}), and mixing them would lose rows; use --full to "
         "replace "
         "the table, or another lake.folder",
         contract->table, old->kind, old->location, source.kind(), source.location());
  }
}

std::optional<Manifest> base_of(const Contract& contract, const ExtractOptions& options) {
  if (options.mode == ExtractMode::kFull) return std::nullopt;
  return find_manifest(table_path(options.lake, contract.source, contract.table));
}

}  // namespace

std::string format_report(const TableReport& report) {
  std::string dropped;
  for (const std::string& text : report.dropped) dropped += ", " + text;
  return fmt::format("{}: {} rows in, {} out{}{}, {:.1f} s, {}", report.table, report.rows_in, report.rows_out,
                     report.n_quarantined == 0 ? "" : fmt::format(", {} quarantined", report.n_quarantined), dropped,
                     report.seconds, report.manifest.string());
}

std::vector<TableReport> extract(sources::Source& source, const std::vector<const Contract*>& contracts, table::Engine& engine,
                                 const ExtractOptions& options, const Clock& clock, const ReportCallback& on_table) {
  const LakeLock lock(options.lake);
  clean_lake(options.lake);
  const std::vector<std::string> available = source.tables();
  check_tables_exist(contracts, available, source, options);
  check_kinds(contracts, source, options);
  std::vector<TableReport> reports;
  for (const Contract* contract : contracts) {
    const std::string name = contract->find_name(available);
    if (name.empty() && keeps_old(*contract, source, options)) {
      log_warn("lake", "{} has no file of table {}; the lake keeps the rows it has", source.location(), contract->table);
      continue;
    }
    const auto start = std::chrono::steady_clock::now();
    TableIngest ingest(engine, options.lake, *contract, clock);
    if (!name.empty()) {
      const sources::TableSnapshot snapshot = source.snapshot(name);
      if (snapshot.stream) {
        ingest.read_stream(*snapshot.stream);
      } else {
        ingest.read_files(snapshot, base_of(*contract, options));
      }
    }
    TableReport report = ingest.commit(source.kind(), source.location());
    report.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    if (on_table) on_table(report);
    reports.push_back(std::move(report));
  }
  return reports;
}

}  // namespace lodestone::lake
