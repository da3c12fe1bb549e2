#include "lake/canonical.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>

#include "base/error.hpp"
#include "base/nearest.hpp"
#include "lake/reader.hpp"
#include "lake/table_folder.hpp"

namespace lodestone::lake {
namespace {

using table::quote_identifier;

// In this order: events reads visitor_users, attributions reads events.
constexpr std::array<std::string_view, 6> kTables = {"items", "users", "item_images", "visitor_users", "events", "attributions"};

// Rows of the longest raw table that one slice of a query takes at most; about 250 MiB of hash tables.
constexpr std::uint64_t kRowsPerSlice = 4'000'000;

// Raw tables that nobody extracted read as empty when their contract calls them optional.
void attach_missing_raw_tables(const Contracts& contracts, const Reader& reader, table::Engine& engine) {
  for (const std::string_view source : {"business", "matomo", "exposures", "events"}) {
    for (const Contract* contract : contracts.of(source)) {
      if (reader.find(source, contract->table) != nullptr) continue;
      if (!contract->is_optional) (void)reader.get(source, contract->table);  // throws its sentence
      std::string select;
      for (const ContractColumn& column : contract->columns) {
        select += fmt::format("{}CAST(NULL AS {}) AS {}", select.empty() ? "" : ", ", column.sql_type(),
                              quote_identifier(column.column.name));
      }
      engine.execute(
          fmt::format("CREATE OR REPLACE VIEW {} AS SELECT {} WHERE false", view_name(source, contract->table), select));
    }
  }
}

/// The changes of raw tables that have several parts of them, put in order once: each use of such a table would do it by a window over all of
/// them, and a query with many uses would run out of memory. Lies beside the layers while a build lasts.
class OrderedChanges {
 public:
  OrderedChanges(const fs::path& lake, const Reader& reader, table::Engine& engine) : folder_(lake / ".changes") {
    remove();  // of a build that was killed
    for (const Manifest& manifest : reader.tables()) {
      const auto is_changes = [](const Part& part) { return part.kind == PartKind::kChanges; };
      if (manifest.layer != "raw" || std::count_if(manifest.parts.begin(), manifest.parts.end(), is_changes) < 2) continue;
      make_folders(folder_);
      const fs::path path = folder_ / fmt::format("{}.{}.parquet", manifest.source, manifest.table);
      engine.write_parquet("SELECT * FROM " + changes_sql(table_path(lake, manifest.source, manifest.table), manifest), path);
      const std::string changes = fmt::format("(SELECT * FROM read_parquet({}))", table::quote_literal(path.string()));
      engine.execute(fmt::format("CREATE OR REPLACE VIEW {} AS SELECT * FROM {}", view_name(manifest.source, manifest.table),
                                 table_sql(lake, manifest, changes)));
    }
  }
  ~OrderedChanges() { remove(); }
  OrderedChanges(const OrderedChanges&) = delete;
  OrderedChanges& operator=(const OrderedChanges&) = delete;

 private:
  void remove() const {
    std::error_code ignored;
    fs::remove_all(folder_, ignored);
  }
  fs::path folder_;
};

/// Runs one mapping.
class Mapping {
 public:
  Mapping(const Contract& contract, table::Engine& engine, const CanonicalOptions& options, const Clock& clock,
          std::uint64_t longest_raw_table)
      : contract_(contract),
        engine_(engine),
        options_(options),
        clock_(clock),
        longest_raw_table_(longest_raw_table),
        file_(table::SqlFile::load(options.sql_folder, "mapping/" + contract.table)) {}

  TableReport run() {
    const auto start = std::chrono::steady_clock::now();
    for (const table::UniqueKey& key : file_.unique_keys()) table::check_unique(engine_, key, file_.origin());
    TableFolder folder(options_.lake, "canonical", contract_.table);
    TableReport report{"canonical", contract_.table, 0, 0, 0, {}, 0, folder.manifest_path()};
    std::vector<Part> parts;
    const std::uint64_t n_slices = count_slices();
    for (std::uint64_t slice = 0; slice < n_slices; ++slice) {
      const fs::path path = folder.new_part(clock_.now());
      const std::uint64_t n_rows = engine_.write_parquet(shaped(render_slice(slice, n_slices)), path);
      parts.push_back({path.filename().string(), n_rows, static_cast<std::uint64_t>(fs::file_size(path))});
      report.rows_out += n_rows;
    }
    report.rows_in = report.rows_out;
    for (const auto& [reason, n] : engine_.take_tally()) {
      report.dropped.push_back(fmt::format("{} {}", reason, n));
      report.rows_in += n;
    }
    check_key(folder, parts);
    commit(folder, std::move(parts));
    report.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    return report;
  }

 private:
  // A query that declares `slices` is run in pieces; how many follows from the longest raw table.
  std::uint64_t count_slices() const {
    const std::vector<std::string> names = file_.parameters();
    if (std::find(names.begin(), names.end(), "slices") == names.end()) return 1;
    return 1 + longest_raw_table_ / kRowsPerSlice;
  }

  std::string render_slice(std::uint64_t slice, std::uint64_t n_slices) const {
    table::Parameters values = options_.parameters;
    values["slices"] = std::to_string(n_slices);
    values["slice"] = std::to_string(slice);
    return file_.render(values);
  }

