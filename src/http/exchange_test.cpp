#include "http/exchange.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.hpp"
#include "base/json.hpp"
#include "http/parameters.hpp"
#include "http/problem.hpp"

namespace lodestone::http {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class ExchangeTest : public ::testing::Test {
 protected:
  ExchangeTest() {
    router.add(Method::kGet, "/echo/{text}", [](const Request& request, Response& response) {
      response.out() += "{\"text\":\"" + std::string(request.path_parameters[0].value) + "\"}";
      response.etag = 0x1234;
      response.more_headers = "Vary: X-API-Key\r\n";
    });
    router.add(Method::kPost, "/body", [](const Request& request, Response& response) { response.out() += request.body; });
    router.add(Method::kGet, "/id/{id}",
               [](const Request& request, Response& response) { response.out() += std::to_string(path_id(request, 0)); });
    router.add(Method::kGet, "/fail", [](const Request&, Response&) { fail(ErrorCode::kCorrupt, "secret path"); });
    router.add(Method::kGet, "/throw", [](const Request&, Response& response) {
      response.out() += "half an answer";
      throw std::runtime_error("secret");
    });
  }

  /// All that the exchange writes for a text.
  std::string talk(const std::string& text) {
    Exchange exchange(router, limits, thread);
    std::string written;
    std::size_t at = 0;
    for (;;) {
      std::size_t consumed = 0;
      last = exchange.take(std::string_view(text).substr(at), consumed);
      at += consumed;
      for (const std::string_view piece : exchange.pieces()) written += piece;
      exchange.clear_pieces();
      if (last != Exchange::Next::kWriteThenGoOn || (at == text.size())) return written;
    }
  }
  static std::string get(const std::string& target, const std::string& headers = "") {
    return "GET " + target + " HTTP/1.1\r\nHost: a\r\n" + headers + "\r\n";
  }
  static json::Value body(const std::string& answer) { return json::parse(answer.substr(answer.find("\r\n\r\n") + 4), "answer"); }

