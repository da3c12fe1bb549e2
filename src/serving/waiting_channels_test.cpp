// Channels that wait, over a real server and servers that say what the test tells them to.
#include "serving/waiting_channels.hpp"

#include <fmt/core.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <thread>

#include "base/error.hpp"
#include "base/hash.hpp"
#include "tests/support/scripted_server.hpp"
#include "tests/support/serving_site.hpp"

namespace lodestone::serving {
namespace {

using namespace std::chrono_literals;
using test::ScriptedServer;
using testing::HasSubstr;
using testing::Not;

/// Some items for whatever is asked: the same for the same question.
std::string items_for(std::string_view target) {
  std::uint64_t state = xxh3(target);
  std::string out = "{\"items\":[";
  for (int i = 0; i < 8; ++i, state = state * 6364136223846793005ULL + 1442695040888963407ULL) {
    out += fmt::format("{}{{\"dataset_id\":{},\"score\":{}}}", i == 0 ? "" : ",", 10 + 3 * (state >> 33U) % 60, 8 - i);
  }
  return out + "]}";
}

class WaitingChannelsTest : public testing::Test {
 protected:
  WaitingChannelsTest() {
    site_.options.cache.preheat_items = 0;
    site_.publish(site_.pack_sample());
  }

  void start(const std::string& channels) {
    site_.options.channels_file = site_.folder.path() / "channels.yaml";
    write_file_atomic(site_.options.channels_file, channels);
    site_.start();
  }
  static std::string channel(const std::string& name, std::uint16_t port, int deadline_ms = 10'000, double weight = 1) {
    return fmt::format(
        "  {}: {{url: \"http://127.0.0.1:{}/{}?dataset_id={{dataset_id}}\", deadline_ms: {}, weight: {}, pages: [similar, "
        "detail]}}\n",
        name, port, name, deadline_ms, weight);
  }
  /// Writes the file of a server that runs and waits until it has read it.
  void change(const std::string& channels, const char* result = "loaded") {
    const std::string read = fmt::format("watched_file_reads_total{{file=\"channels\",result=\"{}\"}}", result);
    const double before = metric(read);
    if (channels.empty()) {
      fs::remove(site_.options.channels_file);
    } else {
      write_file_atomic(site_.options.channels_file, channels);
    }
    while (metric(read) == before) std::this_thread::sleep_for(1ms);
  }
  /// Asks until the list has, or has not, what it is to have.
  void wait_for(const char* target, const testing::Matcher<std::string>& expected) const {
    while (!testing::Value(list_of(site_.get(target)), expected)) std::this_thread::sleep_for(1ms);
  }
  /// What an answer shows, without the id of its request.
  static std::string list_of(const test::HttpAnswer& answer) {
    EXPECT_EQ(answer.status, 200) << answer.body;
    return answer.body.substr(0, answer.body.find("\"request_id\""));
  }
  double metric(const std::string& series) const {
    const std::string text = site_.registry.expose();
    const std::size_t at = text.find("\n" + series + " ");
    return at == std::string::npos ? -1 : std::stod(text.substr(at + series.size() + 2));
  }

