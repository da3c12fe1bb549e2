#include "cache/resp_parser.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lodestone::cache {
namespace {

using Kind = RespValue::Kind;

/// All replies in a text, as the parser reads them in pieces of `step` bytes; ends with "broken: why" when it breaks.
std::string read_all(std::string_view text, std::size_t step, RespParser parser = RespParser()) {
  std::string out;
  const auto write = [&out](const auto& self, const RespValue& value) -> void {
    switch (value.kind) {
      case Kind::kNull: out += "null"; break;
      case Kind::kText: out += '"' + value.text + '"'; break;
      case Kind::kError: out += "error " + value.text; break;
      case Kind::kInteger: out += std::to_string(value.integer); break;
      case Kind::kArray:
        out += '[';
        for (const RespValue& item : value.items) {
          self(self, item);
          out += ' ';
        }
        out += ']';
        break;
    }
  };
  for (std::size_t at = 0; at < text.size(); at += step) {
    std::string_view piece = text.substr(at, step);
    while (!piece.empty()) {
      const RespParser::Fed fed = parser.feed(piece);
      piece.remove_prefix(fed.consumed);
      if (fed.state == RespParser::State::kBroken) return out + "broken: " + std::string(parser.problem());
      if (fed.state == RespParser::State::kNeedMore) break;
      write(write, parser.take());
      out += ';';
    }
  }
  return out;
}

constexpr std::string_view kReplies =
    "+OK\r\n-ERR no\r\n:-42\r\n$5\r\nhe\r\no\r\n$0\r\n\r\n$-1\r\n*-1\r\n*0\r\n*3\r\n$1\r\na\r\n*2\r\n:1\r\n$-1\r\n+x\r\n";
constexpr std::string_view kRead = R"("OK";error ERR no;-42;"he
o";"";null;null;[];["a" [1 null ] "x" ];)";

TEST(RespParser, reads_every_kind_of_reply_however_the_bytes_are_cut) {
  for (std::size_t step = 1; step <= kReplies.size(); ++step) {
    std::string read = read_all(kReplies, step);
    std::erase(read, '\r');
    EXPECT_EQ(read, kRead) << "in pieces of " << step;
  }
}

TEST(RespParser, refuses_what_no_redis_sends) {
  EXPECT_EQ(read_all("HTTP/1.1 400 Bad Request\r\n", 7), "broken: a reply begins with none of + - : $ *");
  EXPECT_EQ(read_all("%1\r\n+a\r\n+b\r\n", 7), "broken: a reply begins with none of + - : $ *");
  EXPECT_EQ(read_all("+OK\n", 9), "broken: a line does not end in CR LF");
  EXPECT_EQ(read_all("\r\n", 9), "broken: a line does not end in CR LF");
  EXPECT_EQ(read_all(":12x\r\n", 9), "broken: an integer is none");
  EXPECT_EQ(read_all("$x\r\n", 9), "broken: the length of a text is no number");
  EXPECT_EQ(read_all("*\r\n", 9), "broken: the length of an array is no number");
  EXPECT_EQ(read_all("$-2\r\n", 64), "broken: the length of a text is no number");
  EXPECT_EQ(read_all("*-2\r\n", 64), "broken: the length of an array is no number");
  EXPECT_EQ(read_all("$2\r\nabcd", 9), "broken: a text does not end where its length says");
}

TEST(RespParser, is_bounded_in_depth_values_and_bytes) {
  std::string deep;
  for (int i = 0; i < 9; ++i) deep += "*1\r\n";
  EXPECT_EQ(read_all(deep, 64), "broken: arrays lie too deep in each other");
  EXPECT_EQ(read_all("$17000000\r\n", 64), "broken: a text is longer than this client takes");
  EXPECT_EQ(read_all("*99999999999\r\n", 64), "broken: an array is longer than this client takes");
  EXPECT_EQ(read_all("+" + std::string(70'000, 'x'), 4096), "broken: a line is too long");
  const RespParser small(RespParser::Limits{.values = 4, .bytes = 10});
  EXPECT_EQ(read_all("*2\r\n$6\r\nabcdef\r\n$6\r\nabcdef\r\n", 64, small), "broken: a text is longer than this client takes");
  EXPECT_EQ(read_all("*3\r\n*1\r\n:1\r\n*1\r\n:1\r\n*1\r\n:1\r\n", 64, small),
            "broken: a reply has more values than this client takes");
  EXPECT_EQ(read_all("*1\r\n$6\r\nabcdef\r\n*1\r\n$6\r\nabcdef\r\n", 64, small), "[\"abcdef\" ];[\"abcdef\" ];")
      << "limits are by reply";
}

TEST(RespParser, tells_what_is_too_large_from_what_is_no_reply) {
  const auto is_too_large = [](std::string_view bytes) {
    RespParser parser;
    EXPECT_EQ(parser.feed(bytes).state, RespParser::State::kBroken);
    return parser.is_too_large();
  };
  EXPECT_TRUE(is_too_large("*2\r\n$1\r\na\r\n$17000000\r\n"));
  EXPECT_TRUE(is_too_large("*99999999999\r\n"));
  EXPECT_FALSE(is_too_large("$-2\r\n"));
  EXPECT_FALSE(is_too_large("*-2\r\n"));
  EXPECT_FALSE(is_too_large("HTTP/1.1 400 Bad Request\r\n"));
}

TEST(RespParser, stays_broken) {
  RespParser parser;
  ASSERT_EQ(parser.feed("?\r\n").state, RespParser::State::kBroken);
  EXPECT_EQ(parser.feed("+OK\r\n").state, RespParser::State::kBroken);
}

}  // namespace
}  // namespace lodestone::cache
