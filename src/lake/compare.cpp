#include "lake/compare.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/error.hpp"
#include "base/log.hpp"
#include "lake/range_digests.hpp"
#include "lake/table_folder.hpp"
#include "table/sql_text.hpp"

namespace lodestone::lake {
namespace {

using sources::OrderValue;
using sources::RowPage;

// Rows that are read, and held, at once.
constexpr std::uint64_t kRowsAtOnce = 500'000;

/// Neighbouring ranges that are read together: [first, last].
struct Run {
  std::int64_t first = 0;
  std::int64_t last = 0;
  std::uint64_t n_rows = 0;
};

// The integer column that ranges can be made of: a key of one column, or the first of several.
std::string range_key(const Manifest& manifest, const table::Schema& schema) {
  const std::string& name = manifest.primary_key.front();
  const auto found = std::find_if(schema.begin(), schema.end(), [&](const table::Column& c) { return c.name == name; });
  const bool is_integer =
      found != schema.end() && (found->type == table::ColumnType::kInt32 || found->type == table::ColumnType::kInt64);
  return is_integer ? name : "";
}

RangeDigests load_before(const fs::path& folder, const Manifest& manifest, const std::string& key) {
  if (!manifest.comparison || manifest.comparison->file.empty()) return {key, RangeDigests::kFirstWidth, {}};
  const fs::path path = folder / manifest.comparison->file;
  RangeDigests before = parse_range_digests(read_file(path), path.string());
  if (before.key != key) return {key, RangeDigests::kFirstWidth, {}};
  return before;
}

std::string new_file_name(const fs::path& folder, TimePoint now) {
  for (int i = 0;; ++i) {
    std::string name = fmt::format("digests-{}-{}.json", format_compact(now), i);
    if (!fs::exists(folder / name)) return name;
  }
}

std::vector<Run> runs_of(const std::vector<std::int64_t>& ranges, const RangeDigests& now) {
  std::map<std::int64_t, std::uint64_t> rows;
  for (const sources::RangeDigest& digest : now.ranges) rows[digest.range] = digest.n_rows;
  std::vector<Run> runs;
  for (const std::int64_t range : ranges) {
    const auto found = rows.find(range);
    const std::uint64_t n = found == rows.end() ? 0 : found->second;
    const bool joins = !runs.empty() && runs.back().last + 1 == range && runs.back().n_rows + n <= kRowsAtOnce;
    if (!joins) runs.push_back({range, range, 0});
    runs.back().last = range;
    runs.back().n_rows += n;
  }
  return runs;
}

// [first * width, (last + 1) * width), as far as 64 bits go.
RowPage page_of(const Run& run, const RangeDigests& digests, const Manifest& manifest) {
  RowPage page{.order = manifest.primary_key};
  if (digests.key.empty()) return page;
  page.from = OrderValue{table::ColumnType::kInt64, std::to_string(run.first * digests.width)};
  if (run.last < INT64_MAX / digests.width - 1)
    page.until = OrderValue{table::ColumnType::kInt64, std::to_string((run.last + 1) * digests.width)};
  return page;
}

std::string condition_of(const RowPage& page, const RangeDigests& digests) {
  const std::string key = table::quote_identifier(digests.key);
  std::string out = page.from ? fmt::format("{} >= {}", key, page.from->text) : "true";
  if (page.until) out += fmt::format(" AND {} < {}", key, page.until->text);
  return out;
}

}  // namespace

std::size_t compare_table(sources::PagedSource& source, const std::string& name, const table::Schema& schema,
                          const fs::path& lake, TableMerge& merge, const Clock& clock) {
  Manifest& manifest = merge.manifest();
  const fs::path folder = table_path(lake, manifest.source, manifest.table);
  RangeDigests before = load_before(folder, manifest, range_key(manifest, schema));
  RangeDigests now{before.key, before.width, source.digests(name, before.key, before.width)};
  std::vector<std::int64_t> touched = manifest.comparison ? manifest.comparison->touched : std::vector<std::int64_t>{};
  const std::int64_t width = now.width;
  now.coarsen_to();
  while (before.width < now.width) before.coarsen();
  for (std::int64_t& range : touched) range = range_of(range, now.width / width);
  const std::vector<std::int64_t> ranges = differing_ranges(before, now, touched);
  for (const Run& run : runs_of(ranges, now)) {
    const RowPage page = page_of(run, now, manifest);
    const std::unique_ptr<table::RowStream> stream = source.page(name, page);
    merge.replace(*stream, condition_of(page, now));
    merge.commit();
  }
  const std::string file = new_file_name(folder, clock.now());
  write_file_atomic(folder / file, format_range_digests(now));
  manifest.comparison = Comparison{.compared_at = clock.now(), .file = file};
  merge.commit();
  log_info("lake", "table {}: compared with its source, {} of {} key ranges were read again", manifest.table, ranges.size(),
           now.ranges.size());
  return ranges.size();
}

}  // namespace lodestone::lake