  Router router;
  Limits limits;
  ThreadState thread;
  Exchange::Next last = Exchange::Next::kRead;
};

TEST_F(ExchangeTest, a_gate_sees_each_request_and_may_answer_itself) {
  std::vector<std::string> seen;
  Gate gate;
  gate.headers = [](const Request& request) { return request.origin.empty() ? "" : "Vary: Origin\r\n"; };
  gate.admit = [&](const Request& request, Response& response, const std::string& pattern, const std::string& allow) {
    seen.push_back(pattern + " " + allow + " " + std::string(request.api_key));
    if (request.api_key == "good") return true;
    if (request.method == Method::kOptions) {
      response.status = 204;
    } else {
      answer_problem(response, 403, "no");
    }
    return false;
  };
  router.set_gate(gate);
  EXPECT_THAT(talk(get("/echo/a", "X-API-Key: good\r\nOrigin: x\r\n")),
              ::testing::AllOf(HasSubstr("200 OK"), HasSubstr("Vary: X-API-Key\r\nVary: Origin\r\n")));
  EXPECT_THAT(talk(get("/echo/a")), ::testing::AllOf(HasSubstr("403 Forbidden"), Not(HasSubstr("Vary: Origin"))));
  EXPECT_THAT(talk("OPTIONS /body HTTP/1.1\r\nHost: a\r\n\r\n"),
              ::testing::AllOf(HasSubstr("204 No Content"), Not(HasSubstr("\r\nContent-")), HasSubstr("\r\n\r\n")));
  EXPECT_THAT(talk(get("/nowhere", "Origin: x\r\n")), ::testing::AllOf(HasSubstr("404"), HasSubstr("Vary: Origin")));
  EXPECT_EQ(seen, (std::vector<std::string>{"/echo/{text} GET, HEAD good", "/echo/{text} GET, HEAD ", "/body POST "}));
}

TEST_F(ExchangeTest, a_refusal_under_load_carries_the_headers_of_every_answer_and_spares_preflights) {
  Gate gate;
  gate.headers = [](const Request& request) { return request.origin.empty() ? "" : "Access-Control-Allow-Origin: *\r\n"; };
  gate.admit = [](const Request& request, Response& response, const std::string&, const std::string&) {
    if (request.method == Method::kOptions) response.status = 204;
    return request.method != Method::kOptions;
  };
  router.set_gate(gate);
  // Delays that only grow, so that most requests are refused.
  const Shedder::Time start{};
  thread.shedder = Shedder(std::chrono::milliseconds(1));
  thread.shedder.restart(start);
  for (int i = 1; i <= 40; ++i) thread.shedder.note(start + std::chrono::milliseconds(60 * i), std::chrono::milliseconds(50 * i));
  ASSERT_GT(thread.shedder.share(), 0.5);
  int n_refused = 0;
  for (int i = 0; i < 10; ++i) {
    const std::string answer = talk(get("/echo/a", "Origin: https://shop.example\r\n"));
    EXPECT_THAT(answer, HasSubstr("\r\nAccess-Control-Allow-Origin: *\r\n"));
    if (answer.find(" 503 ") == std::string::npos) continue;
    ++n_refused;
    EXPECT_THAT(answer, HasSubstr("\r\nRetry-After: 1\r\n"));
  }
  EXPECT_GE(n_refused, 5);
  for (int i = 0; i < 10; ++i) EXPECT_THAT(talk("OPTIONS /echo/a HTTP/1.1\r\nHost: a\r\nOrigin: x\r\n\r\n"), HasSubstr(" 204 "));
}

TEST_F(ExchangeTest, waits_for_an_answer_and_goes_on_behind_it) {
  std::function<void()> resume;
  router.add_deferred("/slow", [&](const Request& request, Response& response) {
    std::unique_ptr<Deferred> rest;
    if (request.body == "now") {
      response.out() += "at once";
      return rest;
    }
    rest = std::make_unique<Deferred>();
    rest->start = [&](std::function<void()> given) { resume = std::move(given); };
    rest->finish = [](const Request& of, Response& to) {
      if (of.body == "fail") fail(ErrorCode::kUnavailable, "secret disk");
      to.status = 202;
      to.out() += of.body;
    };
    return rest;
  });
  const auto post = [](const std::string& body) {
    return "POST /slow HTTP/1.1\r\nHost: a\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
  };
  const std::string text = get("/echo/1") + post("later") + get("/echo/2");
  Exchange exchange(router, limits, thread);
  std::size_t consumed = 0;
  ASSERT_EQ(exchange.take(text, consumed), Exchange::Next::kWait);
  EXPECT_EQ(exchange.pieces().size(), 2U) << "the answer before it can be written";
  exchange.clear_pieces();
  bool resumed = false;
  exchange.start_waiting([&] { resumed = true; });
  resume();
  EXPECT_TRUE(resumed);
  EXPECT_EQ(exchange.resume(), Exchange::Next::kWriteThenGoOn);
  EXPECT_THAT(exchange.pieces()[0], ::testing::StartsWith("HTTP/1.1 202 Accepted\r\n"));
  EXPECT_EQ(exchange.pieces()[1], "later");
  exchange.clear_pieces();
  const std::string rest = text.substr(consumed);
  EXPECT_EQ(exchange.take(rest, consumed), Exchange::Next::kWriteThenGoOn);
  EXPECT_EQ(exchange.pieces()[1], "{\"text\":\"2\"}");
  exchange.clear_pieces();
  EXPECT_EQ(exchange.take(post("now"), consumed), Exchange::Next::kWriteThenGoOn);
  EXPECT_EQ(exchange.pieces()[1], "at once");
  exchange.clear_pieces();
  ASSERT_EQ(exchange.take(post("fail"), consumed), Exchange::Next::kWait);
  exchange.resume();
  EXPECT_THAT(exchange.pieces()[0], ::testing::StartsWith("HTTP/1.1 503"));
  EXPECT_THAT(exchange.pieces()[1], Not(HasSubstr("secret")));
  thread.is_draining = true;
  exchange.clear_pieces();
  ASSERT_EQ(exchange.take(post("later"), consumed), Exchange::Next::kWait);
  EXPECT_EQ(exchange.resume(), Exchange::Next::kWriteThenClose);
}

TEST_F(ExchangeTest, answers_with_the_headers_of_every_answer) {
  const std::string answer = talk(get("/echo/hi"));
  EXPECT_THAT(answer, ::testing::StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(answer, HasSubstr("\r\nContent-Type: application/json\r\n"));
  EXPECT_THAT(answer, HasSubstr("\r\nContent-Length: 13\r\n"));
  EXPECT_THAT(answer, HasSubstr("\r\nX-Request-ID: req_"));
  EXPECT_THAT(answer, HasSubstr("\r\nX-Response-Time: 0.000"));
  EXPECT_THAT(answer, HasSubstr("\r\nCache-Control: private, no-store\r\n"));
  EXPECT_THAT(answer, HasSubstr("\r\nETag: W/\"0000000000001234\"\r\n"));
  EXPECT_THAT(answer, HasSubstr("\r\nVary: X-API-Key\r\n"));
  EXPECT_THAT(answer, ::testing::ContainsRegex("Date: [A-Z][a-z][a-z], [0-9][0-9] [A-Z][a-z][a-z] 20[0-9][0-9] [0-9:]+ GMT"));
  EXPECT_THAT(answer, ::testing::EndsWith("\r\n\r\n{\"text\":\"hi\"}"));
}

TEST_F(ExchangeTest, keeps_a_well_formed_request_id_and_no_other) {
  EXPECT_THAT(talk(get("/echo/a", "X-Request-ID: req_abcdefgh\r\n")), HasSubstr("X-Request-ID: req_abcdefgh\r\n"));
  EXPECT_THAT(talk(get("/echo/a", "X-Request-ID: req_abc\r\n")), Not(HasSubstr("X-Request-ID: req_abc\r\n")));
}

TEST_F(ExchangeTest, answers_pipelined_requests_in_order) {
  const std::string answer = talk(get("/echo/1") + get("/nothing") + get("/echo/2") + "GET /ec");
  const std::size_t first = answer.find("{\"text\":\"1\"}");
  const std::size_t second = answer.find("HTTP/1.1 404");
  const std::size_t third = answer.find("{\"text\":\"2\"}");
  EXPECT_LT(first, second);
  EXPECT_LT(second, third);
  EXPECT_NE(third, std::string::npos);
}

TEST_F(ExchangeTest, writes_after_so_many_pipelined_requests) {
  limits.pipelined = 2;
  const std::string text = get("/echo/1") + get("/echo/2") + get("/echo/3");
  Exchange exchange(router, limits, thread);
  std::size_t consumed = 0;
  EXPECT_EQ(exchange.take(text, consumed), Exchange::Next::kWriteThenGoOn);
  EXPECT_LT(consumed, text.size());
  EXPECT_EQ(exchange.pieces().size(), 4U);
}

TEST_F(ExchangeTest, answers_head_without_a_body) {
  const std::string answer = talk("HEAD /echo/hi HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_THAT(answer, HasSubstr("\r\nContent-Length: 13\r\n"));
  EXPECT_THAT(answer, ::testing::EndsWith("\r\n\r\n"));
}

TEST_F(ExchangeTest, answers_304_for_a_known_tag) {
  for (const std::string tag : {"W/\"0000000000001234\"", "\"0000000000001234\"", "*", "\"x\", W/\"0000000000001234\""}) {
    const std::string answer = talk(get("/echo/hi", "If-None-Match: " + tag + "\r\n"));
    EXPECT_THAT(answer, ::testing::StartsWith("HTTP/1.1 304 Not Modified\r\n")) << tag;
    EXPECT_THAT(answer, ::testing::EndsWith("\r\n\r\n"));
    EXPECT_THAT(answer, Not(HasSubstr("Content-Length")));
  }
  EXPECT_THAT(talk(get("/echo/hi", "If-None-Match: W/\"1\"\r\n")), HasSubstr("200 OK"));
}

TEST_F(ExchangeTest, closes_when_asked_and_while_draining) {
  EXPECT_THAT(talk(get("/echo/a", "Connection: close\r\n")), HasSubstr("Connection: close\r\n"));
  EXPECT_EQ(last, Exchange::Next::kWriteThenClose);
  EXPECT_THAT(talk("GET /echo/a HTTP/1.0\r\n\r\n"), HasSubstr("Connection: close\r\n"));
  EXPECT_THAT(talk(get("/echo/a")), Not(HasSubstr("Connection: close\r\n")));
  thread.is_draining = true;
  EXPECT_THAT(talk(get("/echo/a")), HasSubstr("Connection: close\r\n"));
  EXPECT_EQ(last, Exchange::Next::kWriteThenClose);
}

TEST_F(ExchangeTest, names_allowed_methods) {
  EXPECT_THAT(talk("DELETE /echo/a HTTP/1.1\r\nHost: a\r\n\r\n"), HasSubstr("405 Method Not Allowed"));
  EXPECT_THAT(talk("POST /echo/a HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"), HasSubstr("\r\nAllow: GET, HEAD\r\n"));
  EXPECT_THAT(talk(get("/body")), HasSubstr("\r\nAllow: POST\r\n"));
  EXPECT_THAT(talk("BREW /body HTTP/1.1\r\nHost: a\r\n\r\n"), HasSubstr("405"));
  EXPECT_THAT(talk("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n"), HasSubstr("400"));
}

TEST_F(ExchangeTest, problems_are_rfc_9457_documents) {
  const std::string answer = talk(get("/id/x%22y"));
  EXPECT_THAT(answer, HasSubstr("HTTP/1.1 422 Unprocessable Content\r\n"));
  EXPECT_THAT(answer, HasSubstr("\r\nContent-Type: application/problem+json\r\n"));
  const json::Value problem = body(answer);
  EXPECT_EQ(*problem.find("type")->as_string(), "about:blank");
  EXPECT_EQ(*problem.find("title")->as_string(), "Unprocessable Content");
  EXPECT_EQ(*problem.find("status")->as_int(), 422);
  EXPECT_EQ(*problem.find("detail")->as_string(), "id is \"x\"y\", expected a 64-bit integer id");
  EXPECT_EQ(*problem.find("parameter")->as_string(), "id");
  EXPECT_EQ(*body(talk(get("/id/%ff"))).find("parameter")->as_string(), "id");
}

TEST_F(ExchangeTest, hides_the_text_of_inner_errors) {
  for (const char* path : {"/fail", "/throw"}) {
    const std::string answer = talk(get(path) + get("/echo/next"));
    EXPECT_THAT(answer, HasSubstr("HTTP/1.1 500"));
    EXPECT_THAT(answer, Not(HasSubstr("secret")));
    EXPECT_THAT(answer, Not(HasSubstr("half")));
    EXPECT_THAT(answer, HasSubstr("its log has the reason under this answer's X-Request-ID"));
    EXPECT_THAT(answer, HasSubstr("{\"text\":\"next\"}"));
  }
}

TEST_F(ExchangeTest, refuses_malformed_requests_after_answering_earlier_ones) {
  const std::string answer = talk(get("/echo/1") + "GET /\r\n\r\n");
  EXPECT_THAT(answer, HasSubstr("{\"text\":\"1\"}HTTP/1.1 "));
  EXPECT_EQ(last, Exchange::Next::kWriteThenClose);
  EXPECT_THAT(answer, HasSubstr("Connection: close\r\n"));
}

TEST_F(ExchangeTest, says_continue_to_those_who_wait) {
  const std::string answer = talk("POST /body HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  EXPECT_EQ(answer, "HTTP/1.1 100 Continue\r\n\r\n");
}

TEST_F(ExchangeTest, lists_its_routes) {
  EXPECT_EQ(router.entries().size(), 5U);
  EXPECT_EQ(router.entries()[0].pattern, "/echo/{text}");
}

}  // namespace
}  // namespace lodestone::http
