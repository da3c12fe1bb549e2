// Any bytes as a binary log: events of 2-byte length, through the framer and every parser, and rows into batches. Each is decoded or refused.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "sources/binlog/mysql_json.hpp"
#include "sources/binlog/rows_event.hpp"
#include "sources/binlog/statement.hpp"

namespace {

using namespace lodestone::sources;

/// A table with a column of each kind, of which a seed takes the first n.
BinlogTable table_of(std::size_t n) {
  static const std::vector<ColumnDescription> kColumns = {
      {"a", "int", "int(11)", {}, {}, ""},
      {"b", "varchar", "varchar(300)", {}, {}, "gbk"},
      {"c", "decimal", "decimal(65,30)", 65, 30, ""},
      {"d", "datetime", "datetime(6)", {}, {}, ""},
      {"e", "time", "time(3)", {}, {}, ""},
      {"f", "timestamp", "timestamp(2)", {}, {}, ""},
      {"g", "json", "json", {}, {}, ""},
      {"h", "enum", "enum('x','y')", {}, {}, "latin1"},
      {"i", "set", "set('x','y')", {}, {}, "utf8mb4"},
      {"j", "uuid", "uuid", {}, {}, ""},
      {"k", "text", "text", {}, {}, "latin1"},
      {"l", "bit", "bit(9)", {}, {}, ""},
      {"m", "binary", "binary(300)", {}, {}, ""},
      {"n", "inet6", "inet6", {}, {}, ""},
      {"o", "date", "date", {}, {}, ""},
      {"p", "float", "float", {}, {}, ""},
  };
  return make_binlog_table("shop", "t",
                           {kColumns.begin(), kColumns.begin() + static_cast<std::ptrdiff_t>(std::min(n, kColumns.size()))});
}

struct Reader {
  EventFramer framer;
  std::optional<BinlogTable> table;
  std::optional<RowDecoder> decoder;

  void take(std::string_view bytes) {
    const Event event = framer.open(bytes);
    switch (event.header.type) {
      case EventType::kGtid: parse_gtid(event); return;
      case EventType::kGtidList: GtidPosition::parse(parse_gtid_list(event).format()); return;
      case EventType::kQuery:
      case EventType::kQueryCompressed:
      case EventType::kExecuteLoadQuery: statement_kind(parse_query(event).sql); return;
      case EventType::kRotate: parse_rotate(event); return;
      case EventType::kXid: parse_xid(event); return;
      case EventType::kMysqlGtid: parse_mysql_gtid(event); return;
      case EventType::kTableMap: {
        const TableMap map = parse_table_map(event, framer);
        table = table_of(map.columns.size());
        lodestone::Result<RowPlan> plan = plan_rows(map, *table);
        decoder.reset();
        if (plan) decoder.emplace(std::move(plan).value(), 0);
        return;
      }
      default: break;
    }
    if (!is_rows_event(event.header.type)) {
      refuse_unreadable(event.header.type);
      return;
    }
    std::string unpacked;
    RowsEvent rows = parse_rows(event, framer, unpacked);
    if (!decoder) return;
    RowsCursor cursor(std::move(rows), event.header, *decoder);
    TableChanges changes(table->database, table->name, table->schema);
    while (!cursor.append_to(changes, 4096)) changes.clear();
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view bytes(reinterpret_cast<const char*>(data), size);
  Reader reader;
  while (bytes.size() >= 2) {
    const std::size_t length = static_cast<std::size_t>(static_cast<std::uint8_t>(bytes[0])) |
                               static_cast<std::size_t>(static_cast<std::uint8_t>(bytes[1])) << 8U;
    bytes.remove_prefix(2);
    std::string event(bytes.substr(0, length));
    bytes.remove_prefix(event.size());
    // The length in the header is of no interest here.
    for (unsigned i = 0; i < 4 && event.size() >= EventHeader::kSize; ++i)
      event[9 + i] = static_cast<char>(event.size() >> 8 * i & 0xffU);
    try {
      reader.take(event);
    } catch (const lodestone::Error& error) {
      LODESTONE_ASSERT(error.code() == lodestone::ErrorCode::kCorrupt || error.code() == lodestone::ErrorCode::kContract, "{}",
                       error.message());
    }
  }
  try {
    const EventHeader header;
    std::string text;
    append_mysql_json({reinterpret_cast<const char*>(data), size}, header, text);
  } catch (const lodestone::Error& error) {
    LODESTONE_ASSERT(error.code() == lodestone::ErrorCode::kCorrupt, "{}", error.message());
  }
  return 0;
}
