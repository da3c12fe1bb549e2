#include "lake/extract.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>

#include "base/error.hpp"
#include "base/log.hpp"
#include "base/nearest.hpp"
#include "lake/follow.hpp"
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

bool is_in_lake(const Contract& contract, const ExtractOptions& options) {
  return find_manifest(table_path(options.lake, contract.source, contract.table)).has_value();
}

// Every missing table in one sentence, before anything is read. One that the lake has was dropped since: the others are read first.
std::string missing_tables(const std::vector<const Contract*>& contracts, const std::vector<std::string>& available,
                           const sources::Source& source, const ExtractOptions& options) {
  std::vector<std::string> missing;
  std::string hint;
  bool any_found = false;
  bool all_in_lake = true;
  for (const Contract* contract : contracts) any_found = any_found || !contract->find_name(available).empty();
  for (const Contract* contract : contracts) {
    if (contract->is_optional || !contract->find_name(available).empty() || (any_found && keeps_old(*contract, source, options)))
      continue;
    missing.push_back(contract->table);
    all_in_lake = all_in_lake && is_in_lake(*contract, options);
    const std::string near = nearest_name(contract->table, available);
    if (!near.empty() && hint.empty()) hint = fmt::format("; is {} meant by {}?", contract->table, near);
  }
  if (missing.empty()) return "";
  std::string sentence = fmt::format("{} has no table {}{} It has {}. Add the table, or name it in contracts/{}.yaml",
                                     source.location(), fmt::join(missing, ", "), hint.empty() ? "." : hint,
                                     available.empty() ? "none" : fmt::format("{}", fmt::join(available, ", ")), missing.front());
  if (!any_found || !all_in_lake) fail(ErrorCode::kContract, "{}", sentence);
  return sentence;
}

// A cursor of one database says nothing about another one, not even of the same kind. A source that grows tells by the position itself.
void check_kinds(const std::vector<const Contract*>& contracts, sources::Source& source, const ExtractOptions& options) {
  if (options.mode == ExtractMode::kFull) return;
  for (const Contract* contract : contracts) {
    const std::optional<Manifest> old = find_manifest(table_path(options.lake, contract->source, contract->table));
    const bool knows_place = !old || !old->cursor || source.growing() != nullptr;
    if (!old || (old->kind == source.kind() && (knows_place || old->location == source.location()))) continue;
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

namespace {

/// Rows and position are committed together, so what a killed run had read is read again.
TableReport extract_growth(sources::Source& source, const std::string& name, const Contract& contract, table::Engine& engine,
                           const ExtractOptions& options, const Clock& clock) {
  std::optional<Manifest> base = find_manifest(table_path(options.lake, contract.source, contract.table));
  // Also a full extract keeps the rows of the lake: such a source does not keep what it has given.
  const bool reads_all = options.mode == ExtractMode::kFull || !base || !base->cursor;
  TableIngest ingest(engine, options.lake, contract, clock);
  ingest.read_stream(*source.growing()->rows_after(name, reads_all ? "" : base->cursor->position));
  if (base) ingest.drop_known(*base);
  if (!base) base = new_raw_table(contract);
  base->kind = source.kind();
  base->location = source.location();
  base->cursor.emplace().position = source.growing()->position();
  return ingest.commit_behind(std::move(*base));
}

TableReport extract_table(sources::Source& source, const std::string& name, const Contract& contract, table::Engine& engine,
                          const ExtractOptions& options, const Clock& clock) {
  if (!name.empty() && options.capture != Capture::kFull && source.paged() != nullptr)
    return TableFollower(source, name, contract, engine, options, clock).run();
  if (!name.empty() && source.growing() != nullptr) return extract_growth(source, name, contract, engine, options, clock);
  TableIngest ingest(engine, options.lake, contract, clock);
  if (!name.empty()) {
    const sources::TableSnapshot snapshot = source.snapshot(name);
    if (snapshot.stream) {
      ingest.read_stream(*snapshot.stream);
    } else {
      ingest.read_files(snapshot, base_of(contract, options));
    }
  }
  return ingest.commit(source.kind(), source.location());
}

/// What went wrong with some tables while others were read.
class Failures {
 public:
  void add(ErrorCode code, const std::string& sentence) {
    if (sentence.empty() || std::find(sentences_.begin(), sentences_.end(), sentence) != sentences_.end()) return;
    if (sentences_.empty()) code_ = code;
    sentences_.push_back(sentence);
  }
  void throw_if_any() const {
    if (!sentences_.empty()) fail(code_, "{}", fmt::join(sentences_, "\n"));
  }

 private:
  ErrorCode code_ = ErrorCode::kInternal;
  std::vector<std::string> sentences_;
};

std::vector<PlannedTable> plan_tables(sources::Source& source, const std::vector<const Contract*>& contracts,
                                      const ExtractOptions& options, Failures& failures) {
  const std::vector<std::string> available = source.tables();
  failures.add(ErrorCode::kContract, missing_tables(contracts, available, source, options));
  check_kinds(contracts, source, options);
  std::vector<PlannedTable> plan;
  for (const Contract* contract : contracts) {
    const std::string name = contract->find_name(available);
    plan.push_back({name, name.empty() && keeps_old(*contract, source, options),
                    table_path(options.lake, contract->source, contract->table)});
  }
  return plan;
}

}  // namespace

std::vector<PlannedTable> plan_extract(sources::Source& source, const std::vector<const Contract*>& contracts,
                                       const ExtractOptions& options) {
  Failures failures;
  std::vector<PlannedTable> plan = plan_tables(source, contracts, options, failures);
  failures.throw_if_any();
  return plan;
}

std::vector<TableReport> extract(sources::Source& source, const std::vector<const Contract*>& contracts, table::Engine& engine,
                                 const ExtractOptions& options, const Clock& clock, const ReportCallback& on_table) {
  const LakeLock lock(options.lake, LakeLayer::kRaw);
  clean_lake(options.lake, LakeLayer::kRaw);
  return extract(source, contracts, engine, options, clock, on_table, lock);
}

std::vector<TableReport> extract(sources::Source& source, const std::vector<const Contract*>& contracts, table::Engine& engine,
                                 const ExtractOptions& options, const Clock& clock, const ReportCallback& on_table,
                                 const LakeLock&) {
  Failures failures;
  const std::vector<PlannedTable> plan = plan_tables(source, contracts, options, failures);
  std::vector<TableReport> reports;
  for (std::size_t i = 0; i < plan.size(); ++i) {
    const Contract* contract = contracts[i];
    const std::string& name = plan[i].source_name;
    if (plan[i].is_kept) {
      log_warn("lake", "{} has no file of table {}; the lake keeps the rows it has", source.location(), contract->table);
      continue;
    }
    if (name.empty() && !contract->is_optional) continue;  // said above
    const auto start = std::chrono::steady_clock::now();
    try {
      TableReport report = extract_table(source, name, *contract, engine, options, clock);
      report.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
      if (on_table) on_table(report);
      reports.push_back(std::move(report));
    } catch (const Error& error) {
      failures.add(error.code(), error.message());
    }
  }
  failures.throw_if_any();
  return reports;
}

}  // namespace lodestone::lake
