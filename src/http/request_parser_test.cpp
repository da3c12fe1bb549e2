#include "http/request_parser.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace lodestone::http {
namespace {

using namespace std::string_literals;
using State = RequestParser::State;

/// Status of the refusal of a text, 0 when it is a complete request, -1 when more is needed.
int status_of(const std::string& text) {
  RequestParser parser{Limits{}};
  std::size_t at = 0;
  for (;;) {
    const auto fed = parser.feed(std::string_view(text).substr(at));
    at += fed.consumed;
    if (fed.state == State::kRefused) return parser.refusal().status;
    if (fed.state == State::kComplete) return 0;
    if (fed.consumed == 0 || at == text.size()) return -1;
  }
}

TEST(RequestParser, gives_the_request) {
  RequestParser parser{Limits{}};
  const std::string text =
      "POST /models/reload?x=1 HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer t\r\ncontent-type: application/json\r\n"
      "x-request-id: req_12345678\r\nIf-None-Match: W/\"1\"\r\nContent-Length: 2\r\n\r\n{}GET";
  const auto fed = parser.feed(text);
  EXPECT_EQ(fed.state, State::kComplete);
  EXPECT_EQ(fed.consumed, text.size() - 3);
  EXPECT_EQ(parser.request().method, Method::kPost);
  EXPECT_EQ(parser.request().target, "/models/reload?x=1");
  EXPECT_EQ(parser.request().authorization, "Bearer t");
  EXPECT_EQ(parser.request().content_type, "application/json");
  EXPECT_EQ(parser.request().request_id, "req_12345678");
  EXPECT_EQ(parser.request().if_none_match, "W/\"1\"");
  EXPECT_EQ(parser.request().body, "{}");
  EXPECT_TRUE(parser.request().keep_alive);
}

/// The body after feeding the text in reads that end every `step` bytes, "?" when it does not become complete.
std::string body_in_steps(const std::string& text, std::size_t step) {
  RequestParser parser{Limits{}};
  std::size_t at = 0;
  for (std::size_t end = std::min(step, text.size());; end = std::min(end + step, text.size())) {
    for (;;) {
      const auto fed = parser.feed(std::string_view(text).substr(at, end - at));
      at += fed.consumed;
      if (fed.state == State::kComplete) return parser.request().body;
      if (fed.state == State::kRefused) return "refused: " + std::string(parser.refusal().detail);
      if (fed.consumed == 0 || at == end) break;
    }
    if (end == text.size()) return "?";
  }
}

TEST(RequestParser, takes_any_partition_of_the_bytes) {
  const std::string head = "\r\nPOST /p HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
  const std::string chunked = head + "3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nT: v\r\n\r\n";
  const std::string empty = head + "0\r\n\r\n";
  const std::string plain = "POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nabcde";
  for (std::size_t step = 1; step <= chunked.size(); ++step) {
    EXPECT_EQ(body_in_steps(chunked, step), "abcde") << step;
    EXPECT_EQ(body_in_steps(empty, step), "") << step;
    EXPECT_EQ(body_in_steps(plain, step), "abcde") << step;
  }
}

TEST(RequestParser, refuses_smuggling_shapes) {
  EXPECT_EQ(status_of("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx"), 400);
  EXPECT_EQ(status_of("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx"), 400);
  EXPECT_EQ(status_of("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1, 1\r\n\r\nx"), 400);
  EXPECT_EQ(status_of("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\nx"), 400);
  EXPECT_EQ(status_of("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x1\r\n\r\nx"), 400);
  EXPECT_EQ(status_of("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\nx"), 400);
  EXPECT_EQ(status_of("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\nx"), 400);
  EXPECT_EQ(status_of("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\nx"), 400);
  EXPECT_EQ(status_of("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\nx"), 400);
  EXPECT_EQ(status_of("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n"), 501);
  EXPECT_EQ(status_of("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n"), 400);
  EXPECT_EQ(status_of("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), 400);
  EXPECT_EQ(status_of("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"), 400);
  EXPECT_EQ(status_of("GET / HTTP/1.1\r\nHost : a\r\n\r\n"), 400);
  EXPECT_EQ(status_of("GET / HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n"), 400);
  for (const char* folded :
       {"X: a\r\n b", "X: a\r\n\tb", "X:\r\n b", "X: \r\n \r\n b", "X: a\r\n ", "X:\r\n ", "Content-Length:\r\n 1"}) {
    EXPECT_EQ(status_of("GET / HTTP/1.1\r\nHost: a\r\n" + std::string(folded) + "\r\n\r\nx"), 400) << folded;
    EXPECT_EQ(
        status_of("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n" + std::string(folded) + "\r\n\r\n"),
        400);
  }
  EXPECT_EQ(status_of("GET / HTTP/1.1\r\nHost: a\r\nX:\r\nY: \t \r\nZ:b\r\n\r\n"), 0);
  EXPECT_EQ(status_of("GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n"), 400);
  EXPECT_EQ(status_of("GET / HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n"s), 400);
}

TEST(RequestParser, refuses_malformed_requests) {
  EXPECT_EQ(status_of("GET / HTTP/1.1\r\n\r\n"), 400);  // no Host
  EXPECT_EQ(status_of("GET / HTTP/1.0\r\n\r\n"), 0);    // HTTP/1.0 needs none
  EXPECT_EQ(status_of("GET / HTTP/2.0\r\nHost: a\r\n\r\n"), 505);
  EXPECT_EQ(status_of("GET  / HTTP/1.1\r\nHost: a\r\n\r\n"), 400);
  EXPECT_EQ(status_of("GET /a b HTTP/1.1\r\nHost: a\r\n\r\n"), 505);
  EXPECT_EQ(status_of("GET /\0 HTTP/1.1\r\nHost: a\r\n\r\n"s), 400);
  EXPECT_EQ(status_of("\x16\x03\x01\x02\x00\x01"), 400);  // TLS to a plain port
  EXPECT_EQ(status_of("GET / HTTP/1.1\r\nHost: a\r\nExpect: money\r\n\r\n"), 400);
}

TEST(RequestParser, keeps_its_limits) {
  const std::string head = "GET / HTTP/1.1\r\nHost: a\r\n";
  EXPECT_EQ(status_of(head + "X: " + std::string(8'000, 'x') + "\r\n\r\n"), 0);
  EXPECT_EQ(status_of(head + "X: " + std::string(9'000, 'x') + "\r\n\r\n"), 431);
  EXPECT_EQ(status_of(head + "X: " + std::string(90'000, 'x')), 431);
  std::string many = head;
  for (int i = 0; i < 2'000; ++i) many += "A: b\r\n";
  EXPECT_EQ(status_of(many + "\r\n"), 431);
  EXPECT_EQ(status_of("GET /" + std::string(4'095, 'x') + " HTTP/1.1\r\nHost: a\r\n\r\n"), 0);
  EXPECT_EQ(status_of("GET /" + std::string(4'096, 'x') + " HTTP/1.1\r\nHost: a\r\n\r\n"), 414);
  EXPECT_EQ(status_of("GET /" + std::string(100'000, 'x')), 414);
  EXPECT_EQ(status_of("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1048577\r\n\r\n"), 413);
  EXPECT_EQ(status_of("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n100001\r\n"), 413);
  const std::string chunk = "80000\r\n" + std::string(0x80000, 'x') + "\r\n";
  EXPECT_EQ(status_of("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk + chunk + "1\r\nx\r\n0\r\n\r\n"),
            413);
}

}  // namespace
}  // namespace lodestone::http
