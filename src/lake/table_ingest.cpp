#include "lake/table_ingest.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.hpp"
#include "base/log.hpp"
#include "lake/bad_rows.hpp"
#include "lake/reader.hpp"
#include "lake/stream_columns.hpp"

namespace lodestone::lake {
namespace {

using table::quote_identifier;
using table::quote_literal;

std::string parquet(const fs::path& path) { return fmt::format("read_parquet({})", quote_literal(path.string())); }

}  // namespace

Manifest new_raw_table(const Contract& contract) {
  Manifest out;
  out.layer = "raw";
  out.source = contract.source;
  out.table = contract.table;
  out.primary_key = contract.primary_key;
  return out;
}

TableIngest::TableIngest(table::Engine& engine, const fs::path& lake, const Contract& contract, const Clock& clock)
    : engine_(engine), contract_(contract), clock_(clock), lake_(lake), folder_(lake, contract.source, contract.table) {}

std::string TableIngest::key_list() const { return table::quote_identifiers(contract_.primary_key); }

void TableIngest::read_stream(table::RowStream& stream) {
  Progress progress("extract " + contract_.table, stream.estimated_rows());
  read_stream(stream, progress, 0);
}

void TableIngest::read_stream(table::RowStream& stream, Progress& progress, std::uint64_t n_before) {
  const std::string select = stream_select_list(contract_, stream.schema(), contract_.table);
  FreshPart part{folder_.new_part(clock_.now()), 0};
  progress.begin_at(n_before);
  part.rows = engine_.write_parquet(stream, fmt::format("SELECT {} FROM stream_rows", select), part.path, &progress);
  rows_in_ += part.rows;
  set_null_rows_aside(part);
  parts_.push_back(part);
}

// A database may allow null where the contract does not; that is found out afterwards, because reading twice could read something else.
void TableIngest::set_null_rows_aside(FreshPart& part) {
  const std::string reason = refusal_sql(engine_, contract_, "SELECT * FROM " + parquet(part.path));
  if (reason.empty()) return;
  const auto n_bad = static_cast<std::uint64_t>(
      engine_.query_int(fmt::format("SELECT count(*) FROM {} WHERE {} IS NOT NULL", parquet(part.path), reason)).value_or(0));
  if (n_bad == 0) return;
  quarantine(fmt::format("SELECT CAST(COLUMNS(*) AS VARCHAR), {} AS reason FROM {} WHERE {} IS NOT NULL", reason,
                         parquet(part.path), reason),
             "");
  n_quarantined_ += n_bad;
  replace_part(part, fmt::format("SELECT * FROM {} WHERE {} IS NULL", parquet(part.path), reason));
}

void TableIngest::drop_known(const Manifest& base) {
  LODESTONE_ASSERT(parts_.size() == 1, "{} parts", parts_.size());
  FreshPart& part = parts_.front();
  if (base.parts.empty() || part.rows == 0) return;
  // The table may be large and what was read is small, so it is the latter whose keys are held in memory.
  replace_part(part, fmt::format("SELECT n.* FROM {0} n ANTI JOIN (SELECT {1} FROM {2} b SEMI JOIN {0} USING ({1})) USING ({1})",
                                 parquet(part.path), key_list(), table_sql(lake_, base)));
}

void TableIngest::read_files(const sources::TableSnapshot& snapshot, const std::optional<Manifest>& base) {
  std::vector<FreshPart> increments;
  for (const fs::path& path : snapshot.increments) increments.push_back(read_file(path));
  if (!snapshot.full_file.empty()) {
    const FreshPart full = read_file(snapshot.full_file);
    if (increments.empty()) {
      parts_.push_back(full);
      return;
    }
    merge_increments(parquet(full.path), increments);
    folder_.drop_part(full.path);
  } else {
    merge_increments(base && !base->parts.empty() ? table_sql(lake_, *base) : "", increments);
  }
}

TableIngest::FreshPart TableIngest::read_file(const fs::path& path) {
  const FileRows rows(engine_, path, contract_);
  FreshPart part{folder_.new_part(clock_.now()), 0};
  if (rows.columns().empty()) {
    std::string select;
    for (const ContractColumn& column : contract_.columns) {
      if (column.is_optional) continue;
      select += fmt::format("{}CAST(NULL AS {}) AS {}", select.empty() ? "" : ", ", column.sql_type(),
                            quote_identifier(column.column.name));
    }
    engine_.write_parquet(fmt::format("SELECT {} WHERE false", select), part.path);
    return part;
  }
  with_rows(rows, [&] {
    part.rows = engine_.write_parquet(fmt::format("SELECT {} FROM ({}) WHERE tally(CASE WHEN reason IS NOT NULL THEN 'bad' END)",
                                                  rows.value_list(), rows.checked_rows(FileRows::Order::kAny)),
                                      part.path);
  });
  const std::map<std::string, std::uint64_t> tally = engine_.take_tally();
  const std::uint64_t n_bad = tally.empty() ? 0 : tally.begin()->second;
  rows_in_ += part.rows + n_bad;
  if (n_bad > 0) {
    with_rows(rows, [&] {
      quarantine(fmt::format("SELECT {}, reason FROM ({}) WHERE reason IS NOT NULL", rows.original_list(),
                             rows.checked_rows(FileRows::Order::kAny)),
                 path.filename().string());
    });
    n_quarantined_ += n_bad;
  }
  if (!table::is_unique(engine_, parquet(part.path), contract_.primary_key)) set_duplicates_aside(part, rows);
  return part;
}

void TableIngest::with_rows(const FileRows& rows, const std::function<void()>& work) {
  const std::unique_ptr<table::RowStream> stream = rows.open_stream();
  Progress progress("extract " + rows.path().filename().string(), stream ? stream->estimated_rows() : 0);
  if (!stream) return engine_.with_progress(progress, work);
  engine_.read_stream(*stream, &progress, work);
}

void TableIngest::quarantine(const std::string& select_sql, const std::string& file) {
  const fs::path path = folder_.new_quarantine_part(clock_.now());
  engine_.write_parquet(quarantine_sql(select_sql, file, clock_.now()), path);
  quarantine_files_.push_back(path.filename().string());
}

// Of several rows with one key the last by the change column stays, else the first in the file. The rows are read once more, in the order
// of the file, but only those with such a key are kept.
void TableIngest::set_duplicates_aside(FreshPart& part, const FileRows& rows) {
  std::string on;
  std::string keys;
  std::string shown;
  std::string newest;
  const auto place = [&](const std::string& name) {
    const auto& columns = rows.columns();
    return std::find_if(columns.begin(), columns.end(), [&](const FileColumn& c) { return c.name == name; }) - columns.begin();
  };
  for (const std::string& name : contract_.primary_key) {
    const auto i = place(name);
    on += fmt::format("{}r.t{} = d.{}", on.empty() ? "" : " AND ", i, quote_identifier(name));
    keys += fmt::format("{}t{}", keys.empty() ? "" : ", ", i);
    shown += fmt::format("{}{} = ', t{}", shown.empty() ? "'" : ", ', ", name, i);
  }
  for (const std::string& name : contract_.change) {
    const auto i = place(name);
    if (static_cast<std::size_t>(i) == rows.columns().size()) continue;
    newest = fmt::format("t{} DESC NULLS LAST, ", i);
    break;
  }
  engine_.execute(
      fmt::format("CREATE OR REPLACE TEMP TABLE duplicate_keys AS SELECT {0} FROM {1} GROUP BY {0} HAVING count(*) > 1",
                  key_list(), parquet(part.path)));
  engine_.execute("SET preserve_insertion_order = true");
  with_rows(rows, [&] {
    engine_.execute(
        fmt::format("CREATE OR REPLACE TEMP TABLE duplicate_rows AS SELECT *, row_number() OVER (PARTITION BY {} ORDER BY "
                    "{}row_in_file) AS rank_of_key FROM "
                    "(SELECT r.* FROM ({}) r SEMI JOIN duplicate_keys d ON {} WHERE r.reason IS NULL)",
                    keys, newest, rows.checked_rows(FileRows::Order::kInFile), on));
  });
  engine_.execute("SET preserve_insertion_order = false");
  const auto n_losers =
      static_cast<std::uint64_t>(engine_.query_int("SELECT count(*) FROM duplicate_rows WHERE rank_of_key > 1").value_or(0));
  quarantine(fmt::format("SELECT {}, concat('duplicate of key ', {}) AS reason FROM duplicate_rows WHERE rank_of_key > 1",
                         rows.original_list(), shown),
             rows.path().filename().string());
  n_quarantined_ += n_losers;
  replace_part(
      part,
      fmt::format("SELECT p.* FROM {} p ANTI JOIN duplicate_keys USING ({}) UNION ALL BY NAME SELECT {} FROM duplicate_rows "
                  "WHERE rank_of_key = 1",
                  parquet(part.path), key_list(), rows.value_list()));
  engine_.execute("DROP TABLE duplicate_rows; DROP TABLE duplicate_keys");
}

void TableIngest::merge_increments(const std::string& base, std::vector<FreshPart> increments) {
  if (increments.empty()) return;
  FreshPart newest = increments.front();
  if (increments.size() > 1) {
    std::string all;
    for (std::size_t i = 0; i < increments.size(); ++i) {
      all += fmt::format("{}SELECT *, {} AS age_of_file FROM {}", i == 0 ? "" : " UNION ALL BY NAME ", increments.size() - i,
                         parquet(increments[i].path));
    }
    newest = write_part(fmt::format(
        "SELECT * EXCLUDE (age_of_file, rank_of_key) FROM (SELECT *, row_number() OVER (PARTITION BY {} ORDER BY age_of_file) "
        "AS rank_of_key FROM ({})) WHERE rank_of_key = 1",
        key_list(), all));
    for (const FreshPart& part : increments) folder_.drop_part(part.path);
  }
  if (!base.empty()) {
    const FreshPart rest =
        write_part(fmt::format("SELECT b.* FROM {} b ANTI JOIN {} USING ({})", base, parquet(newest.path), key_list()));
    parts_.push_back(rest);
  }
  parts_.push_back(newest);
}

TableIngest::FreshPart TableIngest::write_part(const std::string& select_sql) {
  FreshPart part{folder_.new_part(clock_.now()), 0};
  part.rows = engine_.write_parquet(select_sql, part.path);
  return part;
}

void TableIngest::replace_part(FreshPart& part, const std::string& select_sql) {
  const FreshPart next = write_part(select_sql);
  folder_.drop_part(part.path);
  part = next;
}

std::vector<ManifestColumn> TableIngest::manifest_columns(const std::vector<Part>& parts) {
  std::vector<ManifestColumn> out;
  std::vector<std::string> files;
  for (const Part& part : parts) files.push_back(part.file);
  if (!files.empty()) {
    for (const table::ColumnDescription& column : engine_.describe_types("SELECT * FROM " + parquet_sql(folder_.path(), files))) {
      const bool in_contract = contract_.find(column.name) != nullptr;
      out.push_back({column.name, column.sql_type, in_contract ? ColumnOrigin::kContract : ColumnOrigin::kExtra});
    }
  }
  for (const ContractColumn& column : contract_.columns) {
    const bool is_there =
        std::any_of(out.begin(), out.end(), [&](const ManifestColumn& c) { return c.name == column.column.name; });
    if (!is_there) out.push_back({column.column.name, column.sql_type(), ColumnOrigin::kAbsent});
  }
  return out;
}

void TableIngest::commit_piece(Manifest& manifest) {
  Pending& pending = *manifest.pending;
  for (const FreshPart& part : parts_) {
    if (part.rows == 0) continue;
    pending.parts.push_back({part.path.filename().string(), part.rows, static_cast<std::uint64_t>(fs::file_size(part.path))});
  }
  pending.quarantine_files.insert(pending.quarantine_files.end(), quarantine_files_.begin(), quarantine_files_.end());
  pending.n_quarantined += n_quarantined_;
  folder_.commit(manifest);
}

// Rewriting costs what is rewritten, reading costs a file each: parts of a few runs are kept apart, and large ones for ever.
void TableIngest::join_small_parts(std::vector<Part>& parts) {
  constexpr std::size_t kMaxSmallParts = 24;
  constexpr std::uint64_t kSmallRows = 1'000'000;
  const auto is_small = [](const Part& part) { return part.kind == PartKind::kBase && part.rows < kSmallRows; };
  std::vector<std::string> small;
  for (const Part& part : parts) {
    if (is_small(part)) small.push_back(part.file);
  }
  if (small.size() <= kMaxSmallParts) return;
  const FreshPart joined = write_part("SELECT * FROM " + parquet_sql(folder_.path(), small));
  // In the place of the first, so that changes go on lying over it.
  const auto first = std::find_if(parts.begin(), parts.end(), is_small);
  *first = {joined.path.filename().string(), joined.rows, static_cast<std::uint64_t>(fs::file_size(joined.path))};
  parts.erase(std::remove_if(first + 1, parts.end(), is_small), parts.end());
}

TableReport TableIngest::commit_behind(Manifest manifest) {
  for (const FreshPart& part : parts_) {
    if (part.rows == 0) continue;
    manifest.parts.push_back({part.path.filename().string(), part.rows, static_cast<std::uint64_t>(fs::file_size(part.path))});
  }
  join_small_parts(manifest.parts);
  manifest.created_at = clock_.now();
  manifest.n_quarantined += n_quarantined_;
  manifest.quarantine_files.insert(manifest.quarantine_files.end(), quarantine_files_.begin(), quarantine_files_.end());
  manifest.columns = manifest_columns(manifest.parts);
  folder_.commit(manifest);
  return {contract_.source, contract_.table, rows_in_, manifest.n_rows(), n_quarantined_, {}, 0, folder_.manifest_path()};
}

TableReport TableIngest::commit(const std::string& kind, const std::string& location) {
  Manifest manifest = new_raw_table(contract_);
  manifest.kind = kind;
  manifest.location = location;
  manifest.created_at = clock_.now();
  for (const FreshPart& part : parts_) {
    manifest.parts.push_back({part.path.filename().string(), part.rows, static_cast<std::uint64_t>(fs::file_size(part.path))});
  }
  if (manifest.n_rows() < contract_.min_rows) {
    fail(ErrorCode::kContract,
         "table {} of {} has {} good rows ({} quarantined), its contract wants at least {}; fill it at the source, or lower "
         "min_rows in contracts/{}.yaml",
         contract_.table, location, manifest.n_rows(), n_quarantined_, contract_.min_rows, contract_.table);
  }
  manifest.n_quarantined = n_quarantined_;
  manifest.quarantine_files = quarantine_files_;
  manifest.columns = manifest_columns(manifest.parts);
  folder_.commit(manifest);
  if (manifest.n_rows() == 0) log_warn("lake", "table {} of {} is empty", contract_.table, location);
  return {contract_.source, contract_.table, rows_in_, manifest.n_rows(), n_quarantined_, {}, 0, folder_.manifest_path()};
}

}  // namespace lodestone::lake
