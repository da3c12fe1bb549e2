#include "sources/binlog/table_map.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.hpp"
#include "sources/binlog/byte_reader.hpp"

namespace lodestone::sources {
namespace {

// Kinds of optional metadata, the same numbers in both servers.
enum class Field : std::uint8_t {
  kSignedness = 1,
  kDefaultCharset = 2,
  kColumnCharset = 3,
  kColumnName = 4,
  kSetLabels = 5,
  kEnumLabels = 6,
  kSimplePrimaryKey = 8,
  kPrefixedPrimaryKey = 9,
  kDefaultLabelCharset = 10,
  kColumnLabelCharset = 11,
};

void read_string_metadata(ByteReader& reader, LogColumn& column) {
  // The first byte is the real type; two bits of it, inverted, are the upper bits of lengths above 255.
  const unsigned first = reader.byte();
  const unsigned second = reader.byte();
  column.type = static_cast<LogType>(first | 0x30U);
  column.metadata = static_cast<std::uint16_t>(second | ((first & 0x30U) ^ 0x30U) << 4U);
}

void read_metadata(ByteReader& reader, LogColumn& column) {
  switch (column.type) {
    case LogType::kTiny:
    case LogType::kShort:
    case LogType::kLong:
    case LogType::kTimestamp:
    case LogType::kLongLong:
    case LogType::kInt24:
    case LogType::kDate:
    case LogType::kTime:
    case LogType::kDateTime:
    case LogType::kYear:
    case LogType::kNewDate: return;
    case LogType::kFloat:
    case LogType::kDouble:
    case LogType::kTimestamp2:
    case LogType::kDateTime2:
    case LogType::kTime2:
    case LogType::kBlobCompressed:
    case LogType::kVector:
    case LogType::kJson:
    case LogType::kTinyBlob:
    case LogType::kMediumBlob:
    case LogType::kLongBlob:
    case LogType::kBlob:
    case LogType::kGeometry: column.metadata = reader.byte(); return;
    case LogType::kVarchar:
    case LogType::kBit:
    case LogType::kVarcharCompressed:
    case LogType::kVarString: column.metadata = reader.little<std::uint16_t>(); return;
    case LogType::kDecimal: column.metadata = static_cast<std::uint16_t>(reader.big(2)); return;
    case LogType::kEnum:
    case LogType::kSet:
    case LogType::kString: read_string_metadata(reader, column); return;
  }
  fail(ErrorCode::kContract,
       "binary log: a table has a column of the type {}, which is not known here; leave that table out, or convert the column",
       static_cast<unsigned>(column.type));
}

bool is_numeric(const LogColumn& column) {
  switch (column.type) {
    case LogType::kTiny:
    case LogType::kShort:
    case LogType::kInt24:
    case LogType::kLong:
    case LogType::kLongLong:
    case LogType::kFloat:
    case LogType::kDouble:
    case LogType::kDecimal: return true;
    default: return false;
  }
}

bool is_text(const LogColumn& column) {
  switch (column.type) {
    case LogType::kString:
    case LogType::kVarString:
    case LogType::kVarchar:
    case LogType::kVarcharCompressed:
    case LogType::kTinyBlob:
    case LogType::kMediumBlob:
    case LogType::kLongBlob:
    case LogType::kBlob:
    case LogType::kBlobCompressed: return true;
    default: return false;
  }
}

/// The columns to which the values of a field belong, which differ a little between the servers.
struct Choice {
  bool (*has_sign)(const LogColumn&);
  bool (*has_collation)(const LogColumn&);
};
constexpr Choice kMysql = {is_numeric, is_text};
constexpr Choice kMariaDb = {[](const LogColumn& c) { return is_numeric(c) || c.type == LogType::kYear; },
                             [](const LogColumn& c) { return is_text(c) || c.type == LogType::kGeometry; }};

bool has_labels(const LogColumn& column) { return column.type == LogType::kEnum || column.type == LogType::kSet; }

std::vector<LogColumn*> chosen(TableMap& map, bool (*which)(const LogColumn&)) {
  std::vector<LogColumn*> columns;
  for (LogColumn& column : map.columns) {
    if (which(column)) columns.push_back(&column);
  }
  return columns;
}

/// One bit a numeric column, the highest first.
void read_signedness(ByteReader& field, const std::vector<LogColumn*>& columns) {
  std::uint8_t bits = 0;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    if (i % 8 == 0) bits = field.byte();
    columns[i]->is_unsigned = (bits & 0x80U >> i % 8) != 0;
  }
}

/// A collation for all, then pairs of number and collation for those that have another.
void read_default_collations(ByteReader& field, const std::vector<LogColumn*>& columns) {
  const auto common = static_cast<std::uint32_t>(field.length());
  for (LogColumn* column : columns) column->collation = common;
  while (field.left() > 0) {
    const std::uint64_t number = field.length();
    const auto collation = static_cast<std::uint32_t>(field.length());
    if (number >= columns.size()) fail_damaged(field.header(), fmt::format("a collation for text column {}", number));
    columns[number]->collation = collation;
  }
}

void read_collations(ByteReader& field, const std::vector<LogColumn*>& columns) {
  for (LogColumn* column : columns) column->collation = static_cast<std::uint32_t>(field.length());
}

void read_labels(ByteReader& field, TableMap& map, LogType type) {
  for (LogColumn& column : map.columns) {
    if (column.type != type || field.left() == 0) continue;
    const std::uint64_t n = field.length();
    for (std::uint64_t i = 0; i < n; ++i) column.labels.push_back(field.counted_text());
  }
}

void read_key(ByteReader& field, TableMap& map, Field kind) {
  while (field.left() > 0) {
    const std::uint64_t number = field.length();
    if (kind == Field::kPrefixedPrimaryKey) field.length();
    if (number >= map.columns.size()) fail_damaged(field.header(), fmt::format("a primary key of column {}", number));
    map.primary_key.push_back(static_cast<std::uint32_t>(number));
  }
}

void read_field(Field kind, ByteReader& field, TableMap& map, const Choice& choice) {
  switch (kind) {
    case Field::kSignedness: read_signedness(field, chosen(map, choice.has_sign)); return;
    case Field::kDefaultCharset: read_default_collations(field, chosen(map, choice.has_collation)); return;
    case Field::kColumnCharset: read_collations(field, chosen(map, choice.has_collation)); return;
    case Field::kColumnName:
      for (LogColumn& column : map.columns) column.name = field.counted_text();
      return;
    case Field::kSetLabels: read_labels(field, map, LogType::kSet); return;
    case Field::kEnumLabels: read_labels(field, map, LogType::kEnum); return;
    case Field::kSimplePrimaryKey:
    case Field::kPrefixedPrimaryKey: read_key(field, map, kind); return;
    case Field::kDefaultLabelCharset: read_default_collations(field, chosen(map, has_labels)); return;
    case Field::kColumnLabelCharset: read_collations(field, chosen(map, has_labels)); return;
  }
  // Others (kinds of geometry, visibility of columns, what newer servers add) do not change how a row is read.
}

std::string_view read_name(ByteReader& reader) {
  const std::string_view name = reader.text(reader.byte());
  reader.take(1);
  return name;
}

TableName read_table_name(ByteReader& reader, const EventFramer& framer) {
  TableName name;
  // Logs from before 2005 have 4 bytes of number here, with 6 bytes in all.
  name.table_id = reader.little(framer.post_header_size(reader.header().type) == 6 ? 4 : 6);
  reader.take(2);  // flags
  name.database = read_name(reader);
  name.table = read_name(reader);
  return name;
}

}  // namespace

