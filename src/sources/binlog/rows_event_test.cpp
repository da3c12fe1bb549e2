// TABLE_MAP and rows events, built as MariaDB and MySQL 8 document them. No MySQL server is part of the tests, so what only MySQL
// writes (binary JSON, extra data of version 2, its table metadata) is checked here alone.
#include "sources/binlog/rows_event.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include "base/error.hpp"
#include "tests/support/log_bytes.hpp"

namespace lodestone::sources {
namespace {

using test::LogBytes;
using testing::ElementsAre;
using testing::HasSubstr;

ColumnDescription column(std::string name, std::string data_type, std::string column_type = {}, std::optional<int> precision = {},
                         std::optional<int> scale = {}, std::string charset = {}) {
  if (column_type.empty()) column_type = data_type;
  return {std::move(name), std::move(data_type), std::move(column_type), precision, scale, std::move(charset)};
}

template <typename Action>
std::string fault_of(ErrorCode code, const Action& action) {
  try {
    action();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), code) << error.message();
    return error.message();
  }
  return "nothing was thrown";
}

/// Takes a table map and rows as a reader of the log does.
struct Log {
  explicit Log(std::string_view version = "10.11.19-MariaDB") { framer.open(test::log_format(version)); }

  /// Texts of all cells of the after images, or before images of deletes: "1|x".
  std::vector<std::string> read(const std::string& map, const BinlogTable& table, const std::string& rows) {
    Result<RowPlan> plan = plan_rows(parse_table_map(framer.open(map), framer), table);
    if (!plan) return {plan.reason()};
    RowDecoder decoder(std::move(plan).value(), 0);
    const Event event = framer.open(rows);
    std::string unpacked;
    RowsEvent parsed = parse_rows(event, framer, unpacked);
    kind = parsed.kind;
    layout = parsed.layout;
    EXPECT_EQ(parsed.table_id, 77U);
    RowsCursor cursor(std::move(parsed), event.header, decoder);
    TableChanges changes(table.database, table.name, table.schema);
    EXPECT_TRUE(cursor.append_to(changes, SIZE_MAX));
    n_zero_dates = decoder.n_zero_dates();
    std::vector<std::string> out;
    for (const RowChange& row : changes.rows) {
      std::string text = row.kind == ChangeKind::kInsert ? "" : line(table, changes.before, row.before);
      if (row.kind == ChangeKind::kUpdate) text += ">";
      if (row.kind != ChangeKind::kDelete) text += line(table, changes.after, row.after);
      out.push_back(text);
    }
    return out;
  }

  static std::string line(const BinlogTable& table, const table::Batch& batch, std::size_t row) {
    std::string text;
    for (std::size_t i = 0; i < table.schema.size(); ++i) {
      if (i > 0) text += '|';
      if (batch.is_null(i, row)) {
        text += "NULL";
      } else if (table.schema[i].type == table::ColumnType::kText || table.schema[i].type == table::ColumnType::kDecimal ||
                 table.schema[i].type == table::ColumnType::kBytes) {
        text += batch.text_at(i, row);
      } else if (table.schema[i].type == table::ColumnType::kDouble) {
        text += fmt::format("{}", batch.double_at(i, row));
      } else {
        text += std::to_string(batch.int_at(i, row));
      }
    }
    return text;
  }

  EventFramer framer;
  ChangeKind kind{};
  ImageLayout layout;
  std::uint64_t n_zero_dates = 0;
};

BinlogTable item_table() {
  return make_binlog_table("shop", "item",
                           {column("id", "int", "int(11)"), column("name", "varchar", "varchar(20)", {}, {}, "utf8mb4"),
                            column("price", "decimal", "decimal(4,2)", 4, 2)});
}

const std::string kItemTypes = "\x03\x0f\xf6";
const std::string kItemMetadata = std::string("\x50\x00\x04\x02", 4);
std::string item_map(std::string_view optional = {}) {
  return test::log_table_map("shop", "item", kItemTypes, kItemMetadata, optional);
}

