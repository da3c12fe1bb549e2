#include "sources/binlog/binlog_stream.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <unordered_map>
#include <utility>

#include "base/log.hpp"
#include "sources/binlog/replica_line.hpp"
#include "sources/binlog/rows_event.hpp"
#include "sources/binlog/statement.hpp"
#include "sources/binlog/table_map.hpp"

namespace lodestone::sources {
namespace {

using std::chrono::steady_clock;

/// "+08:00" in microseconds.
std::int64_t parse_zone(const std::string& zone) {
  const auto digit = [&](std::size_t i) { return zone[i] >= '0' && zone[i] <= '9' ? zone[i] - '0' : 100; };
  if (zone.size() == 6 && (zone[0] == '+' || zone[0] == '-') && zone[3] == ':') {
    const std::int64_t hours = digit(1) * 10 + digit(2);
    const std::int64_t minutes = digit(4) * 10 + digit(5);
    if (hours <= 14 && minutes < 60) return (zone[0] == '-' ? -1 : 1) * (hours * 60 + minutes) * 60'000'000;
  }
  fail(ErrorCode::kContract, "the time zone \"{}\" is no offset, which the binary log needs; give it as \"+08:00\"", zone);
}

/// A wanted table, and how its rows are read as long as the log shows the same definition.
struct WantedTable {
  BinlogTable table;
  std::string map_body;  // of the last TABLE_MAP, behind the table's number
  std::string map_event;
  EventHeader map_header;
  std::optional<RowDecoder> decoder;
  std::string difference;  // why there is no decoder
  std::unique_ptr<TableChanges> changes;
};

}  // namespace

struct BinlogStream::State {
  State(BinlogOptions given, std::vector<BinlogTable> tables)
      : options(std::move(given)),
        zone_micros(parse_zone(options.connection.time_zone)),
        position(options.start),
        line(options),
        framer(line.checksum()) {
    for (BinlogTable& table : tables) set_table(std::move(table));
  }

  void set_table(BinlogTable table) {
    LODESTONE_ASSERT(!cursor, "table {}.{} was replaced between two pieces of a transaction", table.database, table.name);
    if (is_handed_over) start_piece();
    WantedTable* wanted = find(table.database, table.name);
    if (wanted == nullptr) wanted = wanted_tables.emplace_back(std::make_unique<WantedTable>()).get();
    if (wanted->decoder) n_zero_dates += wanted->decoder->n_zero_dates();
    wanted->decoder.reset();
    wanted->changes = std::make_unique<TableChanges>(table.database, table.name, table.schema);
    wanted->table = std::move(table);
    // A TABLE_MAP that was refused is tried again; one from before the table was wanted is gone with its rows.
    if (!wanted->map_event.empty()) plan(*wanted);
  }

  void drop_table(const std::string& database, const std::string& name) {
    LODESTONE_ASSERT(!cursor, "table {}.{} was dropped between two pieces of a transaction", database, name);
    if (is_handed_over) start_piece();
    WantedTable* wanted = find(database, name);
    if (wanted == nullptr) return;
    for (auto& [number, table] : table_of) table = table == wanted ? nullptr : table;
    if (wanted->decoder) n_zero_dates += wanted->decoder->n_zero_dates();
    wanted_tables.erase(
        std::find_if(wanted_tables.begin(), wanted_tables.end(), [&](const auto& t) { return t.get() == wanted; }));
  }

  WantedTable* find(std::string_view database, std::string_view name) {
    const auto found = std::find_if(wanted_tables.begin(), wanted_tables.end(),
                                    [&](const auto& t) { return t->table.name == name && t->table.database == database; });
    return found == wanted_tables.end() ? nullptr : found->get();
  }

  void plan(WantedTable& wanted) {
    const Event event{wanted.map_header, wanted.map_event};
    Result<RowPlan> rows = plan_rows(parse_table_map(event, framer), wanted.table);
    if (wanted.decoder) n_zero_dates += wanted.decoder->n_zero_dates();
    wanted.decoder.reset();
    if (rows) {
      wanted.decoder.emplace(std::move(rows).value(), zone_micros);
    } else {
      wanted.difference = rows.reason();
    }
  }

  // The handling of one event each; true when there is something to hand over.
  bool take_event(const Event& event);
  void begin_group(const Event& event);
  bool end_group(bool is_rolled_back);
  void read_map(const Event& event);
  bool read_rows(const Event& event);
  bool read_query(const Event& event);
  bool go_on_with_rows();
  bool hand_over(bool is_last);
  void start_piece();
  void check_statement(const QueryEvent& query);
  std::string group_name() const { return format_gtid(piece.gtid); }

