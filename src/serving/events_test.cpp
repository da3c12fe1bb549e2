// POST /events through real HTTP.
#include "serving/events.hpp"

#include <fmt/core.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>

#include "tests/support/serving_site.hpp"

namespace lodestone::serving {
namespace {

using ::testing::HasSubstr;

class EventsTest : public ::testing::Test {
 protected:
  static std::string event(const std::string& id, const std::string& more = "") {
    return fmt::format(R"({{"event_id":"{}","kind":"view","dataset_id":10,"at":"2026-11-24T09:29:00Z"{}}})", id, more);
  }
  test::HttpAnswer post(const std::string& body, const std::string& headers = "Content-Type: application/json\r\n") {
    return site.post("/events", body, headers);
  }

  test::ServingSite site;
};

TEST_F(EventsTest, counts_the_good_ones_of_a_batch_and_names_the_others) {
  site.start();
  const auto answer = post("[" + event("a") + ",7," + event("") + "," + event("b") + "," + event("a") + "]");
  EXPECT_EQ(answer.status, 202);
  EXPECT_EQ(
      answer.body,
      R"({"accepted":2,"duplicate":1,"rejected":[{"index":1,"detail":"the event is 7, expected an object"},)"
      R"({"index":2,"detail":"event_id is \"\", expected a text of 1 to 128 bytes without control characters, quotes and backslashes"}]})");
  EXPECT_EQ(answer.header("content-type"), "application/json");
  EXPECT_THAT(answer.header("x-request-id"), ::testing::StartsWith("req_"));
  EXPECT_EQ(post("[" + event("b") + "]").body, R"({"accepted":0,"duplicate":1,"rejected":[]})");
  EXPECT_EQ(post("[]").body, R"({"accepted":0,"duplicate":0,"rejected":[]})");
  EXPECT_THAT(site.admin("GET", "/metrics").body, HasSubstr("events_received_total{outcome=\"accepted\"} 2\n"));
  EXPECT_THAT(site.admin("GET", "/metrics").body, HasSubstr("event_posts_total{status=\"202\"} 3\n"));
}

TEST_F(EventsTest, a_restart_forgets_nothing) {
  site.start();
  EXPECT_EQ(post("[" + event("a") + "]").status, 202);
  site.stop();
  site.start();
  EXPECT_EQ(post("[" + event("a") + "," + event("b") + "]").body, R"({"accepted":1,"duplicate":1,"rejected":[]})");
}

TEST_F(EventsTest, bad_requests_are_problems) {
  site.start();
  EXPECT_THAT(test::problem_text(post("{")), HasSubstr("400: Bad Request: body: no valid JSON"));
  EXPECT_THAT(test::problem_text(post("{}")), HasSubstr("422: Unprocessable Content: the body is no JSON array"));
  for (const char* body : {"[]", ""})
    EXPECT_THAT(test::problem_text(post(body, "Content-Type: text/plain\r\n")), HasSubstr("415")) << body;
  EXPECT_THAT(test::problem_text(site.post("/events?x=1", "[]")), HasSubstr("422"));
  EXPECT_THAT(test::problem_text(post("[{\"event_id\":\"\xff\"}]")), HasSubstr("400"));
  std::string many = "[";
  for (int i = 0; i < 1'001; ++i) many += (i == 0 ? "" : ",") + std::string("1");
  EXPECT_THAT(test::problem_text(post(many + "]")), HasSubstr("the body has 1001 events, at most 1000 are taken at once"));
  EXPECT_EQ(site.get("/events").status, 405);
  EXPECT_EQ(site.get("/events").header("allow"), "POST");
}

TEST_F(EventsTest, a_thousand_at_once_and_pipelined_requests_keep_their_order) {
  site.start();
  std::string body = "[";
  for (int i = 0; i < 1'000; ++i)
    body += (i == 0 ? "" : ",") + event(fmt::format("e{}", i), fmt::format(R"(,"user_id":{})", i + 1));
  EXPECT_EQ(post(body + "]").body, R"({"accepted":1000,"duplicate":0,"rejected":[]})");
  test::HttpConnection connection(site.server->port());
  std::string text;
  for (int i = 0; i < 20; ++i) {
    const std::string one = "[" + event(fmt::format("p{}", i / 2)) + "]";
    text += fmt::format("POST /events HTTP/1.1\r\nHost: a\r\nX-Request-ID: req_0000000{:02}\r\nContent-Length: {}\r\n\r\n{}", i,
                        one.size(), one);
    text += "GET /livez HTTP/1.1\r\nHost: a\r\n\r\n";
  }
  connection.send(text);
  for (int i = 0; i < 20; ++i) {
    const auto answer = connection.read();
    ASSERT_EQ(answer->status, 202);
    EXPECT_EQ(answer->header("x-request-id"), fmt::format("req_0000000{:02}", i));
    EXPECT_THAT(answer->body, HasSubstr(i % 2 == 0 ? "\"accepted\":1" : "\"duplicate\":1"));
    EXPECT_EQ(connection.read()->body, "{\"status\":\"ok\"}");
  }
}

TEST_F(EventsTest, robots_are_answered_and_not_counted) {
  site.start();
  const std::string robot = "Content-Type: application/json\r\nUser-Agent: Mozilla/5.0 (compatible; bingbot/2.0)\r\n";
  EXPECT_EQ(post("[" + event("a") + "]", robot).body, R"({"accepted":0,"duplicate":0,"rejected":[]})");
  EXPECT_EQ(post("[" + event("a") + "]").body, R"({"accepted":1,"duplicate":0,"rejected":[]})");
  EXPECT_THAT(site.admin("GET", "/metrics").body, HasSubstr("events_received_total{outcome=\"robot\"} 1\n"));
}

TEST_F(EventsTest, a_full_disk_is_503_and_nothing_else_stops) {
  site.publish(site.pack_sample());
  site.start();
  ASSERT_EQ(post("[" + event("a") + "]").status, 202);
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  const rlimit none{1, before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &none), 0);
  const auto refused = post("[" + event("b") + "]");
  const int list = site.get("/hot/trending").status;
  setrlimit(RLIMIT_FSIZE, &before);
  EXPECT_EQ(test::problem_text(refused),
            "503: Service Unavailable: the events could not be written to the disk; none of them counts");
  EXPECT_EQ(refused.header("retry-after"), "1");
  EXPECT_EQ(list, 200);
  EXPECT_EQ(post("[" + event("b") + "]").body, R"({"accepted":1,"duplicate":0,"rejected":[]})");
}

TEST_F(EventsTest, without_a_folder_none_are_taken) {
  site.options.events.segments.folder.clear();
  site.start();
  const auto answer = post("[" + event("a") + "]");
  EXPECT_EQ(test::problem_text(answer),
            "503: Service Unavailable: this server takes no events: its configuration names no folder for them");
  EXPECT_EQ(answer.header("retry-after"), "1");
}

}  // namespace
}  // namespace lodestone::serving