/// An image of item: all columns there, none null.
std::string item_image(int id, std::string_view name) {
  return LogBytes().little(0, 1).little(static_cast<std::uint32_t>(id), 4).counted(name).little(0x8c, 1).little(0x22, 1).bytes;
}

/// Head of a rows event of version 1 with n columns, all there.
std::string head(int n, bool is_update = false) {
  LogBytes bytes;
  bytes.little(77, 6).little(1, 2).little(static_cast<std::uint64_t>(n), 1);
  for (int i = 0; i < (is_update ? 2 : 1); ++i) bytes.little((1U << n) - 1, (n + 7) / 8);
  return bytes.bytes;
}

TEST(RowsEvent, inserts_updates_and_deletes_of_both_versions) {
  Log log;
  const BinlogTable table = item_table();
  const std::string one = item_image(1, "one");
  const std::string two = item_image(-2, "天");
  EXPECT_THAT(log.read(item_map(), table, test::log_event(23, head(3) + one + two)), ElementsAre("1|one|12.34", "-2|天|12.34"));
  EXPECT_EQ(log.kind, ChangeKind::kInsert);
  EXPECT_THAT(log.read(item_map(), table, test::log_event(24, head(3, true) + one + two)),
              ElementsAre("1|one|12.34>-2|天|12.34"));
  EXPECT_EQ(log.kind, ChangeKind::kUpdate);
  EXPECT_THAT(log.read(item_map(), table, test::log_event(25, head(3) + one)), ElementsAre("1|one|12.34"));
  EXPECT_EQ(log.kind, ChangeKind::kDelete);

  // Version 2 has extra data behind the flags.
  const auto second = [](const std::string& first_version, std::string_view extra) {
    return first_version.substr(0, 8) + LogBytes().little(extra.size() + 2, 2).text(extra).bytes + first_version.substr(8);
  };
  Log mysql("8.0.36");
  for (const std::string_view extra : {"", "partition"}) {
    EXPECT_THAT(mysql.read(item_map(), table, test::log_event(30, second(head(3), extra) + one)), ElementsAre("1|one|12.34"));
    EXPECT_THAT(mysql.read(item_map(), table, test::log_event(31, second(head(3, true), extra) + one + two)),
                ElementsAre("1|one|12.34>-2|天|12.34"));
    EXPECT_THAT(mysql.read(item_map(), table, test::log_event(32, second(head(3), extra) + one)), ElementsAre("1|one|12.34"));
  }
  EXPECT_THAT(
      fault_of(
          ErrorCode::kCorrupt,
          [&] { mysql.read(item_map(), table, test::log_event(30, head(3).substr(0, 8) + std::string("\x01\0", 2) + one)); }),
      HasSubstr("extra data of 1 bytes"));
}

TEST(RowsEvent, compressed_rows_of_both_versions) {
  const std::string rows = item_image(1, "one") + item_image(2, "two");
  std::string packed(compressBound(rows.size()), '\0');
  uLongf size = packed.size();
  ASSERT_EQ(compress(reinterpret_cast<Bytef*>(packed.data()), &size, reinterpret_cast<const Bytef*>(rows.data()), rows.size()),
            Z_OK);
  packed.resize(size);
  const std::string tail = LogBytes().little(0x81, 1).little(rows.size(), 1).text(packed).bytes;
  Log log;
  EXPECT_THAT(log.read(item_map(), item_table(), test::log_event(166, head(3) + tail)),
              ElementsAre("1|one|12.34", "2|two|12.34"));
  EXPECT_THAT(log.read(item_map(), item_table(), test::log_event(167, head(3, true) + tail)),
              ElementsAre("1|one|12.34>2|two|12.34"));
  EXPECT_THAT(log.read(item_map(), item_table(), test::log_event(168, head(3) + tail)),
              ElementsAre("1|one|12.34", "2|two|12.34"));
  const std::string second = head(3).substr(0, 8) + std::string("\x02\0", 2) + head(3).substr(8);
  EXPECT_THAT(log.read(item_map(), item_table(), test::log_event(169, second + tail)), ElementsAre("1|one|12.34", "2|two|12.34"));
  EXPECT_THAT(log.read(item_map(), item_table(), test::log_event(171, second + tail)), ElementsAre("1|one|12.34", "2|two|12.34"));
}

