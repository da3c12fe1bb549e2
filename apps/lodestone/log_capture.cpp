#include "log_capture.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "base/error.hpp"
#include "base/log.hpp"
#include "sources/binlog/statement.hpp"

namespace lodestone::app {
namespace {

using sources::BinlogMode;
using sources::BinlogStep;
using sources::GtidPosition;
using std::chrono::steady_clock;

/// What a statement means for a table that it names.
enum class Effect { kNone, kColumns, kRows };

// Rows are told by the log, but for statements that replace a whole table. What ALTER does to columns shows when they are described anew.
Effect effect_of(const std::string& sql) {
  const auto has = [&](std::string_view word) { return sources::names_table(sql, word); };
  if (has("truncate")) return Effect::kRows;
  if (!has("table")) return Effect::kNone;
  if (has("alter")) return has("rename") || has("partition") || has("import") ? Effect::kRows : Effect::kColumns;
  return has("create") || has("drop") || has("rename") ? Effect::kRows : Effect::kNone;
}

}  // namespace

LogCapture::LogCapture(OpenSource open_source, std::vector<const lake::Contract*> contracts, table::Engine& engine,
                       LogCaptureOptions options, const Clock& clock, const lake::LakeLock& lock, lake::ReportCallback on_table)
    : open_source_(std::move(open_source)),
      contracts_(std::move(contracts)),
      engine_(engine),
      options_(std::move(options)),
      clock_(clock),
      lock_(lock),
      on_table_(std::move(on_table)) {}

LogCapture::~LogCapture() = default;

void LogCapture::run_to_end() { run(BinlogMode::kToEnd); }

void LogCapture::follow() { run(BinlogMode::kFollow); }

void LogCapture::stop() {
  is_stopped_ = true;
  const std::lock_guard lock(stream_mutex_);
  if (stream_) stream_->stop();
}

std::vector<lake::TableReport> LogCapture::reports() const {
  std::vector<lake::TableReport> out;
  for (const Table& table : tables_) {
    if (table.capture->report().rows_in > 0) out.push_back(table.capture->report());
  }
  return out;
}

void LogCapture::run(BinlogMode mode) {
  open_tables(options_.extract.mode);
  for (bool is_first = true; !tables_.empty(); is_first = false) {
    try {
      open_stream(mode);
      while (!is_stopped_ && !tables_.empty() && step()) {
      }
      break;
    } catch (const sources::LogPurged& error) {
      if (!is_first) throw;
      // The log between the lake and now is gone; only the tables themselves can tell.
      log_warn("capture", "{}; all tables are read anew", error.message());
      open_tables(lake::ExtractMode::kFull);
    }
  }
  if (stream_ && !in_transaction_) merge_waiting(stream_->position());
  if (stream_) advance_quiet_tables();
  if (failures_.empty()) return;
  std::vector<std::string> sentences;
  for (const auto& [table, sentence] : failures_) sentences.push_back(sentence);
  fail(ErrorCode::kContract, "{}", fmt::join(sentences, "\n"));
}

void LogCapture::give_up(const std::string& table, const Error& error) {
  log_error("capture", "table {}: {}; the lake keeps what it has, other tables go on", table, error.message());
  failures_[table] = error.message();
}

void LogCapture::extract_tables(const std::vector<const lake::Contract*>& contracts, lake::ExtractMode mode) {
  lake::ExtractOptions options = options_.extract;
  options.mode = mode;
  const std::unique_ptr<sources::MysqlSource> source = open_source_();  // a moment of its own
  (void)source->log_position();                                         // no log: said once, and not for each table
  lake::extract(*source, contracts, engine_, options, clock_, on_table_, lock_);
}

void LogCapture::open_tables(lake::ExtractMode mode) {
  tables_.clear();
  source_ = open_source_();
  try {
    extract_tables(contracts_, mode);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kContract) throw;
    failures_["extract"] = error.message();  // of single tables; the others were read
  }
  const std::vector<std::string> available = source_->tables();
  for (const lake::Contract* contract : contracts_) {
    Table table{contract, contract->find_name(available), nullptr};
    if (table.name.empty()) continue;
    try {
      table.capture =
          std::make_unique<lake::TableCapture>(engine_, options_.extract.lake, *contract, clock_, describe(table).schema);
      tables_.push_back(std::move(table));
    } catch (const Error& error) {
      if (failures_.empty()) give_up(contract->table, error);  // else it was said by the extract
    }
  }
  if (tables_.empty() && failures_.empty())
    fail(ErrorCode::kContract, "{} has none of the tables that the contracts name", source_->location());
}

