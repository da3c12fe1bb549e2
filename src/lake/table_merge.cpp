#include "lake/table_merge.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "base/error.hpp"
#include "base/log.hpp"
#include "lake/bad_rows.hpp"
#include "lake/log_buffer.hpp"
#include "lake/reader.hpp"
#include "lake/stream_columns.hpp"
#include "lake/watched_stream.hpp"

namespace lodestone::lake {
namespace {

using table::quote_identifier;

std::uint64_t rows_of(const Manifest& manifest, PartKind kind) {
  std::uint64_t n = 0;
  for (const Part& part : manifest.parts) n += part.kind == kind ? part.rows : 0;
  return n;
}

}  // namespace

TableMerge::TableMerge(table::Engine& engine, const fs::path& lake, const Contract& contract, const Clock& clock,
                       Manifest manifest, MergeOptions options)
    : engine_(engine),
      contract_(contract),
      clock_(clock),
      options_(options),
      lake_(lake),
      folder_(lake, contract.source, contract.table),
      manifest_(std::move(manifest)) {
  report_.source = contract.source;
  report_.table = contract.table;
  report_.manifest = folder_.manifest_path();
}

bool TableMerge::has_changes() const {
  return std::any_of(manifest_.parts.begin(), manifest_.parts.end(), [](const Part& p) { return p.kind == PartKind::kChanges; });
}

void TableMerge::read_incoming(table::RowStream& stream) {
  const std::string select = stream_select_list(contract_, stream.schema(), contract_.table);
  engine_.read_stream(stream, nullptr, [&] {
    engine_.execute(fmt::format("CREATE OR REPLACE TEMP TABLE incoming AS SELECT {}, false AS {} FROM stream_rows", select,
                                quote_identifier(kDeletedColumn)));
  });
  report_.rows_in += static_cast<std::uint64_t>(engine_.query_int("SELECT count(*) FROM incoming").value_or(0));
  mark_bad_rows();
}

void TableMerge::upsert(table::RowStream& stream) {
  read_incoming(stream);
  // Increments overlap, so most of what a quiet table yields was read before.
  if (has_changes()) drop_known_rows(changes_sql(folder_.path(), manifest_));
  set_bad_rows_aside(fmt::format("SELECT {} FROM incoming", key_list()));
  add_changes();
}

void TableMerge::replace(table::RowStream& stream, const std::string& condition) {
  read_incoming(stream);
  const std::string deleted = quote_identifier(kDeletedColumn);
  const std::string here =
      fmt::format("(SELECT *, false AS {} FROM {} WHERE {})", deleted, table_sql(lake_, manifest_), condition);
  // Of the columns only the key counts in a row that takes its key away.
  std::string gone;
  for (const table::ColumnDescription& column : engine_.describe_types("SELECT * FROM incoming")) {
    const auto& key = manifest_.primary_key;
    const std::string name = quote_identifier(column.name);
    const bool is_key = std::find(key.begin(), key.end(), column.name) != key.end();
    if (column.name == kDeletedColumn)
      gone += fmt::format(", true AS {}", deleted);
    else
      gone += fmt::format("{}{}", gone.empty() ? "" : ", ",
                          is_key ? name : fmt::format("CAST(NULL AS {}) AS {}", column.sql_type, name));
  }
  engine_.execute(fmt::format("CREATE OR REPLACE TEMP TABLE gone AS SELECT {} FROM {} h ANTI JOIN incoming i USING ({})", gone,
                              here, key_list()));
  // The source was asked for all of these keys: a quarantined row that did not come is no more.
  set_bad_rows_aside(fmt::format("SELECT * FROM quarantined_keys WHERE {}", condition));
  drop_known_rows(here);
  engine_.execute("INSERT INTO incoming BY NAME SELECT * FROM gone; DROP TABLE gone");
  add_changes();
}

std::vector<std::vector<sources::OrderValue>> TableMerge::merge_log(table::RowStream& rows, const table::Schema& schema) {
  const std::string select = stream_select_list(contract_, rows.schema(), contract_.table);
  const std::string kind = quote_identifier(kLogKind);
  engine_.read_stream(rows, nullptr, [&] {
    engine_.execute(fmt::format("CREATE OR REPLACE TEMP TABLE log AS SELECT {} FROM stream_rows", select));
  });
  report_.rows_in += static_cast<std::uint64_t>(engine_.query_int("SELECT count(*) FROM log").value_or(0));
  engine_.execute(fmt::format(
      "CREATE OR REPLACE TEMP TABLE log AS SELECT * EXCLUDE ({0}) FROM log QUALIFY row_number() OVER (PARTITION BY {1} "
      "ORDER BY {0} DESC) = 1",
      quote_identifier(kLogSequence), key_list()));
  const std::string live =
      fmt::format("SELECT * EXCLUDE ({0}), false AS {1} FROM log WHERE {0} = 0", kind, quote_identifier(kDeletedColumn));
  engine_.execute("CREATE OR REPLACE TEMP TABLE incoming AS " + live);
  mark_bad_rows();
  set_bad_rows_aside(fmt::format("SELECT {} FROM log WHERE {} < 2", key_list(), kind));
  engine_.execute(fmt::format("INSERT INTO incoming BY NAME SELECT {}, true AS {} FROM log WHERE {} = 1", key_list(),
                              quote_identifier(kDeletedColumn), kind));
  add_changes();
  std::vector<std::vector<sources::OrderValue>> partial = partial_keys(schema);
  engine_.execute("DROP TABLE log");
  return partial;
}

std::vector<std::vector<sources::OrderValue>> TableMerge::partial_keys(const table::Schema& schema) {
  std::vector<table::ColumnType> types;
  for (const std::string& name : manifest_.primary_key) {
    const auto found = std::find_if(schema.begin(), schema.end(), [&](const table::Column& c) { return c.name == name; });
    types.push_back(found->type);
  }
  std::vector<std::vector<sources::OrderValue>> keys;
  engine_.execute(fmt::format("CREATE OR REPLACE TEMP TABLE {} AS SELECT {} FROM log WHERE {} = 2", kPartialKeys, key_list(),
                              quote_identifier(kLogKind)));
  engine_.query(fmt::format("SELECT {} FROM {}", key_list(), kPartialKeys), [&](const table::Chunk& chunk) {
    for (std::size_t row = 0; row < chunk.n_rows(); ++row) {
      std::vector<sources::OrderValue>& key = keys.emplace_back();
      for (std::size_t c = 0; c < types.size(); ++c) {
        std::string text = chunk.format_at(c, row);
        if (types[c] == table::ColumnType::kTimestamp) text = format_naive(parse_time(text).value_or(TimePoint{}));
        key.push_back({types[c], std::move(text)});
      }
    }
  });
  return keys;
}

// A refused row is no row of the table: what an earlier reading took over of it goes, too.
void TableMerge::mark_bad_rows() {
  reason_ = refusal_sql(engine_, contract_, "SELECT * FROM incoming");
  if (!reason_.empty())
    engine_.execute(fmt::format("UPDATE incoming SET {} = true WHERE {} IS NOT NULL", quote_identifier(kDeletedColumn), reason_));
}

void TableMerge::set_bad_rows_aside(const std::string& touched_sql) {
  if (reason_.empty()) {
    engine_.execute("CREATE OR REPLACE TEMP TABLE bad AS SELECT * FROM (SELECT '' AS reason) WHERE false");
  } else {
    engine_.execute(
        fmt::format("CREATE OR REPLACE TEMP TABLE bad AS SELECT CAST(COLUMNS(* EXCLUDE ({})) AS VARCHAR), {} AS reason FROM "
                    "incoming WHERE {} IS NOT NULL",
                    quote_identifier(kDeletedColumn), reason_, reason_));
  }
  if (!manifest_.quarantine_files.empty()) forget_quarantined(touched_sql);
  const auto n_bad = static_cast<std::uint64_t>(engine_.query_int("SELECT count(*) FROM bad").value_or(0));
  if (n_bad > 0) {
    const fs::path path = folder_.new_quarantine_part(clock_.now());
    engine_.write_parquet(quarantine_sql("SELECT * FROM bad", "", clock_.now()), path);
    manifest_.quarantine_files.push_back(path.filename().string());
    manifest_.n_quarantined += n_bad;
    report_.n_quarantined += n_bad;
  }
  engine_.execute("DROP TABLE bad");
}

void TableMerge::forget_quarantined(const std::string& touched_sql) {
  const fs::path folder = quarantine_path(lake_, contract_.source, contract_.table);
  const auto is_there = [&](const std::string& file) { return fs::exists(folder / file); };
  // Somebody may have emptied the quarantine; the table does not depend on it.
  if (!std::all_of(manifest_.quarantine_files.begin(), manifest_.quarantine_files.end(), is_there)) return;
  const std::string seen = parquet_sql(folder, manifest_.quarantine_files);
  const std::vector<std::string> names = column_names("SELECT * FROM bad");
  const std::vector<std::string> there = column_names("SELECT * FROM " + seen);
  const std::vector<std::string>& key = manifest_.primary_key;
  if (!std::all_of(key.begin(), key.end(),
                   [&](const std::string& k) { return std::binary_search(there.begin(), there.end(), k); }))
    return;
  // The same row, read once more by an overlap, is no second one.
  std::string same = "false";
  if (names.size() > 1 && std::includes(there.begin(), there.end(), names.begin(), names.end())) {
    same.clear();
    for (const std::string& name : names)
      same += fmt::format("{0}b.{1} IS NOT DISTINCT FROM q.{1}", same.empty() ? "" : " AND ", quote_identifier(name));
  }
  std::string typed;
  std::string on;
  for (const std::string& name : key) {
    const std::string quoted = quote_identifier(name);
    typed += fmt::format("{}TRY_CAST({} AS {}) AS {}", typed.empty() ? "" : ", ", quoted, key_type(name), quoted);
    on += fmt::format("{0}t.{1} = TRY_CAST(q.{1} AS {2})", on.empty() ? "" : " AND ", quoted, key_type(name));
  }
  engine_.execute(
      fmt::format("CREATE OR REPLACE TEMP VIEW quarantined AS SELECT * FROM {0}; "
                  "CREATE OR REPLACE TEMP VIEW quarantined_keys AS SELECT {1} FROM {0}",
                  seen, typed));
  const std::string stays = same == "false" ? "false" : fmt::format("EXISTS (SELECT 1 FROM bad b WHERE {})", same);
  const std::string kept =
      fmt::format("SELECT * FROM quarantined q WHERE NOT EXISTS (SELECT 1 FROM ({}) t WHERE {}) OR {}", touched_sql, on, stays);
  const auto n_kept = static_cast<std::uint64_t>(engine_.query_int(fmt::format("SELECT count(*) FROM ({})", kept)).value_or(0));
  if (n_kept != static_cast<std::uint64_t>(engine_.query_int("SELECT count(*) FROM quarantined").value_or(0)))
    replace_quarantine(kept);
  if (same != "false") {
    engine_.execute(
        fmt::format("CREATE OR REPLACE TEMP TABLE bad AS SELECT * FROM bad b WHERE NOT EXISTS (SELECT 1 FROM "
                    "quarantined q WHERE {})",
                    same));
  }
  engine_.execute("DROP VIEW quarantined; DROP VIEW quarantined_keys");
}

void TableMerge::put(const std::string& select_sql) {
  engine_.execute(fmt::format("CREATE OR REPLACE TEMP TABLE incoming AS SELECT *, false AS {} FROM ({})",
                              quote_identifier(kDeletedColumn), select_sql));
  add_changes();
}

void TableMerge::replace_quarantine(const std::string& select_sql) {
  manifest_.quarantine_files.clear();
  const fs::path path = folder_.new_quarantine_part(clock_.now());
  manifest_.n_quarantined = engine_.write_parquet(select_sql, path);
  if (manifest_.n_quarantined > 0) {
    manifest_.quarantine_files.push_back(path.filename().string());
  } else {
    folder_.drop_part(path);
  }
}

std::string TableMerge::key_type(const std::string& name) const {
  const auto found =
      std::find_if(manifest_.columns.begin(), manifest_.columns.end(), [&](const ManifestColumn& c) { return c.name == name; });
  LODESTONE_ASSERT(found != manifest_.columns.end(), "{} of {}", name, folder_.path().string());
  return found->sql_type;
}

// Sorted.
std::vector<std::string> TableMerge::column_names(const std::string& sql) {
  std::vector<std::string> names;
  for (const table::ColumnDescription& column : engine_.describe_types(sql)) names.push_back(column.name);
  std::sort(names.begin(), names.end());
  return names;
}

void TableMerge::drop_known_rows(const std::string& known_sql) {
  const std::vector<std::string> names = column_names("SELECT * FROM incoming");
  const std::vector<std::string> there = column_names("SELECT * FROM " + known_sql);
  if (!std::includes(there.begin(), there.end(), names.begin(), names.end())) return;  // a column came: all rows differ
  const std::string list = table::quote_identifiers(names);
  engine_.execute(fmt::format("CREATE OR REPLACE TEMP TABLE incoming AS SELECT {0} FROM incoming EXCEPT SELECT {0} FROM {1}",
                              list, known_sql));
}

// Where rows came in by a cursor, the digests of the last comparison are those of other rows.
void TableMerge::note_touched_ranges() {
  if (!manifest_.comparison || manifest_.comparison->file.empty()) return;
  if (!digests_) {
    const fs::path path = folder_.path() / manifest_.comparison->file;
    digests_ = parse_range_digests(read_file(path), path.string());
  }
  std::vector<std::int64_t>& touched = manifest_.comparison->touched;
  if (digests_->key.empty()) {
    touched.push_back(0);
  } else {
    engine_.query(fmt::format("SELECT DISTINCT CAST({} AS BIGINT) FROM incoming", quote_identifier(digests_->key)),
                  [&](const table::Chunk& chunk) {
                    for (const std::int64_t key : chunk.ints(0)) touched.push_back(range_of(key, digests_->width));
                  });
  }
  std::sort(touched.begin(), touched.end());
  touched.erase(std::unique(touched.begin(), touched.end()), touched.end());
}

void TableMerge::add_changes() {
  const auto n = static_cast<std::uint64_t>(engine_.query_int("SELECT count(*) FROM incoming").value_or(0));
  if (n > 0) {
    note_touched_ranges();
    const std::string deleted = quote_identifier(kDeletedColumn);
    // By how much the table grows: rows that come and were not there, less rows that go and were.
    const std::int64_t net_rows =
        engine_.query_int(fmt::format("SELECT count(*) FROM incoming WHERE NOT {}", deleted)).value_or(0) -
        engine_
            .query_int(fmt::format("SELECT count(*) FROM (SELECT {0} FROM {1}) t SEMI JOIN incoming USING ({0})", key_list(),
                                   table_sql(lake_, manifest_)))
            .value_or(0);
    const fs::path path = folder_.new_part(clock_.now());
    engine_.write_parquet("SELECT * FROM incoming", path);
    manifest_.parts.push_back(
        {path.filename().string(), n, static_cast<std::uint64_t>(fs::file_size(path)), PartKind::kChanges, net_rows});
    report_.rows_out += n;
  }
  engine_.execute("DROP TABLE incoming");
}

void TableMerge::commit() {
  manifest_.created_at = clock_.now();
  folder_.commit(manifest_);
}

void TableMerge::compact() {
  const auto n_parts = static_cast<std::size_t>(
      std::count_if(manifest_.parts.begin(), manifest_.parts.end(), [](const Part& p) { return p.kind == PartKind::kChanges; }));
  const std::uint64_t n_base = rows_of(manifest_, PartKind::kBase);
  const std::uint64_t n_changes = rows_of(manifest_, PartKind::kChanges);
  const auto most =
      std::max(options_.min_fold_rows, static_cast<std::uint64_t>(options_.max_changes_share * static_cast<double>(n_base)));
  const bool fold = n_changes > most;
  if (!fold && n_parts <= options_.max_changes_parts) return;
  const std::uint64_t n_rows = manifest_.n_rows();
  const fs::path path = folder_.new_part(clock_.now());
  const std::string sql = fold ? table_sql(lake_, manifest_) : changes_sql(folder_.path(), manifest_);
  Part part{path.filename().string(), engine_.write_parquet("SELECT * FROM " + sql, path), 0};
  part.bytes = static_cast<std::uint64_t>(fs::file_size(path));
  std::vector<Part> parts;
  if (fold) {
    LODESTONE_ASSERT(part.rows == n_rows, "{}: {} rows, the manifest says {}", folder_.path().string(), part.rows, n_rows);
  } else {
    part.kind = PartKind::kChanges;
    for (const Part& old : manifest_.parts) {
      if (old.kind == PartKind::kBase)
        parts.push_back(old);
      else
        part.net_rows += old.net_rows;
    }
  }
  parts.push_back(part);
  manifest_.parts = std::move(parts);
  commit();
}

}  // namespace lodestone::lake
