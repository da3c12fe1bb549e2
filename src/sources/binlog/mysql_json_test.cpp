#include "sources/binlog/mysql_json.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bit>

#include "base/error.hpp"
#include "sources/binlog/byte_reader.hpp"
#include "tests/support/log_bytes.hpp"

namespace lodestone::sources {
namespace {

using test::LogBytes;
using testing::HasSubstr;

/// A value to store: its type, and its bytes, which stand in the entry itself when they fit there.
struct Stored {
  int type;
  std::string bytes;
  bool is_inlined = false;
};

struct Member {
  std::string key;
  Stored value;
};

/// An object, or an array when `has_keys` says so, with 2-byte or 4-byte offsets.
Stored container(const std::vector<Member>& members, bool has_keys, int width = 2) {
  const auto n = members.size();
  const auto head = static_cast<std::size_t>(2 * width) + n * static_cast<std::size_t>(width + 1 + (has_keys ? width + 2 : 0));
  std::string tail;
  LogBytes keys, values;
  if (has_keys) {
    for (const Member& member : members) {
      keys.little(head + tail.size(), width).little(member.key.size(), 2);
      tail += member.key;
    }
  }
  for (const Member& member : members) {
    values.little(static_cast<std::uint64_t>(member.value.type), 1);
    if (member.value.is_inlined) {
      std::string bytes = member.value.bytes;
      bytes.resize(static_cast<std::size_t>(width), '\0');
      values.text(bytes);
    } else {
      values.little(head + tail.size(), width);
      tail += member.value.bytes;
    }
  }
  LogBytes out;
  out.little(n, width).little(head + tail.size(), width).text(keys.bytes).text(values.bytes).text(tail);
  return {(has_keys ? 0 : 2) + (width == 4 ? 1 : 0), out.bytes};
}

Stored literal(int value) { return {4, LogBytes().little(static_cast<std::uint64_t>(value), 1).bytes, true}; }
Stored text(std::string_view value) { return {12, LogBytes().counted(value).bytes}; }
Stored number(double value) { return {11, LogBytes().little(std::bit_cast<std::uint64_t>(value), 8).bytes}; }
Stored opaque(int type, std::string_view data) {
  return {15, LogBytes().little(static_cast<std::uint64_t>(type), 1).counted(data).bytes};
}

std::string json_of(const Stored& value) {
  const EventHeader header{.type = EventType::kWriteRows};
  std::string out;
  append_mysql_json(std::string(1, static_cast<char>(value.type)) + value.bytes, header, out);
  return out;
}

std::string fault_of(std::string_view document) {
  const EventHeader header{.type = EventType::kWriteRows};
  std::string out;
  try {
    append_mysql_json(document, header, out);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kCorrupt);
    return error.message();
  }
  return "nothing was thrown";
}

Stored sample() {
  return container({{"a", {5, LogBytes().little(0xfffb, 2).bytes, true}},
                    {"bb", container({{"", literal(1)}, {"", literal(0)}, {"", text("q\"\\\n\x01天")}}, false)},
                    {"", container({}, true)}},
                   true);
}

TEST(MysqlJson, containers_come_as_text) {
  EXPECT_EQ(json_of(sample()), "{\"a\": -5, \"bb\": [true, null, \"q\\\"\\\\\\n\\u0001天\"], \"\": {}}");
  EXPECT_EQ(json_of(container({}, false)), "[]");
  EXPECT_EQ(json_of(literal(2)), "false");
  const std::string inlined = LogBytes().little(70'000, 4).bytes;
  EXPECT_EQ(json_of(container({{"k", {7, inlined, true}}, {"l", {8, LogBytes().little(4'000'000'000, 4).bytes, true}}}, true, 4)),
            "{\"k\": 70000, \"l\": 4000000000}");
  EXPECT_EQ(json_of(container({{"", {7, inlined}}, {"", {9, LogBytes().little(UINT64_MAX, 8).bytes}}}, false)), "[70000, -1]");
  EXPECT_EQ(json_of({10, LogBytes().little(UINT64_MAX, 8).bytes}), "18446744073709551615");
  EXPECT_EQ(json_of({6, LogBytes().little(65535, 2).bytes}), "65535");
}

TEST(MysqlJson, numbers_read_as_mysql_writes_them) {
  EXPECT_EQ(json_of(number(1.0)), "1.0");
  EXPECT_EQ(json_of(number(0.1)), "0.1");
  EXPECT_EQ(json_of(number(-1e300)), "-1e300");
  EXPECT_EQ(json_of(number(1.5e-7)), "1.5e-7");
}

TEST(MysqlJson, values_of_sql_types_come_as_mysql_shows_them) {
  EXPECT_EQ(json_of(opaque(246, LogBytes().little(4, 1).little(2, 1).little(0x8c, 1).little(0x22, 1).bytes)), "12.34");
  const std::uint64_t day = (2026 * 13 + 2) << 5 | 28;
  const std::uint64_t clock = 1 << 12 | 2 << 6 | 3;
  EXPECT_EQ(json_of(opaque(12, LogBytes().little((day << 17 | clock) << 24 | 4, 8).bytes)), "\"2026-02-28 01:02:03.000004\"");
  EXPECT_EQ(json_of(opaque(10, LogBytes().little(day << 41, 8).bytes)), "\"2026-02-28\"");
  EXPECT_EQ(json_of(opaque(11, LogBytes().little(clock << 24, 8).bytes)), "\"01:02:03.000000\"");
  EXPECT_EQ(json_of(opaque(11, LogBytes().little(0 - (clock << 24), 8).bytes)), "\"-01:02:03.000000\"");
  EXPECT_EQ(json_of(opaque(15, "any")), "\"base64:type15:YW55\"");
  EXPECT_EQ(json_of(opaque(15, "ab")), "\"base64:type15:YWI=\"");
  EXPECT_EQ(json_of(opaque(15, "a")), "\"base64:type15:YQ==\"");
}

TEST(MysqlJson, a_text_may_be_longer_than_one_byte_of_length_says) {
  const std::string long_text(300, 'x');
  EXPECT_EQ(json_of({12, LogBytes().little(0x80 | (300 & 0x7f), 1).little(300 >> 7, 1).text(long_text).bytes}),
            "\"" + long_text + "\"");
}

TEST(MysqlJson, an_empty_value_is_null) {
  const EventHeader header;
  std::string out;
  append_mysql_json("", header, out);
  EXPECT_EQ(out, "null");
}

TEST(MysqlJson, damage_is_an_error_at_every_byte) {
  const Stored whole = sample();
  const std::string document = std::string(1, static_cast<char>(whole.type)) + whole.bytes;
  for (std::size_t size = 1; size < document.size(); ++size)
    EXPECT_THAT(fault_of(document.substr(0, size)), HasSubstr("is damaged")) << size;
  const EventHeader header;
  for (std::size_t at = 0; at < document.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string damaged = document;
      damaged[at] = static_cast<char>(damaged[at] ^ 1 << bit);
      std::string out;
      try {
        append_mysql_json(damaged, header, out);  // may still be a document
      } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::kCorrupt);
      }
    }
  }
  EXPECT_THAT(fault_of("\x0e"), HasSubstr("a JSON value of the unknown type 14"));
  EXPECT_THAT(fault_of(std::string("\x04\x07", 2)), HasSubstr("a JSON literal that is none"));
  EXPECT_THAT(fault_of(std::string("\x0b\0\0\0\0\0\0\xf0\x7f", 9)), HasSubstr("a JSON number that is none"));
  EXPECT_THAT(fault_of("\x0c\xff\xff\xff\xff\xff"), HasSubstr("a JSON text of an impossible length"));
}

TEST(MysqlJson, a_document_that_contains_itself_ends) {
  // An array of 100 arrays that all are the array itself.
  LogBytes bytes;
  bytes.little(100, 2).little(304, 2);
  for (int i = 0; i < 100; ++i) bytes.little(2, 1).little(0, 2);
  EXPECT_THAT(fault_of("\x02" + bytes.bytes), HasSubstr("is damaged"));
}

TEST(MysqlJson, nesting_ends_at_mysqls_limit) {
  Stored deep = container({}, false);
  for (int i = 0; i < 100; ++i) deep = container({{"", deep}}, false);
  EXPECT_EQ(json_of(deep).size(), 202U);
  deep = container({{"", deep}}, false);
  EXPECT_THAT(fault_of("\x02" + deep.bytes), HasSubstr("nested deeper than 100"));
}

}  // namespace
}  // namespace lodestone::sources