TEST(RowsEvent, images_may_leave_columns_out_and_hold_nulls) {
  // Columns 0 and 2 are there; of the second row, column 2 is null.
  const std::string body = LogBytes().little(77, 6).little(1, 2).little(3, 1).little(0x05, 1).bytes +
                           LogBytes().little(0, 1).little(1, 4).little(0x8c, 1).little(0x22, 1).bytes +
                           LogBytes().little(2, 1).little(2, 4).bytes;
  Log log;
  EXPECT_THAT(log.read(item_map(), item_table(), test::log_event(23, body)), ElementsAre("1|NULL|12.34", "2|NULL|NULL"));
  EXPECT_THAT(log.layout.after, ElementsAre(1, 0, 1));
}

TEST(RowsEvent, every_cut_is_corrupt_or_fewer_rows) {
  Log log;
  const BinlogTable table = item_table();
  const std::string one = item_image(1, "one");
  const std::string body = head(3) + one + one;
  for (std::size_t size = 0; size < body.size(); ++size) {
    const std::string rows = test::log_event(23, body.substr(0, size));
    if (size == head(3).size() || size == head(3).size() + one.size()) {
      EXPECT_EQ(log.read(item_map(), table, rows).size(), size == head(3).size() ? 0U : 1U);
    } else {
      EXPECT_THAT(fault_of(ErrorCode::kCorrupt, [&] { log.read(item_map(), table, rows); }), HasSubstr("is damaged")) << size;
    }
  }
}

TEST(RowsEvent, rows_that_do_not_fit_their_table_are_corrupt) {
  Log log;
  EXPECT_THAT(fault_of(ErrorCode::kCorrupt,
                       [&] { log.read(item_map(), item_table(), test::log_event(23, head(2) + item_image(1, "x"))); }),
              HasSubstr("rows of 2 columns where its table has 3"));
  const std::string none = LogBytes().little(77, 6).little(1, 2).little(3, 1).little(0, 1).text("xx").bytes;
  EXPECT_THAT(fault_of(ErrorCode::kCorrupt, [&] { log.read(item_map(), item_table(), test::log_event(23, none)); }),
              HasSubstr("rows without a column"));
}

TEST(RowsEvent, a_full_batch_is_gone_on_with) {
  Log log;
  const BinlogTable table = item_table();
  const std::string map = item_map();
  RowDecoder decoder(plan_rows(parse_table_map(log.framer.open(map), log.framer), table).value(), 0);
  std::string body = head(3);
  for (int i = 0; i < 3000; ++i) body += item_image(i, "x");
  const std::string bytes = test::log_event(23, body);
  const Event event = log.framer.open(bytes);
  std::string unpacked;
  RowsCursor cursor(parse_rows(event, log.framer, unpacked), event.header, decoder);
  TableChanges changes(table.database, table.name, table.schema);
  EXPECT_FALSE(cursor.append_to(changes, SIZE_MAX));
  EXPECT_EQ(changes.rows.size(), table::Batch::kCapacity);
  changes.clear();
  EXPECT_FALSE(cursor.append_to(changes, 1));  // a row is never cut
  EXPECT_EQ(changes.rows.size(), 1U);
  EXPECT_TRUE(cursor.append_to(changes, SIZE_MAX));
  EXPECT_EQ(changes.after.int_at(0, changes.rows.back().after), 2999);
}