sources::BinlogTable LogCapture::describe(const Table& table) {
  sources::BinlogTable out = read_binlog_table(source_->connection(), source_->name_of(table.name));
  if (table.capture) out.covered = GtidPosition::parse(table.capture->position());
  return out;
}

void LogCapture::open_stream(BinlogMode mode) {
  std::optional<GtidPosition> start;
  std::vector<sources::BinlogTable> described;
  for (const Table& table : tables_) {
    const GtidPosition position = GtidPosition::parse(table.capture->position());
    start = start ? GtidPosition::common(*start, position) : position;
    described.push_back(describe(table));
  }
  sources::BinlogOptions options{.connection = source_->connection().options(), .start = *start, .mode = mode};
  options.heartbeat = options_.merge_every;  // an idle server lets what waits be merged
  options.server_id = options_.server_id;
  auto stream = std::make_unique<sources::BinlogStream>(std::move(options), std::move(described));
  log_info("capture", "{}: follows {} tables from {} as replica {}", source_->location(), tables_.size(), start->format(),
           stream->server_id());
  const std::lock_guard lock(stream_mutex_);
  stream_ = std::move(stream);
  in_transaction_ = false;
  advanced_at_ = steady_clock::now();
  if (is_stopped_) stream_->stop();
}

// False at the end of the log and when it was stopped.
bool LogCapture::step() {
  const auto wait = waits_since_ ? std::chrono::milliseconds(50) : std::chrono::milliseconds(1000);
  const BinlogStep what = stream_->next(wait);
  switch (what) {
    case BinlogStep::kChanges: take_piece(); break;
    case BinlogStep::kSchemaChanged: take_schema_change(); break;
    case BinlogStep::kIdle: break;
    case BinlogStep::kEnd:
    case BinlogStep::kStopped: return false;
  }
  merge_when_due();
  if (what == BinlogStep::kIdle && !in_transaction_ && n_waiting() == 0) idle_at_us_ = clock_.now().time_since_epoch().count();
  return true;
}

LogCapture::Table* LogCapture::find_table(const std::string& database, const std::string& name) {
  if (database != source_->connection().options().url.database) return nullptr;
  const auto found =
      std::find_if(tables_.begin(), tables_.end(), [&](const Table& t) { return source_->name_of(t.name) == name; });
  return found == tables_.end() ? nullptr : &*found;
}

std::uint64_t LogCapture::n_waiting() const {
  std::uint64_t n = 0;
  for (const Table& table : tables_) n += table.capture->n_waiting();
  return n;
}

void LogCapture::take_piece() {
  const sources::ChangePiece& piece = stream_->piece();
  in_transaction_ = !piece.is_last_piece;
  committed_at_ = piece.committed_at;
  for (const sources::TableChanges* changes : piece.tables) {
    if (Table* table = find_table(changes->database, changes->name)) table->capture->add(*changes);
  }
  if (!waits_since_ && n_waiting() > 0) waits_since_ = steady_clock::now();
  const bool is_undone = piece.is_last_piece && piece.is_rolled_back;
  const std::vector<sources::DdlStatement> statements = piece.ddl;  // the piece goes with the next call of the stream
  if (is_undone) {
    // Pieces of it wait between rows that count. It takes a large transaction over tables of two engines to come here.
    log_warn("capture", "{}: a large transaction was rolled back after it was logged; all tables are read anew",
             source_->location());
    for (Table& table : tables_) read_again(table, lake::ExtractMode::kFull);
  }
  for (const sources::DdlStatement& statement : statements) take_statement(statement);
}