TableName parse_table_name(const Event& event, const EventFramer& framer) {
  ByteReader reader(event.body, event.header);
  return read_table_name(reader, framer);
}

TableMap parse_table_map(const Event& event, const EventFramer& framer) {
  ByteReader reader(event.body, event.header);
  TableMap map;
  const TableName name = read_table_name(reader, framer);
  map.table_id = name.table_id;
  map.database = name.database;
  map.table = name.table;
  const std::uint64_t n_columns = reader.length();
  if (n_columns == 0 || n_columns > 4096) fail_damaged(event.header, fmt::format("a table of {} columns", n_columns));
  map.columns.resize(n_columns);
  for (LogColumn& column : map.columns) column.type = static_cast<LogType>(reader.byte());
  ByteReader metadata(reader.counted_text(), event.header);
  for (LogColumn& column : map.columns) read_metadata(metadata, column);
  const std::uint8_t* nullable = reader.take((n_columns + 7) / 8);
  for (std::size_t i = 0; i < n_columns; ++i) map.columns[i].is_nullable = (unsigned{nullable[i / 8]} >> i % 8 & 1U) != 0;
  const Choice& choice = framer.server_version().find("MariaDB") != std::string::npos ? kMariaDb : kMysql;
  while (reader.left() > 0) {
    const auto kind = static_cast<Field>(reader.byte());
    ByteReader field(reader.counted_text(), event.header);
    read_field(kind, field, map, choice);
  }
  return map;
}

}  // namespace lodestone::sources