  BinlogOptions options;
  std::int64_t zone_micros;
  GtidPosition position;
  ReplicaLine line;
  EventFramer framer;
  std::vector<std::unique_ptr<WantedTable>> wanted_tables;
  std::unordered_map<std::uint64_t, WantedTable*> table_of;  // of the group under way; null for tables that are not wanted
  ChangePiece piece;
  SchemaChange change;
  BinlogStep step = BinlogStep::kIdle;  // what take_event() found
  bool in_group = false, is_standalone = false, is_prepared_xa = false, has_earlier_pieces = false;
  bool is_handed_over = false;  // the piece is the caller's, and is emptied at the next call
  std::size_t piece_size = 0;
  std::string unpacked;
  std::optional<Event> refused;      // a rows event whose table differs; its bytes are still in the line
  std::optional<RowsCursor> cursor;  // a rows event that filled a batch
  WantedTable* cursor_table = nullptr;
  std::uint64_t n_zero_dates = 0;
};

void BinlogStream::State::start_piece() {
  for (const TableChanges* changes : piece.tables) {
    find(changes->database, changes->name)->changes->clear();
  }
  piece.tables.clear();
  piece.ddl.clear();
  piece_size = 0;
  is_handed_over = false;
}

bool BinlogStream::State::hand_over(bool is_last) {
  piece.is_last_piece = is_last;
  has_earlier_pieces = !is_last;
  is_handed_over = true;
  step = BinlogStep::kChanges;
  return true;
}

void BinlogStream::State::begin_group(const Event& event) {
  if (in_group) {
    fail(ErrorCode::kCorrupt, "binary log: transaction {} has no end; the log was cut, take a new snapshot", group_name());
  }
  const GtidEvent gtid = parse_gtid(event);
  in_group = true;
  is_standalone = gtid.is_standalone;
  is_prepared_xa = gtid.is_prepared_xa;
  piece.gtid = gtid.gtid;
  piece.committed_at = std::chrono::sys_seconds(std::chrono::seconds(event.header.timestamp));
  piece.is_rolled_back = false;
  table_of.clear();
}

bool BinlogStream::State::end_group(bool is_rolled_back) {
  if (!in_group) return false;
  in_group = false;
  position.advance(piece.gtid);
  if (is_rolled_back) start_piece();
  piece.is_rolled_back = is_rolled_back;
  if (piece.tables.empty() && piece.ddl.empty() && !has_earlier_pieces) return false;
  return hand_over(true);
}

void BinlogStream::State::read_map(const Event& event) {
  const TableName name = parse_table_name(event, framer);
  WantedTable* wanted = find(name.database, name.table);
  if (wanted != nullptr && wanted->table.covered.covers(piece.gtid)) wanted = nullptr;
  table_of[name.table_id] = wanted;
  if (wanted == nullptr) return;
  const std::string_view body = event.body;
  const std::string_view definition = body.substr(std::min<std::size_t>(6, body.size()));
  if (wanted->decoder && wanted->map_body == definition) return;
  wanted->map_body = definition;
  wanted->map_event = body;
  wanted->map_header = event.header;
  plan(*wanted);
}

bool BinlogStream::State::read_rows(const Event& event) {
  refused.reset();
  RowsEvent rows = parse_rows(event, framer, unpacked);
  const auto found = table_of.find(rows.table_id);
  if (found == table_of.end()) {
    fail(ErrorCode::kCorrupt,
         "binary log: the {} event that ends at byte {} names table number {}, which no TABLE_MAP event gave; take a "
         "new snapshot",
         event_name(event.header.type), event.header.end_position, rows.table_id);
  }
  WantedTable* wanted = found->second;
  if (wanted == nullptr || wanted->table.covered.covers(piece.gtid)) return false;
  const BinlogTable& table = wanted->table;
  if (is_prepared_xa) {
    fail(ErrorCode::kContract,
         "table {}.{}: transaction {} changes it as an XA transaction, of which the log does not tell yet whether it will be "
         "committed; do "
         "not change the table by XA, or leave it to snapshots",
         table.database, table.name, group_name());
  }
  if (!wanted->decoder) {
    refused = event;
    change = {table.database, table.name, wanted->difference};
    step = BinlogStep::kSchemaChanged;
    return true;
  }
  cursor.emplace(std::move(rows), event.header, *wanted->decoder);
  cursor_table = wanted;
  return go_on_with_rows();
}

bool BinlogStream::State::go_on_with_rows() {
  TableChanges& changes = *cursor_table->changes;
  const std::size_t budget = options.piece_bytes > piece_size ? options.piece_bytes - piece_size : 1;
  const std::size_t before = cursor->left();
  const bool is_done = cursor->append_to(changes, budget);
  piece_size += before - cursor->left();
  if (std::find(piece.tables.begin(), piece.tables.end(), &changes) == piece.tables.end()) piece.tables.push_back(&changes);
  if (is_done) cursor.reset();
  const bool is_full = changes.full() || piece_size >= options.piece_bytes;
  return (!is_done || is_full) && hand_over(false);
}

void BinlogStream::State::check_statement(const QueryEvent& query) {
  for (const auto& wanted : wanted_tables) {
    if (wanted->table.covered.covers(piece.gtid) || !names_table(query.sql, wanted->table.name)) continue;
    fail(ErrorCode::kContract,
         "table {}.{}: transaction {} is logged as a statement instead of rows, so that its changes cannot be told; no session "
         "may set "
         "binlog_format to another value than ROW. Take a new snapshot of the table",
         wanted->table.database, wanted->table.name, group_name());
  }
}

bool BinlogStream::State::read_query(const Event& event) {
  QueryEvent query = parse_query(event);
  const Statement kind = statement_kind(query.sql);
  switch (kind) {
    case Statement::kBegin:
    case Statement::kSavepoint: return false;
    case Statement::kCommit: return end_group(false);
    case Statement::kRollback: return end_group(true);
    case Statement::kRollbackTo:
      if (!piece.tables.empty() || has_earlier_pieces) {
        fail(ErrorCode::kContract,
             "binary log: transaction {} takes back a part of itself, after tables of engines without transactions were changed "
             "in it; "
             "take a new snapshot",
             group_name());
      }
      return false;
    case Statement::kXa: break;
    case Statement::kChange: check_statement(query); break;
    case Statement::kOther: piece.ddl.push_back({std::string(query.database), std::move(query.sql)}); break;
  }
  return is_standalone && end_group(false);
}

bool BinlogStream::State::take_event(const Event& event) {
  switch (event.header.type) {
    case EventType::kGtid: begin_group(event); return false;
    case EventType::kTableMap: read_map(event); return false;
    case EventType::kXid:
    case EventType::kXaPrepare: return end_group(false);
    case EventType::kQuery:
    case EventType::kQueryCompressed:
    case EventType::kExecuteLoadQuery: return read_query(event);
    case EventType::kStartEncryption: return false;  // the server itself decrypts what it sends
    default: break;
  }
  if (is_rows_event(event.header.type)) return read_rows(event);
  refuse_unreadable(event.header.type);
  return false;
}

BinlogStream::BinlogStream(BinlogOptions options, std::vector<BinlogTable> tables)
    : state_(std::make_unique<State>(std::move(options), std::move(tables))) {}

BinlogStream::~BinlogStream() = default;

BinlogStep BinlogStream::next(std::chrono::milliseconds wait) {
  State& s = *state_;
  const auto deadline = steady_clock::now() + wait;
  if (s.is_handed_over) s.start_piece();
  if (s.cursor && s.go_on_with_rows()) return s.step;
  if (s.refused && s.read_rows(Event(*s.refused))) return s.step;
  while (true) {
    switch (s.line.receive()) {
      case ReplicaLine::Got::kEnd: return BinlogStep::kEnd;
      case ReplicaLine::Got::kCancelled: return BinlogStep::kStopped;
      case ReplicaLine::Got::kEvent: break;
    }
    if (s.take_event(s.framer.open(s.line.event()))) return s.step;
    if (steady_clock::now() >= deadline) return BinlogStep::kIdle;
  }
}

const ChangePiece& BinlogStream::piece() const { return state_->piece; }
const SchemaChange& BinlogStream::schema_change() const { return state_->change; }
void BinlogStream::set_table(BinlogTable table) { state_->set_table(std::move(table)); }
void BinlogStream::drop_table(const std::string& database, const std::string& name) { state_->drop_table(database, name); }
const GtidPosition& BinlogStream::position() const { return state_->position; }
std::uint32_t BinlogStream::server_id() const { return state_->line.server_id(); }

std::uint64_t BinlogStream::n_zero_dates() const {
  std::uint64_t n = state_->n_zero_dates;
  for (const auto& wanted : state_->wanted_tables) n += wanted->decoder ? wanted->decoder->n_zero_dates() : 0;
  return n;
}

void BinlogStream::stop() noexcept { state_->line.cancel(); }

}  // namespace lodestone::sources
