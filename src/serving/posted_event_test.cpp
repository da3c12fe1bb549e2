#include "serving/posted_event.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "serving/event_rate.hpp"
#include "serving/known_ids.hpp"
#include "serving/robots.hpp"

namespace lodestone::serving {
namespace {

using ::testing::HasSubstr;

const TimePoint kNow = *parse_time("2026-11-24T09:30:00Z");

/// A good event, with `more` in place of or beside its members.
std::string event(const std::string& more = "") {
  return R"({"event_id":"e1","kind":"click","dataset_id":42,"at":"2026-11-24T09:29:58.5Z")" + more + "}";
}
Result<PostedEvent> read(const std::string& text) { return read_event(json::parse(text, "event"), kNow, {}); }
std::string reason(const std::string& text) {
  const auto result = read(text);
  return result ? "taken" : result.reason();
}

TEST(PostedEvent, takes_what_the_contract_has) {
  const PostedEvent full =
      read(event(R"(,"user_id":7,"visitor_id":"v é","session_id":"s","value":2.5,"request_id":"req_12345678","position":3)"))
          .value();
  EXPECT_EQ(full.event_id, "e1");
  EXPECT_EQ(full.kind, EventKind::kClick);
  EXPECT_EQ(full.user, UserId(7));
  EXPECT_EQ(full.visitor_id, "v é");
  EXPECT_EQ(full.session_id, "s");
  EXPECT_EQ(full.item, ItemId(42));
  EXPECT_EQ(format_rfc3339(full.at), "2026-11-24T09:29:58.500000Z");
  EXPECT_EQ(full.value, 2.5);
  EXPECT_EQ(full.request_id, "req_12345678");
  EXPECT_EQ(full.position, 3);
  const PostedEvent least = read(event(R"(,"user_id":null,"visitor_id":null,"value":null,"position":null)")).value();
  EXPECT_FALSE(least.user);
  EXPECT_EQ(least.visitor_id, "");
  EXPECT_TRUE(std::isnan(least.value));
  EXPECT_EQ(least.position, 0);
}

TEST(PostedEvent, takes_an_integer_however_it_is_written) {
  const PostedEvent made =
      read(R"({"event_id":"a","kind":"view","dataset_id":12.0,"user_id":7e0,"position":3.0,"at":"2026-11-24T09:30:00Z"})")
          .value();
  EXPECT_EQ(made.item, ItemId(12));
  EXPECT_EQ(made.user, UserId(7));
  EXPECT_EQ(made.position, 3);
  std::string line;
  append_line(line, made);
  EXPECT_THAT(line, HasSubstr(R"("user_id":7,"dataset_id":12,)"));
  EXPECT_THAT(reason(R"({"dataset_id":1e300})"), HasSubstr("expected an integer from 1"));
  EXPECT_THAT(reason(event(R"(,"position":1.5)")), "position is 1.5, expected an integer from 1 to 10000");
}

TEST(PostedEvent, says_what_does_not_fit) {
  EXPECT_EQ(reason("3"), "the event is 3, expected an object");
  EXPECT_EQ(reason("{}"), "event_id is missing");
  EXPECT_EQ(reason(R"({"event_id":"a","kind":"view","dataset_id":1})"), "at is missing");
  EXPECT_THAT(reason(R"({"event_id":""})"), HasSubstr("event_id is \"\", expected a text of 1 to 128 bytes"));
  EXPECT_THAT(reason(R"({"event_id":7})"), HasSubstr("event_id is 7"));
  EXPECT_THAT(reason(R"({"event_id":"a\"b"})"), HasSubstr("without control characters, quotes and backslashes"));
  EXPECT_THAT(reason("{\"event_id\":\"" + std::string(128, 'x') + "\"}"), "kind is missing");
  EXPECT_THAT(reason("{\"event_id\":\"" + std::string(129, 'x') + "\"}"), HasSubstr("expected a text of 1 to 128 bytes"));
  EXPECT_THAT(reason(event(R"(,"visitor_id":"")")), HasSubstr("visitor_id is \"\""));
  EXPECT_THAT(reason(event(R"(,"user_id":"7")")), "user_id is \"7\", expected an integer from 1");
  EXPECT_THAT(reason(event(R"(,"user_id":0)")), "user_id is 0, expected an integer from 1");
  EXPECT_THAT(reason(event(R"(,"value":-1)")), "value is -1, expected a number from 0 to 1e12");
  EXPECT_THAT(reason(event(R"(,"position":0)")), "position is 0, expected an integer from 1 to 10000");
  EXPECT_THAT(reason(event(R"(,"request_id":"x")")), HasSubstr("request_id is \"x\""));
  EXPECT_EQ(reason(event(R"(,"userid":7)")), "unknown key \"userid\"; did you mean \"user_id\"?");
  EXPECT_THAT(reason(R"({"kind":"look"})"), HasSubstr("kind is \"look\", expected one of exposure, view"));
  EXPECT_THAT(reason(R"({"dataset_id":1.5})"), "dataset_id is 1.5, expected an integer from 1");
}

TEST(PostedEvent, wants_a_time_with_a_zone_near_now) {
  const auto at = [](const std::string& text) {
    return reason(R"({"event_id":"a","kind":"view","dataset_id":1,"at":")" + text + "\"}");
  };
  for (const char* bad : {"yesterday", "2026-11-24", "2026-11-24T09:30:00", "2026-11-24T25:00:00Z", "2026-11-24T09:30:00+0800"}) {
    EXPECT_THAT(at(bad), HasSubstr("expected a time with its zone")) << bad;
  }
  EXPECT_EQ(at("2026-11-24T17:30:00+08:00"), "taken");
  EXPECT_EQ(at("2026-11-24T09:35:00Z"), "taken");
  EXPECT_EQ(at("2026-11-24T09:35:01Z"),
            "at is 2026-11-24T09:35:01Z, which is 301 s ahead of this server's clock; at most 300 are taken");
  EXPECT_EQ(at("2026-11-17T09:30:00Z"), "taken");
  EXPECT_THAT(at("2026-11-17T09:29:59Z"), HasSubstr("604801 s ago; at most 604800 are taken"));
  const auto ahead = read(R"({"event_id":"a","kind":"view","dataset_id":1,"at":"2026-11-24T09:31:00Z"})");
  EXPECT_EQ(ahead.value().at, kNow) << "a clock that is ahead must not make an event of the future";
}

TEST(PostedEvent, a_line_reads_back_as_it_was) {
  for (const std::string& text :
       {event(),
        event(R"(,"user_id":7,"visitor_id":"v é","session_id":"s","value":0.1,"request_id":"req_12345678","position":3)"),
        event(R"(,"value":1e12)")}) {
    const PostedEvent made = read(text).value();
    std::string line;
    append_line(line, made);
    ASSERT_EQ(line.back(), '\n');
    PostedEvent back;
    back.user = UserId(99);
    back.request_id = "old";
    ASSERT_TRUE(parse_line(std::string_view(line).substr(0, line.size() - 1), back)) << line;
    std::string again;
    append_line(again, back);
    EXPECT_EQ(again, line);
    EXPECT_EQ(json::parse(line, "line").find("event_id")->as_string()->size(), 2U);
  }
}

TEST(PostedEvent, a_damaged_line_is_known) {
  std::string line;
  append_line(line, read(event(R"(,"user_id":7)")).value());
  line.pop_back();
  PostedEvent out;
  ASSERT_TRUE(parse_line(line, out));
  for (std::size_t n = 0; n < line.size(); ++n) EXPECT_FALSE(parse_line(std::string_view(line).substr(0, n), out)) << n;
  for (std::size_t i = 0; i < line.size(); ++i) {
    std::string flipped = line;
    flipped[i] = static_cast<char>(flipped[i] ^ 1);
    EXPECT_FALSE(parse_line(flipped, out)) << i;
  }
}

TEST(KnownIds, knows_at_least_so_many) {
  KnownIds known(100);
  for (std::uint64_t id = 1; id <= 1'000; ++id) {
    known.turn();
    EXPECT_TRUE(known.insert(id));
    EXPECT_FALSE(known.insert(id > 100 ? id - 99 : 1)) << id;
  }
  EXPECT_TRUE(known.insert(1)) << "memory must end somewhere";
}

TEST(EventRate, takes_ten_seconds_at_once_and_the_rate_after_that) {
  EventRate rate(2);
  int taken = 0;
  for (int i = 0; i < 100; ++i) taken += rate.take(1, kNow) ? 1 : 0;
  EXPECT_EQ(taken, 20);
  EXPECT_TRUE(rate.take(2, kNow)) << "another sender has a bucket of its own";
  EXPECT_TRUE(rate.take(1, kNow + std::chrono::milliseconds(500)));
  EXPECT_FALSE(rate.take(1, kNow + std::chrono::milliseconds(500)));
  EventRate none(0);
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(none.take(1, kNow));
}

TEST(Robots, are_known_by_what_they_say) {
  for (const char* robot : {"Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", "Baiduspider+",
                            "HeadlessChrome/1", "Mozilla/5.0 (compatible; Yahoo! Slurp)"}) {
    EXPECT_TRUE(is_robot(robot)) << robot;
  }
  for (const char* person : {"", "Mozilla/5.0 (X11; Linux x86_64) Firefox/133.0", "curl/8.0", "Mozilla/5.0 (Linux; CUBOT_X18)"}) {
    EXPECT_FALSE(is_robot(person)) << person;
  }
}

}  // namespace
}  // namespace lodestone::serving
