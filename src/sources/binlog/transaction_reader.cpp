#include "sources/binlog/transaction_reader.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <unordered_map>
#include <utility>

#include "base/error.hpp"
#include "sources/binlog/rows_event.hpp"
#include "sources/binlog/statement.hpp"
#include "sources/binlog/table_map.hpp"

namespace lodestone::sources {
namespace {

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

struct TransactionReader::State {
  State(Options given, std::vector<BinlogTable> tables)
      : options(std::move(given)), position(options.start), framer(options.checksum) {
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
      wanted.decoder.emplace(std::move(rows).value(), options.zone_micros);
    } else {
      wanted.difference = rows.reason();
    }
  }

  // The handling of one event each.
  Found take_event(const Event& event);
  void begin_group(const Event& event);
  Found give_up_group();
  Found end_group(bool is_rolled_back);
  void read_map(const Event& event);
  Found read_rows(const Event& event);
  Found read_query(const Event& event);
  Found go_on_with_rows();
  Found hand_over(bool is_last);
  void start_piece();
  void check_statement(const QueryEvent& query);
  std::string group_name() const { return format_gtid(piece.gtid); }

  Options options;
  GtidPosition position;
  EventFramer framer;
  std::vector<std::unique_ptr<WantedTable>> wanted_tables;
  std::unordered_map<std::uint64_t, WantedTable*> table_of;  // of the group under way; null for tables that are not wanted
  ChangePiece piece;
  SchemaChange change;
  bool in_group = false, is_standalone = false, is_prepared_xa = false, has_earlier_pieces = false;
  bool is_handed_over = false;  // the piece is the caller's, and is emptied at the next call
  std::size_t piece_size = 0;
  std::string unpacked;
  std::optional<Event> refused;      // a rows event whose table differs; its bytes are still the caller's
  std::optional<RowsCursor> cursor;  // a rows event that filled a batch
  WantedTable* cursor_table = nullptr;
  std::uint64_t n_zero_dates = 0;
};

void TransactionReader::State::start_piece() {
  for (const TableChanges* changes : piece.tables) {
    find(changes->database, changes->name)->changes->clear();
  }
  piece.tables.clear();
  piece.ddl.clear();
  piece_size = 0;
  is_handed_over = false;
}

TransactionReader::Found TransactionReader::State::hand_over(bool is_last) {
  piece.is_last_piece = is_last;
  has_earlier_pieces = !is_last;
  is_handed_over = true;
  return Found::kChanges;
}

void TransactionReader::State::begin_group(const Event& event) {
  if (in_group)
    fail(ErrorCode::kCorrupt, "binary log: transaction {} has no end; the log was cut, take a new snapshot", group_name());
  const GtidEvent gtid = parse_gtid(event);
  in_group = true;
  is_standalone = gtid.is_standalone;
  is_prepared_xa = gtid.is_prepared_xa;
  piece.gtid = gtid.gtid;
  piece.committed_at = std::chrono::sys_seconds(std::chrono::seconds(event.header.timestamp));
  piece.is_rolled_back = false;
  table_of.clear();
}

TransactionReader::Found TransactionReader::State::end_group(bool is_rolled_back) {
  if (!in_group) return Found::kNothing;
  in_group = false;
  position.advance(piece.gtid);
  if (is_rolled_back) start_piece();
  piece.is_rolled_back = is_rolled_back;
  if (piece.tables.empty() && piece.ddl.empty() && !has_earlier_pieces) return Found::kNothing;
  return hand_over(true);
}

/// A server that died in the middle of writing a transaction begins a new log without it.
TransactionReader::Found TransactionReader::State::give_up_group() {
  if (!in_group) return Found::kNothing;
  in_group = false;
  start_piece();
  piece.is_rolled_back = true;
  return has_earlier_pieces ? hand_over(true) : Found::kNothing;
}

void TransactionReader::State::read_map(const Event& event) {
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

TransactionReader::Found TransactionReader::State::read_rows(const Event& event) {
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
  if (wanted == nullptr || wanted->table.covered.covers(piece.gtid)) return Found::kNothing;
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
    return Found::kSchemaChanged;
  }
  cursor.emplace(std::move(rows), event.header, *wanted->decoder);
  cursor_table = wanted;
  return go_on_with_rows();
}

TransactionReader::Found TransactionReader::State::go_on_with_rows() {
  TableChanges& changes = *cursor_table->changes;
  const std::size_t budget = options.piece_bytes > piece_size ? options.piece_bytes - piece_size : 1;
  const std::size_t before = cursor->left();
  const bool is_done = cursor->append_to(changes, budget);
  piece_size += before - cursor->left();
  if (std::find(piece.tables.begin(), piece.tables.end(), &changes) == piece.tables.end()) piece.tables.push_back(&changes);
  if (is_done) cursor.reset();
  const bool is_full = changes.full() || piece_size >= options.piece_bytes;
  return !is_done || is_full ? hand_over(false) : Found::kNothing;
}

void TransactionReader::State::check_statement(const QueryEvent& query) {
  for (const auto& wanted : wanted_tables) {
    if (wanted->table.covered.covers(piece.gtid) || !names_table(query.sql, wanted->table.name)) continue;
    fail(ErrorCode::kContract,
         "table {}.{}: transaction {} is logged as a statement instead of rows, so that its changes cannot be told; no session "
         "may set "
         "binlog_format to another value than ROW. Take a new snapshot of the table",
         wanted->table.database, wanted->table.name, group_name());
  }
}

TransactionReader::Found TransactionReader::State::read_query(const Event& event) {
  QueryEvent query = parse_query(event);
  const Statement kind = statement_kind(query.sql);
  switch (kind) {
    case Statement::kBegin:
    case Statement::kSavepoint: return Found::kNothing;
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
      return Found::kNothing;
    case Statement::kXa:
    case Statement::kOther: break;
    case Statement::kChange: check_statement(query); break;
    case Statement::kDefinition: piece.ddl.push_back({std::string(query.database), std::move(query.sql)}); break;
  }
  return is_standalone ? end_group(false) : Found::kNothing;
}

TransactionReader::Found TransactionReader::State::take_event(const Event& event) {
  switch (event.header.type) {
    case EventType::kGtid: begin_group(event); return Found::kNothing;
    case EventType::kFormatDescription: return give_up_group();
    case EventType::kTableMap: read_map(event); return Found::kNothing;
    case EventType::kXid:
    case EventType::kXaPrepare: return end_group(false);
    case EventType::kQuery:
    case EventType::kQueryCompressed:
    case EventType::kExecuteLoadQuery: return read_query(event);
    case EventType::kStartEncryption: return Found::kNothing;  // the server itself decrypts what it sends
    default: break;
  }
  if (is_rows_event(event.header.type)) return read_rows(event);
  refuse_unreadable(event.header.type);
  return Found::kNothing;
}

TransactionReader::TransactionReader(Options options, std::vector<BinlogTable> tables)
    : state_(std::make_unique<State>(std::move(options), std::move(tables))) {}

TransactionReader::~TransactionReader() = default;

TransactionReader::Found TransactionReader::take(std::string_view event) {
  return state_->take_event(state_->framer.open(event));
}

TransactionReader::Found TransactionReader::resume() {
  State& s = *state_;
  if (s.is_handed_over) s.start_piece();
  if (s.cursor) return s.go_on_with_rows();
  return s.refused ? s.read_rows(Event(*s.refused)) : Found::kNothing;
}

const ChangePiece& TransactionReader::piece() const { return state_->piece; }
const SchemaChange& TransactionReader::schema_change() const { return state_->change; }
void TransactionReader::set_table(BinlogTable table) { state_->set_table(std::move(table)); }
void TransactionReader::drop_table(const std::string& database, const std::string& name) { state_->drop_table(database, name); }
const GtidPosition& TransactionReader::position() const { return state_->position; }

std::uint64_t TransactionReader::n_zero_dates() const {
  std::uint64_t n = state_->n_zero_dates;
  for (const auto& wanted : state_->wanted_tables) n += wanted->decoder ? wanted->decoder->n_zero_dates() : 0;
  return n;
}

}  // namespace lodestone::sources