TEST(TableMap, metadata_of_mysql_and_mariadb_tells_signs_names_and_keys) {
  // year, int, decimal, blob, geometry, varchar, enum, set
  const std::string types = "\x0d\x03\xf6\xfc\xff\x0f\xfe\xfe";
  const std::string metadata = std::string("\x04\x02\x02\x04\x50\x00\xf7\x01\xf8\x01", 10);
  const auto field = [](int kind, std::string_view value) {
    return LogBytes().little(static_cast<std::uint64_t>(kind), 1).counted(value).bytes;
  };
  const std::string common = field(4, std::string("\x01y\x01i\x01\x64\x01\x62\x01g\x01v\x01\x65\x01s", 16)) +
                             field(5, std::string("\x02\x01x\x01y", 5)) + field(6, std::string("\x01\x03one", 5)) +
                             field(7, "\x01") + field(8, std::string("\x01\x05", 2)) + field(10, std::string("\x2d\x01\x08", 3)) +
                             field(12, "\xff");
  // MariaDB: year counts as a number, geometry as a text.
  Log maria;
  const std::string maria_map =
      test::log_table_map("shop", "t", types, metadata, field(1, "\xc0") + field(2, std::string("\x3f\x02\x08", 3)) + common);
  const TableMap first = parse_table_map(maria.framer.open(maria_map), maria.framer);
  EXPECT_EQ(first.table, "t");
  EXPECT_TRUE(*first.columns[0].is_unsigned);
  EXPECT_TRUE(*first.columns[1].is_unsigned);
  EXPECT_FALSE(*first.columns[2].is_unsigned);
  EXPECT_FALSE(first.columns[5].is_unsigned.has_value());
  EXPECT_EQ(first.columns[3].collation, 63U);
  EXPECT_EQ(first.columns[4].collation, 63U);
  EXPECT_EQ(first.columns[5].collation, 8U);
  EXPECT_EQ(first.columns[5].name, "v");
  EXPECT_EQ(first.columns[6].type, LogType::kEnum);
  EXPECT_THAT(first.columns[6].labels, ElementsAre("one"));
  EXPECT_THAT(first.columns[7].labels, ElementsAre("x", "y"));
  EXPECT_EQ(first.columns[6].collation, 45U);
  EXPECT_EQ(first.columns[7].collation, 8U);
  EXPECT_THAT(first.primary_key, ElementsAre(1U, 5U));
  // MySQL: neither does.
  Log mysql("8.0.36");
  const std::string mysql_map =
      test::log_table_map("shop", "t", types, metadata, field(1, "\x80") + field(3, std::string("\x3f\x08", 2)) + common);
  const TableMap second = parse_table_map(mysql.framer.open(mysql_map), mysql.framer);
  EXPECT_FALSE(second.columns[0].is_unsigned.has_value());
  EXPECT_TRUE(*second.columns[1].is_unsigned);
  EXPECT_EQ(second.columns[3].collation, 63U);
  EXPECT_FALSE(second.columns[4].collation.has_value());
  EXPECT_EQ(second.columns[5].collation, 8U);
}

TEST(TableMap, every_cut_is_corrupt_or_has_less_metadata) {
  const std::string optional =
      LogBytes().little(1, 1).counted("\x80").little(4, 1).counted(std::string("\x02id\x04name\x05price", 14)).bytes;
  const std::string whole = item_map(optional).substr(19);
  Log log;
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const std::string map = test::log_event(19, whole.substr(0, size));
    const std::size_t without = whole.size() - optional.size();
    if (size == without || size == without + 3) {
      EXPECT_EQ(parse_table_map(log.framer.open(map), log.framer).columns.size(), 3U);
    } else {
      EXPECT_THAT(fault_of(ErrorCode::kCorrupt, [&] { parse_table_map(log.framer.open(map), log.framer); }),
                  HasSubstr("is damaged"))
          << size;
    }
  }
}

