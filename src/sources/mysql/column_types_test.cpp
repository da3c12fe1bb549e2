#include "sources/mysql/column_types.hpp"

#include <gtest/gtest.h>

#include "sources/mysql/binary_row.hpp"
#include "sources/mysql/connection.hpp"

namespace lodestone::sources {
namespace {

using table::ColumnType;

ColumnType type_of(const std::string& data_type, const std::string& column_type = "") {
  return map_column({"c", data_type, column_type, {}, {}}).type;
}

TEST(ColumnTypes, widen_unsigned_integers_only_where_they_need_it) {
  EXPECT_EQ(type_of("tinyint", "tinyint(1)"), ColumnType::kInt32);
  EXPECT_EQ(type_of("smallint", "smallint(5) unsigned"), ColumnType::kInt32);
  EXPECT_EQ(type_of("mediumint", "mediumint(8) unsigned"), ColumnType::kInt32);
  EXPECT_EQ(type_of("int", "int(11)"), ColumnType::kInt32);
  EXPECT_EQ(type_of("int", "int(10) unsigned"), ColumnType::kInt64);
  EXPECT_EQ(type_of("bigint", "bigint(20) unsigned"), ColumnType::kInt64);
}

TEST(ColumnTypes, know_the_rest_of_the_types) {
  EXPECT_EQ(type_of("year"), ColumnType::kInt32);
  EXPECT_EQ(type_of("bit", "bit(9)"), ColumnType::kInt64);
  EXPECT_EQ(type_of("float"), ColumnType::kDouble);
  EXPECT_EQ(type_of("double"), ColumnType::kDouble);
  EXPECT_EQ(type_of("date"), ColumnType::kDate);
  EXPECT_EQ(type_of("datetime"), ColumnType::kTimestamp);
  EXPECT_EQ(type_of("timestamp"), ColumnType::kTimestamp);
  for (const char* text : {"char", "varchar", "tinytext", "text", "mediumtext", "longtext", "enum", "set", "json", "time", "uuid",
                           "inet4", "inet6", "vector2"}) {
    EXPECT_EQ(type_of(text), ColumnType::kText) << text;
  }
  for (const char* bytes :
       {"binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob", "geometry", "point", "polygon"}) {
    EXPECT_EQ(type_of(bytes), ColumnType::kBytes) << bytes;
  }
}

TEST(ColumnTypes, keep_digits_of_decimals_up_to_38) {
  const table::Column price = map_column({"price", "decimal", "decimal(10,2)", 10, 2});
  EXPECT_EQ(price, (table::Column{"price", ColumnType::kDecimal, 10, 2}));
  EXPECT_EQ(map_column({"wide", "decimal", "decimal(38,3)", 38, 3}).type, ColumnType::kDecimal);
  EXPECT_EQ(map_column({"wider", "decimal", "decimal(39,3)", 39, 3}).type, ColumnType::kText);
}

TEST(BinaryRow, counts_dates_that_no_calendar_has_as_null) {
  table::Batch batch({{"at", ColumnType::kTimestamp}});
  BinaryRowDecoder decoder({{WireForm::kDateTime, ColumnType::kTimestamp}});
  decoder.set_batch(batch);
  std::vector<std::vector<unsigned char>> values = {{0},
                                                    {4, 0, 0, 0, 0},
                                                    {4, 0xea, 0x07, 2, 30},
                                                    {4, 0xea, 0x07, 2, 28},
                                                    {7, 0xea, 0x07, 2, 28, 1, 2, 3},
                                                    {11, 0xea, 0x07, 2, 28, 1, 2, 3, 4, 0, 0, 0}};
  for (auto& value : values) {
    unsigned char* at = value.data();
    decoder.append(0, &at);
    EXPECT_EQ(at, value.data() + value.size());
    batch.end_row();
  }
  EXPECT_EQ(decoder.n_zero_dates(), 3U);
  EXPECT_TRUE(batch.is_null(0, 0) && batch.is_null(0, 1) && batch.is_null(0, 2));
  constexpr std::int64_t kDay = 1'772'236'800'000'000;  // 2026-02-28
  EXPECT_EQ(batch.int_at(0, 3), kDay);
  EXPECT_EQ(batch.int_at(0, 4), kDay + 3'723'000'000);
  EXPECT_EQ(batch.int_at(0, 5), kDay + 3'723'000'004);
}

TEST(BinaryRow, reads_texts_of_every_length_form) {
  table::Batch batch({{"t", ColumnType::kText}});
  BinaryRowDecoder decoder({{WireForm::kText, ColumnType::kText}});
  decoder.set_batch(batch);
  for (const std::size_t n :
       {std::size_t{0}, std::size_t{250}, std::size_t{251}, std::size_t{65'535}, std::size_t{65'536}, std::size_t{70'000}}) {
    std::vector<unsigned char> value;
    if (n < 251) {
      value = {static_cast<unsigned char>(n)};
    } else if (n < 65'536) {
      value = {252, static_cast<unsigned char>(n & 255U), static_cast<unsigned char>(n >> 8U)};
    } else {
      value = {253, static_cast<unsigned char>(n & 255U), static_cast<unsigned char>(n >> 8U & 255U),
               static_cast<unsigned char>(n >> 16U)};
    }
    value.insert(value.end(), n, 'x');
    unsigned char* at = value.data();
    decoder.append(0, &at);
    EXPECT_EQ(at, value.data() + value.size());
    EXPECT_EQ(batch.text_at(0, batch.n_rows()).size(), n);
    batch.end_row();
  }
}

TEST(BinaryRow, tells_integers_beyond_int64) {
  table::Batch batch({{"n", ColumnType::kInt64}});
  BinaryRowDecoder decoder({{WireForm::kUint64, ColumnType::kInt64}});
  decoder.set_batch(batch);
  std::vector<unsigned char> largest(8, 0xff);
  largest[7] = 0x7f;
  unsigned char* at = largest.data();
  decoder.append(0, &at);
  EXPECT_EQ(decoder.overflow_column(), -1);
  largest.assign(8, 0xff);
  at = largest.data();
  decoder.append(0, &at);
  EXPECT_EQ(decoder.overflow_column(), 0);
  EXPECT_EQ(decoder.overflow_value(), UINT64_MAX);
}

TEST(Quoting, doubles_backticks_and_escapes_texts) {
  EXPECT_EQ(quoted_name("a`b"), "`a``b`");
  EXPECT_EQ(quoted_text("it's a \\"), "'it\\'s a \\\\'");
}

}  // namespace
}  // namespace lodestone::sources
