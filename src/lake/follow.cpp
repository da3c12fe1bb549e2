#include "lake/follow.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>

#include "base/error.hpp"
#include "base/log.hpp"
#include "base/progress.hpp"
#include "lake/column_changes.hpp"
#include "lake/compare.hpp"
#include "lake/reader.hpp"
#include "lake/stream_columns.hpp"
#include "lake/table_ingest.hpp"
#include "lake/watched_stream.hpp"

namespace lodestone::lake {
namespace {

using sources::OrderValue;
using sources::RowPage;
using table::ColumnType;

// Keys that a growing table hands out are committed in another order than they are handed out; this many are read again.
constexpr std::int64_t kKeyOverlap = 10'000;

const table::Column* find_column(const table::Schema& schema, const std::string& name) {
  const auto found = std::find_if(schema.begin(), schema.end(), [&](const table::Column& c) { return c.name == name; });
  return found == schema.end() ? nullptr : &*found;
}

std::vector<std::string> texts_of(const std::vector<OrderValue>& values, std::size_t first) {
  std::vector<std::string> out;
  for (std::size_t i = first; i < values.size(); ++i) out.push_back(values[i].text);
  return out;
}

std::optional<std::int64_t> parse_integer(const OrderValue& value) {
  std::int64_t out = 0;
  const bool is_integer = value.type == ColumnType::kInt64 || value.type == ColumnType::kInt32;
  if (!is_integer) return std::nullopt;
  std::from_chars(value.text.data(), value.text.data() + value.text.size(), out);
  return out;
}

// Only keys of one integer are read with an overlap.
bool is_integer_below(const std::vector<OrderValue>& key, const std::vector<std::string>& newest) {
  if (key.size() != 1 || newest.empty()) return false;
  const std::optional<std::int64_t> a = parse_integer(key[0]);
  return a && *a < parse_integer({key[0].type, newest[0]}).value_or(INT64_MIN);
}

Manifest empty_manifest(const Contract& contract, const sources::Source& source) {
  Manifest manifest;
  manifest.layer = "raw";
  manifest.source = contract.source;
  manifest.table = contract.table;
  manifest.kind = source.kind();
  manifest.location = source.location();
  manifest.primary_key = contract.primary_key;
  return manifest;
}

}  // namespace

std::string find_change_column(const Contract& contract, const table::Schema& schema) {
  for (const std::string& name : contract.change) {
    const table::Column* column = find_column(schema, name);
    if (column != nullptr && (column->type == ColumnType::kTimestamp || column->type == ColumnType::kDate)) return name;
  }
  return "";
}

TableFollower::TableFollower(sources::Source& source, std::string name, const Contract& contract, table::Engine& engine,
                             const ExtractOptions& options, const Clock& clock)
    : source_(source),
      paged_(*source.paged()),
      name_(std::move(name)),
      contract_(contract),
      engine_(engine),
      options_(options),
      clock_(clock),
      schema_(paged_.schema(name_)),
      column_(find_change_column(contract, schema_)),
      by_log_(options.capture == Capture::kLog),
      merge_(
          engine, options.lake, contract, clock,
          find_manifest(table_path(options.lake, contract.source, contract.table)).value_or(empty_manifest(contract, source))) {}

TableReport TableFollower::run() {
  prepare();
  if (merge_.manifest().pending) read_anew();
  if (!by_log_ && (!column_.empty() || contract_.is_append_only)) pass();
  if (is_compare_due()) compare_table(paged_, name_, schema_, options_.lake, merge_, clock_);
  merge_.compact();
  TableReport report = merge_.report();
  report.rows_out = merge_.manifest().n_rows();
  return report;
}

bool TableFollower::is_compare_due() const {
  const std::optional<Comparison>& last = merge_.manifest().comparison;
  LODESTONE_ASSERT(last.has_value(), "{}", name_);
  const bool tells = by_log_ || !column_.empty() || contract_.is_append_only;
  // Just read whole: there is nothing to find.
  if (!tells) return options_.compare_now || !has_just_been_read_;
  if (options_.compare_now) return true;
  return options_.compare_every.count() > 0 && clock_.now() - last->compared_at >= options_.compare_every;
}

// Decides whether the table can be followed from where it stands, or must be read anew; what is there stays readable meanwhile.
void TableFollower::prepare() {
  (void)stream_select_list(contract_, schema_, contract_.table);  // throws when the table no longer fits
  Manifest& manifest = merge_.manifest();
  std::string why;
  if (options_.mode == ExtractMode::kFull) {
    why = "--full was given";
  } else if (!manifest.cursor) {
    why = manifest.parts.empty() ? "it was never read" : "it was read whole so far";
  } else if (manifest.cursor->position.empty() == by_log_) {
    why = by_log_ ? "it was followed by its change column so far" : "it was followed by the database's log so far";
  } else if (!by_log_ && manifest.cursor->column != column_) {
    why = fmt::format("it was followed by {}, now by {}", manifest.cursor->column.empty() ? "its key" : manifest.cursor->column,
                      column_.empty() ? "its key" : column_);
  } else if (manifest.primary_key != contract_.primary_key) {
    why = fmt::format("its primary key is ({}), the contract now says ({})", fmt::join(manifest.primary_key, ", "),
                      fmt::join(contract_.primary_key, ", "));
  } else if (!adopt_columns()) {
    why = "its columns changed";
  }
  if (why.empty()) return;
  const bool resumes =
      manifest.pending && options_.mode != ExtractMode::kFull && manifest.pending->columns == describe_columns(schema_);
  log_info("lake", "table {}: {} it anew, because {}", contract_.table, resumes ? "goes on reading" : "reads", why);
  if (!resumes) manifest.pending = Pending{.columns = describe_columns(schema_), .began_at = paged_.moment()};
}

// True when the lake's table can take the source's rows as they come now.
bool TableFollower::adopt_columns() {
  Manifest& manifest = merge_.manifest();
  const ColumnChanges changes = compare_columns(manifest.columns, contract_, schema_);
  if (!changes.sentence.empty()) log_warn("lake", "table {}: {}", contract_.table, changes.sentence);
  if (changes.needs_rereading) return false;
  if (manifest.columns != changes.columns) {
    manifest.columns = changes.columns;
    merge_.commit();
  }
  return true;
}

void TableFollower::read_anew() {
  Progress progress("extract " + contract_.table, paged_.estimated_rows(name_));
  Manifest& manifest = merge_.manifest();
  std::uint64_t n_rows = 0;
  for (const Part& part : manifest.pending->parts) n_rows += part.rows;
  for (bool more = true; more;) {
    RowPage page{.order = contract_.primary_key, .after = key_values(manifest.pending->after_key), .limit = options_.piece_rows};
    WatchedStream stream(paged_.page(name_, page), contract_.primary_key);
    TableIngest ingest(engine_, options_.lake, contract_, clock_);
    ingest.read_stream(stream, progress, n_rows);
    n_rows += stream.n_rows();
    more = stream.n_rows() == options_.piece_rows;
    if (stream.n_rows() > 0) manifest.pending->after_key = texts_of(stream.last(), 0);
    ingest.commit_piece(manifest);
    merge_.count_in(stream.n_rows());
  }
  promote();
}

// What was read in pieces becomes the table.
void TableFollower::promote() {
  Manifest& manifest = merge_.manifest();
  Pending pending = std::move(*manifest.pending);
  manifest.pending.reset();
  manifest.kind = source_.kind();
  manifest.location = source_.location();
  manifest.primary_key = contract_.primary_key;
  manifest.parts = std::move(pending.parts);
  manifest.quarantine_files = std::move(pending.quarantine_files);
  manifest.n_quarantined = pending.n_quarantined;
  manifest.columns = compare_columns({}, contract_, schema_).columns;
  Cursor cursor{.column = column_, .newest_key = pending.after_key, .read_at = pending.began_at};
  if (!column_.empty()) {
    const std::optional<std::int64_t> newest =
        engine_.query_int(fmt::format("SELECT epoch_us(CAST(max({}) AS TIMESTAMP)) FROM {}", table::quote_identifier(column_),
                                      table_sql(options_.lake, manifest)));
    if (newest) cursor.newest = TimePoint(std::chrono::microseconds(*newest));
  }
  if (by_log_) cursor = {.read_at = pending.began_at, .position = paged_.log_position()};
  manifest.cursor = cursor;
  manifest.comparison = Comparison{.compared_at = clock_.now()};
  has_just_been_read_ = true;
  if (manifest.n_rows() < contract_.min_rows) {
    fail(ErrorCode::kContract,
         "table {} of {} has {} good rows ({} quarantined), its contract wants at least {}; fill it at the source, or lower "
         "min_rows in contracts/{}.yaml",
         contract_.table, source_.location(), manifest.n_rows(), manifest.n_quarantined, contract_.min_rows, contract_.table);
  }
  if (manifest.n_rows() == 0) log_warn("lake", "table {} of {} is empty", contract_.table, source_.location());
  merge_.commit();
}

void TableFollower::pass() {
  Manifest& manifest = merge_.manifest();
  const TimePoint moment = paged_.moment();
  if (!manifest.cursor->began_at) manifest.cursor->began_at = moment;
  if (!column_.empty()) pass_by_time();
  pass_by_key();
  Cursor& cursor = *manifest.cursor;
  cursor.read_at = moment;
  cursor.began_at.reset();
  cursor.pass_time.reset();
  cursor.pass_key.clear();
  merge_.commit();
}

void TableFollower::pass_by_time() {
  Cursor& cursor = *merge_.manifest().cursor;
  const auto literal = [&](TimePoint at) { return OrderValue{ColumnType::kTimestamp, format_naive(at)}; };
  RowPage page{.order = {column_}, .limit = options_.chunk_rows};
  page.order.insert(page.order.end(), contract_.primary_key.begin(), contract_.primary_key.end());
  const std::optional<TimePoint> read_at = cursor.read_at ? std::optional(in_zone(*cursor.read_at)) : std::nullopt;
  if (cursor.newest && read_at) page.from = literal(std::min(*cursor.newest, *read_at) - options_.overlap);
  // A pass that was cut goes on where it was, but what was committed since it began may lie before that.
  if (cursor.pass_time && *cursor.pass_time < in_zone(*cursor.began_at) - options_.overlap) {
    page.after = key_values(cursor.pass_key);
    page.after.insert(page.after.begin(), literal(*cursor.pass_time));
  }
  const auto advance = [&](const std::vector<OrderValue>& last) {
    cursor.pass_time = parse_time(last.front().text);
    cursor.pass_key = texts_of(last, 1);
    cursor.newest = cursor.newest ? std::max(*cursor.newest, *cursor.pass_time) : *cursor.pass_time;
    page.after = last;
  };
  while (merge_page(page, advance)) {
  }
}

void TableFollower::pass_by_key() {
  Cursor& cursor = *merge_.manifest().cursor;
  RowPage page{.order = contract_.primary_key,
               .after = behind_key(cursor.newest_key),
               .null_column = column_,
               .limit = options_.chunk_rows};
  const auto advance = [&](const std::vector<OrderValue>& last) {
    page.after = last;
    // A page of the overlap may end below what was read before.
    if (!is_integer_below(last, cursor.newest_key)) cursor.newest_key = texts_of(last, 0);
  };
  while (merge_page(page, advance)) {
  }
}

bool TableFollower::merge_page(const RowPage& page, const std::function<void(const std::vector<OrderValue>& last)>& advance) {
  WatchedStream stream(paged_.page(name_, page), page.order);
  merge_.upsert(stream);
  if (stream.n_rows() == 0) return false;
  advance(stream.last());
  merge_.commit();
  merge_.compact();
  return stream.n_rows() == page.limit;
}

std::vector<OrderValue> TableFollower::key_values(const std::vector<std::string>& texts) const {
  std::vector<OrderValue> out;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const table::Column* column = find_column(schema_, contract_.primary_key[i]);
    out.push_back({column->type, texts[i]});
  }
  return out;
}

// Keys of one integer ascend as rows come; others come in any order, so that all rows without a change time are read.
std::vector<OrderValue> TableFollower::behind_key(const std::vector<std::string>& newest) const {
  std::vector<OrderValue> out = key_values(newest);
  const std::optional<std::int64_t> key = out.size() == 1 ? parse_integer(out[0]) : std::nullopt;
  if (!key) return {};
  out[0].text = std::to_string(*key > INT64_MIN + kKeyOverlap ? *key - kKeyOverlap : INT64_MIN);
  return out;
}

TimePoint TableFollower::in_zone(TimePoint at) {
  if (contract_.source == "matomo") return at;  // Matomo writes UTC
  // The offset of now, whatever it was then.
  const TimePoint moment = paged_.moment();
  const std::string utc = table::quote_literal(format_naive(moment) + "+00");
  const std::optional<std::int64_t> local =
      engine_.query_int(fmt::format("SELECT epoch_us(timezone({}, TIMESTAMPTZ {}))", table::quote_literal(options_.zone), utc));
  LODESTONE_ASSERT(local.has_value(), "{} in {}", utc, options_.zone);
  return at + (TimePoint(std::chrono::microseconds(*local)) - moment);
}

}  // namespace lodestone::lake