TEST(TableMap, types_that_are_not_known_are_refused) {
  Log log;
  EXPECT_THAT(fault_of(ErrorCode::kContract,
                       [&] { parse_table_map(log.framer.open(test::log_table_map("s", "t", "\x14", "")), log.framer); }),
              HasSubstr("a column of the type 20, which is not known here"));
}

TEST(RowPlan, another_table_than_described_is_a_reason) {
  Log log;
  BinlogTable table = item_table();
  const auto reason = [&](const BinlogTable& described, std::string_view optional = {}) {
    const std::string map = item_map(optional);
    const Result<RowPlan> plan = plan_rows(parse_table_map(log.framer.open(map), log.framer), described);
    return plan ? std::string("the same table") : plan.reason();
  };
  EXPECT_EQ(reason(table), "the same table");
  const std::string names = LogBytes().little(4, 1).counted(std::string("\x02id\x05title\x05price", 15)).bytes;
  EXPECT_THAT(reason(table, names),
              HasSubstr("table shop.item: column name (varchar(20)) is another in the binary log: it is named title there"));
  table.descriptions[2].scale = 1;
  EXPECT_THAT(reason(table), HasSubstr("it is decimal(4,2) there"));
  table = item_table();
  table.descriptions[0].data_type = "bigint";
  EXPECT_THAT(reason(table), HasSubstr("it is of type 3 there"));
  table.descriptions.pop_back();
  EXPECT_THAT(reason(table), HasSubstr("the binary log shows 3 columns, its description has 2"));
}

TEST(RowPlan, types_without_a_way_are_refused_by_name) {
  Log log;
  const BinlogTable table = make_binlog_table("shop", "t", {column("v", "vector", "vector(3)")});
  const std::string map = test::log_table_map("shop", "t", "\xf2", "\x04");
  EXPECT_THAT(fault_of(ErrorCode::kContract, [&] { (void)plan_rows(parse_table_map(log.framer.open(map), log.framer), table); }),
              HasSubstr("table shop.t: column v is of type vector, whose changes cannot be read"));
  const std::string odd = test::log_table_map("shop", "t", "\xfc", "\x09");
  const BinlogTable blob = make_binlog_table("shop", "t", {column("b", "blob")});
  EXPECT_THAT(fault_of(ErrorCode::kCorrupt, [&] { (void)plan_rows(parse_table_map(log.framer.open(odd), log.framer), blob); }),
              HasSubstr("column b has an impossible size"));
}

TEST(RowCells, json_of_mysql_comes_as_text) {
  Log mysql("8.0.36");
  const BinlogTable table = make_binlog_table("shop", "t", {column("id", "int"), column("j", "json")});
  const std::string map = test::log_table_map("shop", "t", "\x03\xf5", "\x04");
  // {"a": true}
  const std::string document = std::string("\x00\x01\x00\x0c\x00\x0b\x00\x01\x00\x04\x01\x00\x61", 13);
  const std::string row = LogBytes().little(0, 1).little(1, 4).little(document.size(), 4).text(document).bytes;
  const std::string body = head(2).substr(0, 8) + std::string("\x02\0", 2) + head(2).substr(8) + row;
  EXPECT_THAT(mysql.read(map, table, test::log_event(30, body)), ElementsAre("1|{\"a\": true}"));
}

TEST(RowCells, signs_come_from_the_log_before_the_description) {
  Log log;
  const BinlogTable table = make_binlog_table("shop", "t", {column("n", "smallint", "smallint(6)")});
  const std::string row = test::log_event(23, head(1) + std::string("\0\xff\xff", 3));
  EXPECT_THAT(log.read(test::log_table_map("shop", "t", "\x02", ""), table, row), ElementsAre("-1"));
  EXPECT_THAT(log.read(test::log_table_map("shop", "t", "\x02", "", std::string("\x01\x01\x80", 3)), table, row),
              ElementsAre("65535"));
  const BinlogTable described = make_binlog_table("shop", "t", {column("n", "smallint", "smallint(5) unsigned")});
  EXPECT_THAT(log.read(test::log_table_map("shop", "t", "\x02", ""), described, row), ElementsAre("65535"));
}