  void check_key(const TableFolder& folder, const std::vector<Part>& parts) {
    std::vector<std::string> files;
    for (const Part& part : parts) files.push_back(part.file);
    const std::string origin = fmt::format("{}, made by {}", contract_.table, file_.origin());
    check_unique(engine_, {parquet_sql(folder.path(), files), contract_.primary_key}, origin);
  }

  // The query's columns with the contract's types, without the rows that it says to drop.
  std::string shaped(const std::string& query) {
    const std::vector<table::ColumnDescription> found = engine_.describe_types(query);
    const auto has = [&](const std::string& name) {
      return std::any_of(found.begin(), found.end(), [&](const table::ColumnDescription& c) { return c.name == name; });
    };
    std::vector<std::string> names;
    for (const table::ColumnDescription& column : found) names.push_back(column.name);
    std::string select;
    std::string missing;
    columns_.clear();
    for (const ContractColumn& column : contract_.columns) {
      const std::string& name = column.column.name;
      if (!has(name)) missing += fmt::format("{}{} ({})", missing.empty() ? "" : ", ", name, column.type_text());
      select += fmt::format("{}CAST({} AS {}) AS {}", select.empty() ? "" : ", ", quote_identifier(name), column.sql_type(),
                            quote_identifier(name));
      columns_.push_back({name, column.sql_type(), ColumnOrigin::kContract});
    }
    if (!missing.empty()) {
      fail(ErrorCode::kContract, "{} gives no column {} that table {} must have; it gives {}. Add the column to the query",
           file_.origin(), missing, contract_.table, fmt::join(names, ", "));
    }
    for (const table::ColumnDescription& column : found) {
      if (contract_.find(column.name) != nullptr || column.name == "dropped") continue;
      select += ", " + quote_identifier(column.name);
      columns_.push_back({column.name, column.sql_type, ColumnOrigin::kExtra});
    }
    return fmt::format("SELECT {} FROM ({}){}", select, query, has("dropped") ? " WHERE tally(dropped)" : "");
  }

  void commit(TableFolder& folder, std::vector<Part> parts) {
    Manifest manifest;
    manifest.layer = "canonical";
    manifest.source = "canonical";
    manifest.table = contract_.table;
    manifest.kind = "sql";
    manifest.location = file_.origin();
    manifest.created_at = clock_.now();
    manifest.primary_key = contract_.primary_key;
    manifest.parts = std::move(parts);
    manifest.columns = columns_;
    folder.commit(manifest);
    attach_table(engine_, options_.lake, manifest);
  }

  const Contract& contract_;
  table::Engine& engine_;
  const CanonicalOptions& options_;
  const Clock& clock_;
  std::uint64_t longest_raw_table_;  // rows
  table::SqlFile file_;
  std::vector<ManifestColumn> columns_;
};

}  // namespace

std::span<const std::string_view> canonical_tables() { return kTables; }

std::vector<TableReport> build_canonical(const Contracts& contracts, table::Engine& engine, const CanonicalOptions& options,
                                         const Clock& clock, const ReportCallback& on_table) {
  const LakeLock lock(options.lake, LakeLayer::kCanonical);
  clean_lake(options.lake, LakeLayer::kCanonical);
  const Reader reader(options.lake, lock);
  reader.attach(engine);
  attach_missing_raw_tables(contracts, reader, engine);
  const OrderedChanges ordered(options.lake, reader, engine);
  std::uint64_t longest = 0;
  for (const Manifest& manifest : reader.tables())
    longest = manifest.layer == "raw" ? std::max(longest, manifest.n_rows()) : longest;
  std::vector<TableReport> reports;
  for (const std::string_view table : kTables) {
    const Contract* contract = contracts.find("canonical", table);
    LODESTONE_ASSERT(contract != nullptr, "no contract of {}", table);
    reports.push_back(Mapping(*contract, engine, options, clock, longest).run());
    if (on_table) on_table(reports.back());
  }
  return reports;
}

table::Parameters url_pattern_parameters(const std::vector<std::string>& prefixes) {
  constexpr std::size_t kMost = 5;
  if (prefixes.size() > kMost) {
    fail(ErrorCode::kInvalidArgument, "{} URL patterns are given, the mapping of events takes at most {}; leave some out",
         prefixes.size(), kMost);
  }
  table::Parameters out;
  for (std::size_t i = 0; i < kMost; ++i) {
    const std::string prefix = i < prefixes.size() ? prefixes[i] : "";
    if (prefix.find_first_of("^\\") != std::string::npos) {
      fail(ErrorCode::kInvalidArgument,
           "the URL pattern \"{}\" has a ^ or a backslash, which no page address has; write the text as it stands in the address",
           prefix);
    }
    // Taken literally: what regular expressions read otherwise goes into brackets, because a backslash means different things to the SQL
    // engines. "$." matches nothing.
    std::string pattern;
    for (const char c : prefix) {
      const bool is_special = std::string_view(".+*?()[{|$").find(c) != std::string_view::npos;
      pattern += is_special ? std::string("[") + c + "]" : std::string(1, c);
    }
    out[fmt::format("url_pattern_{}", i + 1)] = prefix.empty() ? "$." : pattern + "([0-9]+)";
  }
  return out;
}

}  // namespace lodestone::lake
