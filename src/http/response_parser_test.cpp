#include "http/response_parser.hpp"

#include <gtest/gtest.h>

namespace lodestone::http {
namespace {

/// "status body", "..." when more is needed, or "broken: why", as read in pieces of `step` bytes; with `closes` the connection ends then.
std::string read(std::string_view text, std::size_t step, bool closes = false, const ResponseParser::Limits& limits = {}) {
  ResponseParser parser(limits);
  ResponseParser::State state = ResponseParser::State::kNeedMore;
  for (std::size_t at = 0; at < text.size() && state != ResponseParser::State::kBroken; at += step)
    state = parser.feed(text.substr(at, step));
  if (closes) state = parser.end();
  if (state == ResponseParser::State::kBroken) return "broken: " + std::string(parser.problem());
  if (state == ResponseParser::State::kNeedMore) return "...";
  return std::to_string(parser.status()) + " " + parser.body() + (parser.keeps_alive() ? "" : " closes");
}

void expect_read(std::string_view text, std::string_view expected, bool closes = false) {
  for (std::size_t step = 1; step <= text.size(); ++step)
    ASSERT_EQ(read(text, step, closes), expected) << "in pieces of " << step;
}

TEST(ResponseParser, reads_bodies_of_every_kind_however_the_bytes_are_cut) {
  expect_read("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "200 hello");
  expect_read("HTTP/1.1 404 Not Found\r\ncontent-length:0\r\nConnection: Close\r\n\r\n", "404  closes");
  expect_read("HTTP/1.1 204 No Content\r\n\r\n", "204 ");
  expect_read("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx", "200 x");
  expect_read("HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n3;a=b\r\nhel\r\n2\r\nlo\r\n0\r\nX: y\r\n\r\n", "200 hello");
  expect_read("HTTP/1.0 200 OK\r\nServer: x\r\n\r\nhello", "200 hello closes", true);
}

TEST(ResponseParser, waits_for_the_rest) {
  EXPECT_EQ(read("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell", 7), "...");
  EXPECT_EQ(read("HTTP/1.1 200 OK\r\n\r\nhell", 7), "...");
}

TEST(ResponseParser, says_what_is_wrong) {
  EXPECT_EQ(read("+OK\r\n", 9), "broken: it does not begin with a status of HTTP/1.1");
  EXPECT_EQ(read("HTTP/1.1 OK\r\n", 99), "broken: it does not begin with a status of HTTP/1.1");
  EXPECT_EQ(read("HTTP/1.1 200 OK\n", 99), "broken: a line does not end in CR LF");
  EXPECT_EQ(read("HTTP/1.1 200 OK\r\n: x\r\n", 99), "broken: a header field has no name");
  EXPECT_EQ(read("HTTP/1.1 200 OK\r\nContent-Length: -1\r\n", 99), "broken: its length is no number");
  EXPECT_EQ(read("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n", 99), "broken: its length is no number");
  EXPECT_EQ(read("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n", 99), "broken: its transfer encoding is not chunked");
  EXPECT_EQ(read("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n", 99),
            "broken: it has a length and chunks");
  EXPECT_EQ(read("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n", 99), "broken: the length of a chunk is no number");
  EXPECT_EQ(read("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nxy\r\n", 99),
            "broken: a chunk does not end where its length says");
  EXPECT_EQ(read("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nxy", 99), "broken: there is more than was asked for");
  EXPECT_EQ(read("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell", 99, true), "broken: the connection ended inside the answer");
}

TEST(ResponseParser, is_bounded) {
  const ResponseParser::Limits limits{.head_bytes = 100, .body_bytes = 4};
  EXPECT_EQ(read("HTTP/1.1 200 " + std::string(200, 'x'), 9, false, limits), "broken: its head is longer than this client takes");
  const std::string_view too_long = "broken: its body is longer than this client takes";
  EXPECT_EQ(read("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", 9, false, limits), too_long);
  EXPECT_EQ(read("HTTP/1.1 200 OK\r\n\r\nhello", 9, false, limits), too_long);
  EXPECT_EQ(read("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n", 9, false, limits), too_long);
}

TEST(ResponseParser, begins_anew) {
  ResponseParser parser;
  ASSERT_EQ(parser.feed("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nConnection: close\r\n\r\nx"), ResponseParser::State::kDone);
  parser.begin();
  EXPECT_FALSE(parser.has_started());
  ASSERT_EQ(parser.feed("HTTP/1.1 201 OK\r\nContent-Length: 1\r\n\r\ny"), ResponseParser::State::kDone);
  EXPECT_EQ(parser.body(), "y");
  EXPECT_TRUE(parser.keeps_alive());
}

}  // namespace
}  // namespace lodestone::http