  test::ServingSite site_;
};

TEST_F(WaitingChannelsTest, what_a_channel_answers_stands_on_the_page_with_its_name) {
  ScriptedServer remote([](std::string_view bytes) {
    return ScriptedServer::answer_http(bytes, 200, R"({"items":[{"dataset_id":64,"score":9},{"dataset_id":999999,"score":8}]})");
  });
  start("channels:\n" + channel("graph", remote.port(), 10'000, 50));
  const test::HttpAnswer answer = site_.get("/similar/13?explain=true");
  ASSERT_EQ(answer.status, 200);
  EXPECT_THAT(answer.body, HasSubstr("graph"));
  EXPECT_THAT(answer.body, HasSubstr("\"graph\":{\"rank\":1,\"score\":9}"));
  EXPECT_THAT(answer.body, Not(HasSubstr("999999")));
  EXPECT_THAT(list_of(site_.get("/recommend/detail/13?user_id=100")), HasSubstr("graph"));
  EXPECT_THAT(list_of(site_.get("/recommend/user/100")), Not(HasSubstr("graph"))) << "that page does not hear it";
  EXPECT_EQ(metric("recall_candidates_count_count{channel=\"graph\"}"), 2);
  EXPECT_EQ(metric("recall_duration_seconds_count{channel=\"graph\"}"), 1);
}

TEST_F(WaitingChannelsTest, an_answer_is_asked_for_once_and_then_kept) {
  ScriptedServer remote([](std::string_view bytes) { return ScriptedServer::answer_http(bytes, 200, items_for("x")); });
  start("channels:\n" + channel("graph", remote.port()));
  const std::string first = list_of(site_.get("/similar/13"));
  EXPECT_EQ(list_of(site_.get("/similar/13")), first);
  static_cast<void>(site_.get("/similar/13?limit=3&filter=price%3C%3D20"));
  static_cast<void>(site_.get("/recommend/detail/13?user_id=100&exclude=16"));
  EXPECT_EQ(remote.n_requests(), 1) << "filters, rights and histories are of the page, not of what is kept";
  static_cast<void>(site_.get("/similar/16"));
  EXPECT_EQ(remote.n_requests(), 2);
  EXPECT_EQ(metric("cache_hit_by_tier_total{tier=\"local\"}"), 3);
}

TEST_F(WaitingChannelsTest, requests_at_once_share_one_question) {
  ScriptedServer remote([](std::string_view bytes) { return ScriptedServer::answer_http(bytes, 200, items_for("x"), 300ms); });
  start("channels:\n" + channel("graph", remote.port()));
  std::vector<std::future<std::string>> lists;
  for (int i = 0; i < 12; ++i)
    lists.push_back(std::async(std::launch::async, [this] { return list_of(site_.get("/similar/13")); }));
  const std::string first = lists[0].get();
  EXPECT_THAT(first, HasSubstr("graph"));
  for (std::size_t i = 1; i < lists.size(); ++i) EXPECT_EQ(lists[i].get(), first);
  EXPECT_EQ(remote.n_requests(), 1);
}

TEST_F(WaitingChannelsTest, channels_at_once_one_after_the_other_and_in_any_order_give_the_same_pages) {
  std::atomic<int> round{0};
  const auto script = [&round](std::string_view bytes) {
    const std::string target = ScriptedServer::http_target(bytes);
    // Who answers first changes from round to round.
    const auto pause = std::chrono::milliseconds((xxh3(target) + static_cast<std::uint64_t>(round.load()) * 7) % 13);
    return ScriptedServer::answer_http(bytes, 200, items_for(target), pause);
  };
  ScriptedServer remote(script);
  const std::string channels = "channels:\n" + channel("one", remote.port(), 10'000, 0.3) +
                               channel("two", remote.port(), 10'000, 2) + channel("three", remote.port());
  std::vector<std::string> expected;
  for (const char* at_once : {"at_once: false\n", "at_once: true\n", "at_once: true\n"}) {
    start(at_once + channels);
    for (int item = 10; item < 70; item += 3) {
      const std::string list = list_of(site_.get(fmt::format("/similar/{}?limit=30&explain=true", item)));
      if (round == 0) {
        expected.push_back(list);
      } else {
        EXPECT_EQ(list, expected[static_cast<std::size_t>((item - 10) / 3)]) << at_once;
      }
    }
    site_.stop();
    ++round;
  }
  EXPECT_EQ(remote.n_requests(), 3 * 3 * 20);
}

TEST_F(WaitingChannelsTest, a_late_channel_is_left_out_and_the_list_says_so) {
  ScriptedServer slow([](std::string_view bytes) { return ScriptedServer::answer_http(bytes, 200, items_for("x"), 60'000ms); });
  ScriptedServer quick([](std::string_view bytes) { return ScriptedServer::answer_http(bytes, 200, items_for("y")); });
  start("channels:\n" + channel("slow", slow.port(), 30) + channel("quick", quick.port()));
  const std::string list = list_of(site_.get("/similar/13"));
  EXPECT_THAT(list, HasSubstr("+fallback:bundle"));
  EXPECT_THAT(list, HasSubstr("quick"));
  EXPECT_THAT(list, Not(HasSubstr("slow")));
  EXPECT_EQ(metric("recommendation_timeouts_total{endpoint=\"similar\",operation=\"slow\"}"), 1);
  EXPECT_EQ(metric("recommendation_timeouts_total{endpoint=\"similar\",operation=\"quick\"}"), 0);
  EXPECT_EQ(metric("recommendation_degraded_total{endpoint=\"similar\",reason=\"channel_late\"}"), 1);
  EXPECT_EQ(metric("fallback_triggered_total{reason=\"channel_late\",level=\"bundle\"}"), 1);
  EXPECT_THAT(site_.get("/health").body, HasSubstr("\"healthy\""));
}

TEST_F(WaitingChannelsTest, the_whole_request_has_a_deadline_too) {
  ScriptedServer slow([](std::string_view bytes) { return ScriptedServer::answer_http(bytes, 200, items_for("x"), 60'000ms); });
  site_.options.cache.request_timeout = 40ms;
  start("at_once: false\nchannels:\n" + channel("a", slow.port(), 30) + channel("b", slow.port(), 30) +
        channel("c", slow.port(), 30));
  EXPECT_THAT(list_of(site_.get("/similar/13")), HasSubstr("fallback:bundle"));
  for (const char* name : {"a", "b", "c"})
    EXPECT_EQ(metric(fmt::format("recommendation_timeouts_total{{endpoint=\"similar\",operation=\"{}\"}}", name)), 1) << name;
}

TEST_F(WaitingChannelsTest, nothing_is_counted_where_nothing_can_happen) {
  ScriptedServer remote([](std::string_view bytes) { return ScriptedServer::answer_http(bytes, 200, items_for("x")); });
  start("channels:\n" + channel("graph", remote.port()));
  const auto timeouts = [this](std::string_view endpoint) {
    return metric(fmt::format("recommendation_timeouts_total{{endpoint=\"{}\",operation=\"graph\"}}", endpoint));
  };
  for (const char* endpoint : {"similar", "recommend_detail", "recommend_page"}) EXPECT_EQ(timeouts(endpoint), 0) << endpoint;
  for (const char* endpoint : {"recommend_user", "search", "hot_trending"})
    EXPECT_EQ(timeouts(endpoint), -1) << endpoint << " does not hear it";
  for (const char* endpoint : {"search", "hot_trending"}) {
    const std::string late = fmt::format("recommendation_degraded_total{{endpoint=\"{}\",reason=\"channel_late\"}}", endpoint);
    EXPECT_EQ(metric(late), -1) << endpoint;
  }
  const std::string all = site_.registry.expose();
  for (const char* mark : {"fallback:bundle", "fallback:partial"})
    EXPECT_THAT(all, Not(HasSubstr(fmt::format("{{channel=\"{}\"", mark)))) << "it marks a page and gives no item";
}

TEST_F(WaitingChannelsTest, five_failures_end_the_asking) {
  ScriptedServer mad([](std::string_view bytes) { return ScriptedServer::answer_http(bytes, 500, "no"); });
  start("channels:\n" + channel("graph", mad.port()));
  for (int item = 10; item < 70; item += 3)
    EXPECT_THAT(list_of(site_.get(fmt::format("/similar/{}", item))), HasSubstr("fallback:bundle"));
  EXPECT_EQ(mad.n_requests(), 5);
  for (int i = 0; metric("circuit_breaker_state{breaker=\"channel_graph\"}") != 2; ++i) {
    ASSERT_LT(i, 1'000);
    std::this_thread::sleep_for(10ms);
  }
  EXPECT_EQ(metric("recall_channel_requests_total{channel=\"graph\",status=\"broken\"}"), 5);
  EXPECT_EQ(metric("recall_channel_requests_total{channel=\"graph\",status=\"open\"}"), 15);
}

TEST_F(WaitingChannelsTest, that_there_is_nothing_is_an_answer_too) {
  ScriptedServer remote([](std::string_view bytes) { return ScriptedServer::answer_http(bytes, 404, ""); });
  start("channels:\n" + channel("graph", remote.port()));
  for (int i = 0; i < 3; ++i) EXPECT_THAT(list_of(site_.get("/similar/13")), Not(HasSubstr("fallback:bundle")));
  EXPECT_EQ(remote.n_requests(), 1);
}

std::string slots(std::string_view more = "") {
  return fmt::format(
      R"({{"user_id":100,"slots":[{{"name":"a","kind":"similar","dataset_id":13}},{{"name":"b","kind":"similar","dataset_id":16}},)"
      R"({{"name":"hot","kind":"trending"}},{{"name":"mine","kind":"user"}}{}]}})",
      more);
}

TEST_F(WaitingChannelsTest, each_slot_of_a_page_hears_the_channels_of_its_kind) {
  ScriptedServer remote([](std::string_view bytes) {
    return ScriptedServer::answer_http(bytes, 200, items_for(ScriptedServer::http_target(bytes)));
  });
  start("channels:\n" + channel("graph", remote.port(), 10'000, 50));
  const json::Value page = json::parse(site_.post("/recommend/page", slots()).body, "page");
  const auto reasons = [&page](std::string_view slot) { return json::format(*page.find("slots")->find(slot)); };
  EXPECT_THAT(reasons("a"), HasSubstr("graph"));
  EXPECT_THAT(reasons("b"), HasSubstr("graph"));
  EXPECT_THAT(reasons("hot"), Not(HasSubstr("graph")));
  EXPECT_THAT(reasons("mine"), Not(HasSubstr("graph"))) << "it is for related items only";
  EXPECT_EQ(remote.n_requests(), 2);
  static_cast<void>(site_.get("/recommend/detail/13?user_id=100"));
  static_cast<void>(site_.post("/recommend/page", slots()));
  EXPECT_EQ(remote.n_requests(), 2) << "what is kept is shared with the other endpoints";
}

TEST_F(WaitingChannelsTest, slots_wait_at_once) {
  ScriptedServer remote([](std::string_view bytes) { return ScriptedServer::answer_http(bytes, 200, items_for("x"), 1'000ms); });
  site_.options.cache.request_timeout = 1'900ms;
  start("channels:\n" + channel("graph", remote.port(), 1'900));
  const test::HttpAnswer page = site_.post("/recommend/page", slots());
  EXPECT_EQ(page.status, 200);
  EXPECT_THAT(page.body, Not(HasSubstr("fallback:bundle"))) << "one after the other the second is late";
}

TEST_F(WaitingChannelsTest, a_slot_whose_channel_is_late_says_so_and_no_other) {
  ScriptedServer remote([](std::string_view bytes) {
    const bool is_slow = ScriptedServer::http_target(bytes).find("=16") != std::string::npos;
    return ScriptedServer::answer_http(bytes, 200, items_for("x"), is_slow ? 60'000ms : 0ms);
  });
  start("channels:\n" + channel("graph", remote.port(), 1'000));
  const json::Value page = json::parse(site_.post("/recommend/page", slots()).body, "page");
  for (const char* slot : {"a", "hot", "mine"})
    EXPECT_THAT(json::format(*page.find("slots")->find(slot)), Not(HasSubstr("fallback:bundle"))) << slot;
  EXPECT_THAT(json::format(*page.find("slots")->find("b")), HasSubstr("fallback:bundle"));
  EXPECT_EQ(metric("recommendation_timeouts_total{endpoint=\"recommend_page\",operation=\"graph\"}"), 1);
  EXPECT_EQ(metric("recommendation_degraded_total{endpoint=\"recommend_page\",reason=\"channel_late\"}"), 1);
}

TEST_F(WaitingChannelsTest, a_page_that_will_be_refused_asks_nobody) {
  ScriptedServer remote([](std::string_view bytes) { return ScriptedServer::answer_http(bytes, 200, items_for("x")); });
  start("channels:\n" + channel("graph", remote.port()));
  EXPECT_EQ(site_.post("/recommend/page", slots(R"(,{"name":"c","kind":"similar","dataset_id":999999})")).status, 404);
  EXPECT_EQ(site_.post("/recommend/page", slots(R"(,{"name":"a","kind":"user"})")).status, 422);
  EXPECT_EQ(site_.post("/recommend/page", "{").status, 400);
  EXPECT_EQ(remote.n_requests(), 0);
}

TEST_F(WaitingChannelsTest, what_will_be_refused_asks_nobody) {
  ScriptedServer remote([](std::string_view bytes) { return ScriptedServer::answer_http(bytes, 200, items_for("x")); });
  start("channels:\n" + channel("graph", remote.port()));
  EXPECT_EQ(site_.get("/similar/999999").status, 404);
  EXPECT_EQ(site_.get("/similar/abc").status, 422);
  EXPECT_EQ(remote.n_requests(), 0);
  EXPECT_EQ(site_.get("/similar/13?limit=0").status, 422) << "after waiting it is refused as before";
}

TEST_F(WaitingChannelsTest, what_a_key_may_not_see_asks_nobody_as_waiting_would_tell_that_it_is_there) {
  ScriptedServer remote([](std::string_view bytes) { return ScriptedServer::answer_http(bytes, 200, items_for("x")); });
  site_.options.access.keys_file = site_.folder.path() / "keys.yaml";
  write_file_atomic(site_.options.access.keys_file,
                    fmt::format("keys:\n  - {{name: shop, sha256: \"{}\", scopes: [recommend], filter: 'item_id=13'}}\n",
                                sha256_hex("lk_shop")));
  start("channels:\n" + channel("graph", remote.port()));
  for (const char* target : {"/similar/16", "/recommend/detail/16?user_id=100", "/similar/999999"})
    EXPECT_EQ(site_.get(target, "X-API-Key: lk_shop\r\n").status, 404) << target;
  EXPECT_EQ(site_.post("/recommend/page", slots(), "X-API-Key: lk_shop\r\n").status, 404);
  EXPECT_EQ(remote.n_requests(), 0);
  EXPECT_EQ(site_.get("/similar/13", "X-API-Key: lk_shop\r\n").status, 200);
  EXPECT_EQ(remote.n_requests(), 1);
}

TEST_F(WaitingChannelsTest, what_is_popular_is_asked_for_before_anybody_needs_it) {
  ScriptedServer remote([](std::string_view bytes) { return ScriptedServer::answer_http(bytes, 200, items_for("x")); });
  site_.options.cache.preheat_items = 7;
  start("channels:\n" + channel("graph", remote.port()));
  for (int i = 0; metric("local_cache_size") != 7; ++i) {
    ASSERT_LT(i, 1'000);
    std::this_thread::sleep_for(10ms);
  }
  EXPECT_EQ(remote.n_requests(), 7);
}

TEST_F(WaitingChannelsTest, a_file_with_an_error_is_no_server) {
  try {
    start("channels: {graph: {url: 'http://127.0.0.1/', weigth: 2}}");
    FAIL() << "it started";
  } catch (const Error& error) {
    EXPECT_THAT(error.message(), HasSubstr("did you mean \"weight\"?"));
  }
}

TEST_F(WaitingChannelsTest, the_file_is_followed) {
  ScriptedServer one([](std::string_view bytes) { return ScriptedServer::answer_http(bytes, 200, "[64]"); });
  ScriptedServer two([](std::string_view bytes) { return ScriptedServer::answer_http(bytes, 200, "[52]"); });
  site_.options.channels_file = site_.folder.path() / "channels.yaml";
  site_.start();
  EXPECT_THAT(list_of(site_.get("/similar/13")), Not(HasSubstr("graph"))) << "there is no file";
  EXPECT_THAT(site_.get("/health").body, HasSubstr("\"cache\":\"none\""));
  const auto first = [this] {
    return *site_.get_json("/similar/13").find("similar_items")->as_array()->front().find("dataset_id")->as_int();
  };
  change("channels:\n" + channel("graph", one.port(), 10'000, 50));
  wait_for("/similar/13", HasSubstr("graph"));
  EXPECT_EQ(first(), 64);
  EXPECT_GE(metric("recall_candidates_count_count{channel=\"graph\"}"), 1);
  EXPECT_THAT(site_.get("/health").body, HasSubstr("\"cache\":\"local\""));
  change("channels:\n" + channel("graph", two.port(), 10'000, 50));
  while (first() != 52) std::this_thread::sleep_for(1ms);
  EXPECT_EQ(two.n_requests(), 1) << "what the other had said is forgotten";
  change("");
  wait_for("/similar/13", Not(HasSubstr("graph")));
  change("channels:\n" + channel("graph", two.port(), 10'000, 50));
  wait_for("/similar/13", HasSubstr("graph"));
}

TEST_F(WaitingChannelsTest, a_channel_that_stays_keeps_what_is_known_of_it) {
  ScriptedServer remote([](std::string_view bytes) { return ScriptedServer::answer_http(bytes, 200, "[64]"); });
  ScriptedServer mad([](std::string_view bytes) { return ScriptedServer::answer_http(bytes, 500, "no"); });
  start("channels:\n" + channel("graph", remote.port(), 10'000, 50) + channel("mad", mad.port()));
  for (int item = 10; item < 40; item += 3) static_cast<void>(site_.get(fmt::format("/similar/{}", item)));
  ASSERT_EQ(mad.n_requests(), 5) << "its breaker is open";
  const int n_asked = remote.n_requests();
  change("channels:\n" + channel("mad", mad.port()) + channel("graph", remote.port(), 10'000, 40) +
         channel("more", remote.port(), 10'000, 1));
  wait_for("/similar/61", HasSubstr("more"));
  const int n_of_61 = remote.n_requests() - n_asked;
  EXPECT_EQ(n_of_61, 2);
  static_cast<void>(site_.get("/similar/10"));
  EXPECT_EQ(remote.n_requests() - n_asked, 3) << "of graph it is kept, of more it is not";
  EXPECT_EQ(mad.n_requests(), 5);
}

TEST_F(WaitingChannelsTest, a_file_that_gets_an_error_changes_nothing) {
  ScriptedServer remote([](std::string_view bytes) { return ScriptedServer::answer_http(bytes, 200, "[64]"); });
  start("channels:\n" + channel("graph", remote.port(), 10'000, 50));
  change("channels: {graph: {url: 'http://127.0.0.1/', weigth: 2}}", "refused");
  EXPECT_THAT(list_of(site_.get("/similar/16")), HasSubstr("graph"));
  EXPECT_THAT(site_.get("/health").body,
              testing::AllOf(HasSubstr("\"status\":\"degraded\""), HasSubstr("\"channels\":{\"status\":\"refused\"")));
  change("channels:\n" + channel("other", remote.port(), 10'000, 50));
  EXPECT_THAT(site_.get("/health").body, HasSubstr("\"healthy\""));
  wait_for("/similar/16", HasSubstr("other"));
}

TEST_F(WaitingChannelsTest, who_waits_while_the_file_changes_gets_what_was_asked) {
  ScriptedServer remote([](std::string_view bytes) { return ScriptedServer::answer_http(bytes, 200, "[64]", 500ms); });
  start("channels:\n" + channel("graph", remote.port(), 10'000, 50));
  std::vector<std::future<std::string>> lists;
  for (int i = 0; i < 8; ++i)
    lists.push_back(
        std::async(std::launch::async, [this, i] { return list_of(site_.get(fmt::format("/similar/{}", 10 + 3 * i))); }));
  while (remote.n_requests() < 8) std::this_thread::sleep_for(1ms);
  change("");
  for (auto& list : lists) EXPECT_THAT(list.get(), HasSubstr("graph"));
  wait_for("/similar/10", Not(HasSubstr("graph")));
}

TEST_F(WaitingChannelsTest, requests_that_wait_are_answered_when_the_server_stops) {
  ScriptedServer remote([](std::string_view bytes) { return ScriptedServer::answer_http(bytes, 200, items_for("x"), 200ms); });
  start("channels:\n" + channel("graph", remote.port()));
  std::vector<std::future<std::string>> lists;
  for (int i = 0; i < 8; ++i)
    lists.push_back(
        std::async(std::launch::async, [this, i] { return list_of(site_.get(fmt::format("/similar/{}", 10 + 3 * i))); }));
  while (remote.n_requests() < 8) std::this_thread::sleep_for(1ms);
  site_.server->stop(10'000ms);
  for (auto& list : lists) EXPECT_THAT(list.get(), HasSubstr("graph"));
}

}  // namespace
}  // namespace lodestone::serving
