#include "http/access_log.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/json.hpp"
#include "tests/support/http_client.hpp"
#include "tests/support/observed_server.hpp"

namespace lodestone::http {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class AccessLogTest : public test::ObservedServerTest {
 protected:
  AccessLogTest() {
    options.access_log = AccessLogOptions{};
    options.access_log->file = folder.path() / "access.jsonl";
    router.add_deferred("/later", [](const Request&, Response&) {
      auto rest = std::make_unique<Deferred>();
      rest->start = [](const std::function<void()>& resume) { resume(); };
      rest->finish = [](const Request&, Response& response) { response.status = 202; };
      return rest;
    });
  }

  /// What the log holds after `talk` has had a server.
  template <typename Talk>
  std::vector<json::Value> log_of(const Talk& talk) {
    serve(talk);
    std::vector<json::Value> lines;
    if (!fs::exists(options.access_log->file)) return lines;
    text = read_file(options.access_log->file);
    for (std::size_t at = 0; at < text.size(); at = text.find('\n', at) + 1)
      lines.push_back(json::parse(std::string_view(text).substr(at, text.find('\n', at) - at), "line"));
    return lines;
  }

  TemporaryFolder folder;
  std::string text;
};

TEST_F(AccessLogTest, has_a_line_for_each_answer) {
  const auto lines = log_of([](std::uint16_t port) {
    test::HttpConnection connection(port);
    connection.get("/ok/a?token=secret",
                   "X-Request-ID: req_12345678\r\ntraceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\n");
    connection.get("/nothing");
    EXPECT_EQ(connection.request("POST", "/later", "", "x").status, 202);
    connection.send("HEAD /ok/a HTTP/1.1\r\nHost: a\r\n\r\n");
    connection.read(test::HttpConnection::Body::kNone);
    EXPECT_EQ(connection.get("bad target").status, 505);
  });
  ASSERT_EQ(lines.size(), 5U);
  EXPECT_EQ(*lines[0].find("path")->as_string(), "/ok/a");
  EXPECT_EQ(*lines[0].find("method")->as_string(), "GET");
  EXPECT_EQ(*lines[0].find("status")->as_int(), 200);
  EXPECT_EQ(*lines[0].find("bytes")->as_int(), 5);
  EXPECT_EQ(*lines[0].find("peer")->as_string(), "127.0.0.1");
  EXPECT_EQ(*lines[0].find("request_id")->as_string(), "req_12345678");
  EXPECT_EQ(*lines[0].find("trace_id")->as_string(), "4bf92f3577b34da6a3ce929d0e0e4736");
  EXPECT_GE(lines[0].find("seconds")->as_number().value(), 0);
  EXPECT_TRUE(parse_time(*lines[0].find("time")->as_string()).has_value());
  EXPECT_EQ(*lines[1].find("status")->as_int(), 404);
  EXPECT_TRUE(lines[1].find("trace_id")->is_null());
  EXPECT_EQ(*lines[2].find("status")->as_int(), 202);
  EXPECT_EQ(*lines[2].find("method")->as_string(), "POST");
  EXPECT_EQ(*lines[3].find("bytes")->as_int(), 0);
  EXPECT_EQ(*lines[4].find("status")->as_int(), 505);
  EXPECT_TRUE(lines[4].find("path")->is_null());
  EXPECT_THAT(text, Not(HasSubstr("secret")));
  EXPECT_EQ(count("access_log_written_total"), 5U);
}

TEST_F(AccessLogTest, a_share_of_them_is_enough) {
  options.access_log->sample = 0.5;
  const std::size_t n = log_of([](std::uint16_t port) {
                          test::HttpConnection connection(port);
                          for (int i = 0; i < 400; ++i) connection.get("/ok/a");
                        }).size();
  EXPECT_GT(n, 100U);
  EXPECT_LT(n, 300U);
}

TEST_F(AccessLogTest, two_traces_are_none) {
  const auto lines = log_of([](std::uint16_t port) {
    const std::string trace = "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\n";
    test::http_get(port, "/ok/a", trace + trace);
  });
  EXPECT_TRUE(lines.at(0).find("trace_id")->is_null());
}

TEST_F(AccessLogTest, what_cannot_be_written_costs_no_answer_and_is_counted) {
  make_folders(options.access_log->file);  // a folder in its place
  RequestObserver observer(options, registry, clock, 1);
  observer.start();
  Request request;
  for (int i = 0; i < 3; ++i) observer.see(request, 200, 0);
  observer.stop();
  EXPECT_EQ(count("access_log_written_total"), 0U);
  EXPECT_EQ(count("access_log_dropped_total", {{"reason", "disk"}}), 3U);
}

}  // namespace
}  // namespace lodestone::http