TEST(RowCells, values_without_a_label_are_told) {
  Log log;
  const BinlogTable table = make_binlog_table("shop", "t", {column("e", "enum", "enum('a','b')", {}, {}, "utf8mb4")});
  const std::string map = test::log_table_map("shop", "t", "\xfe", "\xf7\x01");
  EXPECT_THAT(log.read(map, table, test::log_event(23, head(1) + std::string("\0\2\0\0", 4))), ElementsAre("b", ""));
  EXPECT_THAT(
      fault_of(ErrorCode::kContract, [&] { log.read(map, table, test::log_event(23, head(1) + std::string("\0\3", 2))); }),
      HasSubstr("table shop.t: column e holds a value without a label (of 2 labels)"));
}

TEST(RowCells, digits_that_are_none_are_corrupt) {
  Log log;
  const BinlogTable table = make_binlog_table("shop", "t", {column("d", "decimal", "decimal(4,2)", 4, 2)});
  const std::string map = test::log_table_map("shop", "t", "\xf6", "\x04\x02");
  EXPECT_THAT(log.read(map, table, test::log_event(23, head(1) + std::string("\0\x73\xdd", 3))), ElementsAre("-12.34"));
  EXPECT_THAT(
      fault_of(ErrorCode::kCorrupt, [&] { log.read(map, table, test::log_event(23, head(1) + std::string("\0\xff\xff", 3))); }),
      HasSubstr("a decimal with digits that are none"));
}

TEST(RowCells, ids_and_addresses_get_their_zeros_back) {
  Log log;
  const BinlogTable table = make_binlog_table("shop", "t", {column("u", "uuid"), column("a", "inet4"), column("b", "inet6")});
  const std::string map = test::log_table_map("shop", "t", "\xfe\xfe\xfe", std::string("\xfe\x10\xfe\x04\xfe\x10", 6));
  const std::string swapped = std::string("\x42\x66\x55\x44\x00\x00\xa4\x56\x12\xd3\xe8\x9b\x12\x3e\x45\x67", 16);
  const std::string plain = std::string("\x01\x89\x0a\x5d\xac\x96\x77\x4b\xbc\xce\xb3\x02\x09\x9a\x80\x57", 16);
  const std::string rows = LogBytes().little(0, 1).counted(swapped).counted("\x0a").counted("\xfe\x80").bytes +
                           LogBytes().little(0, 1).counted(plain).counted("").counted(std::string(15, '\0') + "\1").bytes;
  EXPECT_THAT(
      log.read(map, table, test::log_event(23, head(3) + rows)),
      ElementsAre("123e4567-e89b-12d3-a456-426655440000|10.0.0.0|fe80::", "01890a5d-ac96-774b-bcce-b302099a8057|0.0.0.0|::1"));
  EXPECT_THAT(fault_of(ErrorCode::kCorrupt,
                       [&] {
                         log.read(map, table,
                                  test::log_event(23, head(3) + LogBytes().little(0, 1).counted(std::string(17, 'x')).bytes));
                       }),
              HasSubstr("an address or id that is too long"));
}

TEST(BinlogTable, labels_are_read_from_the_definition) {
  EXPECT_THAT(parse_labels("enum('a','it''s','C\\\\d','(x)','')"), ElementsAre("a", "it's", "C\\d", "(x)", ""));
  EXPECT_THAT(parse_labels("set('x')"), ElementsAre("x"));
  EXPECT_THAT(parse_labels("int(11)"), testing::IsEmpty());
  EXPECT_THAT(parse_labels("enum('open"), ElementsAre("open"));
}

}  // namespace
}  // namespace lodestone::sources
