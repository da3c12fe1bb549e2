#include "base/json.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "base/error.hpp"

namespace lodestone::json {
namespace {

using ::testing::HasSubstr;

std::string sentence_of(const std::string& text) {
  try {
    parse(text, "request");
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kCorrupt);
    return error.message();
  }
  return "";
}

TEST(Json, round_trips_every_kind_of_value) {
  const std::string text = R"({"a":null,"b":[true,false,1,-2.5,"x\n\"y\""],"c":{"d":9223372036854775807}})";
  EXPECT_EQ(format(parse(text, "t")), text);
}

TEST(Json, keeps_64_bit_integers_apart_from_doubles) {
  const Value value = parse("[9007199254740993, 1.0, 18446744073709551615]", "t");
  const Array& array = *value.as_array();
  ASSERT_NE(array[0].as_int(), nullptr);
  EXPECT_EQ(*array[0].as_int(), 9007199254740993);
  EXPECT_EQ(array[1].as_int(), nullptr);
  EXPECT_EQ(*array[2].as_number(), 18446744073709551615.0);
}

TEST(Json, takes_an_integer_however_it_is_written) {
  const auto integer = [](std::string_view text) { return parse(text, "t").as_integer(); };
  for (const char* twelve : {"12", "12.0", "1.2e1", "120E-1"}) EXPECT_EQ(integer(twelve), 12) << twelve;
  EXPECT_EQ(integer("-3.0"), -3);
  EXPECT_EQ(integer("-0.0"), 0);
  EXPECT_EQ(integer("9223372036854775807"), 9223372036854775807);
  EXPECT_EQ(integer("9007199254740992.0"), 9007199254740992);
  for (const char* none : {"12.5", "9007199254740994.0", "1e300", "9223372036854775808", "\"12\"", "null", "true", "[12]"})
    EXPECT_EQ(integer(none), std::nullopt) << none;
}

TEST(Json, finds_members_and_misses_politely) {
  const Value value = parse(R"({"a":{"b":1}})", "t");
  ASSERT_NE(value.find("a"), nullptr);
  EXPECT_NE(value.find("a")->find("b"), nullptr);
  EXPECT_EQ(value.find("x"), nullptr);
  EXPECT_EQ(parse("3", "t").find("a"), nullptr);
}

TEST(Json, refuses_malformed_text_with_the_offset) {
  EXPECT_THAT(sentence_of("{\"a\":}"), HasSubstr("request: no valid JSON at byte 5"));
  EXPECT_THAT(sentence_of(""), HasSubstr("no valid JSON"));
  EXPECT_THAT(sentence_of("[1,2"), HasSubstr("no valid JSON"));
  EXPECT_THAT(sentence_of("[1] x"), HasSubstr("text after the JSON document"));
  EXPECT_THAT(sentence_of("\"\xff\""), HasSubstr("no valid JSON"));
  EXPECT_THAT(sentence_of("NaN"), HasSubstr("no valid JSON"));
}

TEST(Json, refuses_equal_keys_and_deep_nesting) {
  EXPECT_THAT(sentence_of(R"({"a":1,"a":2})"), HasSubstr("key \"a\" occurs twice"));
  EXPECT_THAT(sentence_of(std::string(65, '[') + std::string(65, ']')), HasSubstr("no valid JSON"));
  EXPECT_EQ(sentence_of(std::string(64, '[') + std::string(64, ']')), "");
}

TEST(Json, escapes_control_bytes_and_repairs_broken_utf8) {
  std::string out;
  append_string(out, std::string_view("\x01\x1f\t\"\\/\x7f", 7));
  EXPECT_EQ(out, "\"\\u0001\\u001f\\t\\\"\\\\/\x7f\"");
  out.clear();
  append_string(out, "数据\xff\xc0\xaf \xed\xa0\x80!");
  EXPECT_EQ(out, "\"数据\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD \xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD!\"");
  EXPECT_NO_THROW(parse(out, "t"));
}

TEST(Json, writes_shortest_numbers_and_null_for_what_is_no_number) {
  std::string out;
  append_number(out, 0.1);
  out += ' ';
  append_number(out, std::numeric_limits<double>::quiet_NaN());
  out += ' ';
  append_number(out, std::int64_t{-5});
  EXPECT_EQ(out, "0.1 null -5");
}

TEST(Json, writer_places_commas) {
  std::string out;
  Writer writer(out);
  writer.begin_object().key("a").begin_array().value(1).value("x").end_array().key("b").begin_object().end_object();
  writer.key("c").boolean(true).key("d").null().key("e").value(1.5).end_object();
  EXPECT_EQ(out, R"({"a":[1,"x"],"b":{},"c":true,"d":null,"e":1.5})");
}

TEST(Json, indents_for_people) {
  EXPECT_EQ(format(parse(R"({"a":[1],"b":{}})", "t"), 2), "{\n  \"a\": [\n    1\n  ],\n  \"b\": {}\n}");
}

}  // namespace
}  // namespace lodestone::json