void LogCapture::take_statement(const sources::DdlStatement& statement) {
  const Effect effect = effect_of(statement.sql);
  if (effect == Effect::kNone) return;
  std::vector<std::string> names;
  for (const Table& table : tables_) {
    if (sources::names_table(statement.sql, source_->name_of(table.name))) names.push_back(table.name);
  }
  for (const std::string& name : names) {
    const auto table = std::find_if(tables_.begin(), tables_.end(), [&](const Table& t) { return t.name == name; });
    if (table == tables_.end()) continue;
    log_info("capture", "table {}: its definition changed ({})", name, statement.sql.substr(0, 120));
    read_again(*table, effect == Effect::kRows ? lake::ExtractMode::kFull : lake::ExtractMode::kKeepKind);
  }
}

void LogCapture::take_schema_change() {
  const sources::SchemaChange change = stream_->schema_change();
  Table* table = find_table(change.database, change.table);
  LODESTONE_ASSERT(table != nullptr, "{}.{}", change.database, change.table);
  log_info("capture", "table {}: {}; it is read anew", change.table, change.reason);
  read_again(*table, lake::ExtractMode::kFull);
}

// Takes over a table's columns as they are now, and with kFull its rows. What waits for it was said of rows before and is merged first.
void LogCapture::read_again(Table& table, lake::ExtractMode mode) {
  const std::string name = table.name;
  try {
    if (table.capture->n_waiting() > 0) {
      table.capture->merge(table.capture->position(),
                           [&](const auto& key, const auto& keys) { return source_->rows_now(name, key, keys); });
    }
    table.capture.reset();
    extract_tables({table.contract}, mode);
    table.capture =
        std::make_unique<lake::TableCapture>(engine_, options_.extract.lake, *table.contract, clock_, describe(table).schema);
    stream_->set_table(describe(table));
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kContract && error.code() != ErrorCode::kNotFound) throw;
    give_up(name, error);
    // Its rows come no more.
    stream_->drop_table(source_->connection().options().url.database, source_->name_of(name));
    tables_.erase(std::find_if(tables_.begin(), tables_.end(), [&](const Table& t) { return t.name == name; }));
  }
}

void LogCapture::merge_when_due() {
  const auto now = steady_clock::now();
  const std::uint64_t n = n_waiting();
  if (in_transaction_) {
    // Ahead of the transaction's end, but not of its place in the log: after a kill it comes again from its beginning.
    if (n >= options_.most_waiting) {
      for (Table& table : tables_) {
        if (table.capture->n_waiting() == 0) continue;
        table.capture->merge(table.capture->position(),
                             [&](const auto& key, const auto& keys) { return source_->rows_now(table.name, key, keys); });
      }
    }
    return;
  }
  if (n > 0 && (n >= options_.merge_rows || (waits_since_ && now - *waits_since_ >= options_.merge_every)))
    merge_waiting(stream_->position());
  if (n_waiting() == 0) waits_since_.reset();
  if (now - advanced_at_ >= options_.advance_every) advance_quiet_tables();
}

void LogCapture::merge_waiting(const GtidPosition& position) {
  const std::string place = position.format();
  for (Table& table : tables_) {
    if (table.capture->n_waiting() == 0) continue;
    table.capture->merge(place, [&](const auto& key, const auto& keys) { return source_->rows_now(table.name, key, keys); });
  }
  merged_until_ = committed_at_.time_since_epoch().count();
  waits_since_.reset();
}

void LogCapture::advance_quiet_tables() {
  advanced_at_ = steady_clock::now();
  if (in_transaction_) return;
  const std::string place = stream_->position().format();
  for (Table& table : tables_) {
    if (table.capture->n_waiting() == 0 && table.capture->position() != place) table.capture->advance(place);
  }
}

}  // namespace lodestone::app
