// Servers that share a real Redis: what one fetched the other has, a click on one is known to all, and whatever becomes of Redis, no
// request fails.
#include <atomic>

#include "redis_fixture.hpp"

namespace lodestone {
namespace {

TEST_F(RedisTest, what_one_server_fetched_the_others_have) {
  const Redis redis;
  Site a(redis.url(), remote_.port());
  Site b(redis.url(), remote_.port());
  a.start();
  const std::string list = a.list("/similar/13");
  EXPECT_THAT(list, HasSubstr("graph"));
  wait_until([&] { return a.metric("cache_requests_total{operation=\"set\",status=\"stored\"}") >= 1; });
  b.start();
  EXPECT_EQ(b.list("/similar/13"), list);
  EXPECT_EQ(remote_.n_requests(), 1);
  EXPECT_EQ(b.metric("cache_hit_by_tier_total{tier=\"hot\"}") + b.metric("cache_hit_by_tier_total{tier=\"cold\"}"), 1);
  wait_until([&] { return b.metric("cache_hit_rate") == 1; });
  EXPECT_THAT(b.get("/health").body, HasSubstr("\"cache\":\"redis\""));
}

TEST_F(RedisTest, a_message_makes_every_server_ask_anew) {
  const Redis redis;
  Site a(redis.url(), remote_.port());
  a.start();
  static_cast<void>(a.list("/similar/13"));
  static_cast<void>(a.list("/similar/16"));
  wait_until([&] { return redis.command({"PUBLISH", "lodestone:invalidate", "key graph:/g?dataset_id=13"}).integer > 0; });
  // What Redis holds is taken again, so the local tier misses once.
  wait_until([&] {
    static_cast<void>(a.list("/similar/13"));
    return a.metric("cache_hit_by_tier_total{tier=\"hot\"}") + a.metric("cache_hit_by_tier_total{tier=\"cold\"}") >= 1;
  });
  redis.command({"FLUSHALL"});
  redis.command({"PUBLISH", "lodestone:invalidate", "channel graph"});
  const int before = remote_.n_requests();
  wait_until([&] {
    static_cast<void>(a.list("/similar/16"));
    return remote_.n_requests() > before;
  });
}

TEST_F(RedisTest, what_lies_under_our_key_and_is_not_ours_is_no_answer) {
  const Redis redis;
  Site a(redis.url(), remote_.port());
  a.start();
  static_cast<void>(a.list("/similar/13"));
  wait_until([&] { return a.metric("cache_requests_total{operation=\"set\",status=\"stored\"}") >= 1; });
  for (const int database : {0, 1}) {
    // Another program's data, on the same database.
    const std::string script = fmt::format(
        "redis.call('SELECT', {}) for _, k in ipairs(redis.call('KEYS', 'lodestone:1:*')) do redis.call('SET', k, 'gibberish') "
        "end",
        database);
    redis.command({"EVAL", script, "0"});
  }
  Site b(redis.url(), remote_.port());
  b.start();
  EXPECT_THAT(b.list("/similar/13"), HasSubstr("graph"));
  EXPECT_EQ(remote_.n_requests(), 2);
}

TEST_F(RedisTest, no_request_fails_when_redis_is_down_from_the_start_and_is_found_when_it_comes) {
  Redis redis;
  redis.kill();
  Site site(redis.url(), remote_.port());
  site.start();
  ask_much(site, [](int) {});
  wait_until([&] {
    static_cast<void>(site.list("/similar/13"));
    return site.get("/health").body.find("\"cache\":\"degraded\"") != std::string::npos;
  });
  EXPECT_EQ(site.get("/health").status, 200);
  EXPECT_EQ(site.get("/readyz").status, 200);
  redis.start();
  int n = 0;
  wait_until([&] {
    site.click(fmt::format("e{}", n++), 100, 13);
    redis.command({"PUBLISH", "lodestone:invalidate", "all"});
    static_cast<void>(site.list(fmt::format("/similar/{}", 10 + 3 * (n % 60))));
    std::this_thread::sleep_for(50ms);
    return site.get("/health").body.find("\"cache\":\"redis\"") != std::string::npos;
  });
}

TEST_F(RedisTest, no_request_fails_when_redis_is_killed_and_restarts) {
  Redis redis;
  Site site(redis.url(), remote_.port());
  site.start();
  ask_much(site, [&](int i) {
    if (i == 20) redis.kill();
    if (i == 50) redis.start();
    if (i == 80) redis.kill();
    if (i == 100) redis.start();
  });
}

TEST_F(RedisTest, no_request_fails_when_redis_does_not_answer) {
  const Redis redis;
  Site site(redis.url(), remote_.port());
  site.start();
  ask_much(site, [&](int i) {
    if (i == 20) redis.pause();
    if (i == 100) redis.resume();
  });
  EXPECT_GE(site.metric("cache_requests_total{operation=\"get\",status=\"timeout\"}"), 1);
}

TEST_F(RedisTest, no_request_fails_when_redis_is_full) {
  const Redis redis({"--maxmemory", "1mb", "--maxmemory-policy", "noeviction"});
  for (int i = 0;
       redis.command({"SET", fmt::format("fill{}", i), std::string(20'000, 'x')}).kind != cache::RespValue::Kind::kError; ++i)
    ASSERT_LT(i, 10'000);
  Site site(redis.url(), remote_.port());
  site.start();
  ask_much(site, [](int) {});
  EXPECT_GE(site.metric("cache_requests_total{operation=\"set\",status=\"error\"}"), 1);
}

TEST_F(RedisTest, no_request_fails_when_something_else_answers_in_its_place) {
  std::atomic<int> n{0};
  ScriptedServer mad([&n](std::string_view bytes) {
    const std::string nonsense[] = {"HTTP/1.1 400 Bad Request\r\n\r\n", "*3\r\n$-5\r\n", ":1\r\n", "$4\r\nwhat\r\n",
                                    std::string(5'000, '\0')};
    return ScriptedServer::Act{bytes.size(), nonsense[static_cast<std::size_t>(n++) % 5], 0ms, false};
  });
  cache::RedisUrl url;
  url.host = "127.0.0.1";
  url.port = mad.port();
  Site site(url, remote_.port());
  site.start();
  ask_much(site, [](int) {});
}

TEST_F(RedisTest, a_click_on_one_server_changes_the_list_on_all) {
  const Redis redis;
  Site a(redis.url(), remote_.port());
  Site b(redis.url(), remote_.port());
  a.start();
  b.start();
  const std::string before = own_list(b, 9'999);
  ASSERT_EQ(own_list(a, 9'999), before);
  a.click("first", 9'999, 13);
  const std::string after = own_list(a, 9'999);
  ASSERT_NE(after, before);
  wait_until([&] { return own_list(b, 9'999) == after; });
  b.click("second", 9'999, 22);
  const std::string later = own_list(b, 9'999);
  ASSERT_NE(later, after);
  wait_until([&] { return own_list(a, 9'999) == later; });
  // The event is known everywhere, so a client that sends it again elsewhere counts once.
  EXPECT_THAT(
      b.post("/events", R"([{"event_id":"first","kind":"click","user_id":9999,"dataset_id":13,"at":"2026-11-24T09:29:00Z"}])")
          .body,
      HasSubstr("\"duplicate\":1"));
  EXPECT_GE(b.metric("cache_hit_by_tier_total{tier=\"feature\"}"), 1);
}

TEST_F(RedisTest, a_server_that_was_away_reads_what_it_missed) {
  Redis redis;
  Site a(redis.url(), remote_.port());
  a.start();
  a.click("first", 9'999, 13);
  const std::string after = own_list(a, 9'999);
  wait_until([&] { return a.metric("shared_event_batches_total{outcome=\"sent\"}") >= 1; });
  Site b(redis.url(), remote_.port());
  b.start();
  wait_until([&] { return own_list(b, 9'999) == after; });
  // And both find Redis again after it was gone.
  redis.kill();
  redis.start();
  int n = 0;
  wait_until([&] {
    ++n;
    a.click(fmt::format("again{}", n), 9'998, 10 + 3 * (n % 50));
    std::this_thread::sleep_for(20ms);
    return own_list(b, 9'998) != own_list(b, 9'997).replace(11, 4, "9998");
  });
}

/// An entry of the stream, of another server's, with a text of so many bytes.
void add_entry(const Redis& redis, std::size_t n_bytes) {
  const cache::RespValue id =
      redis.command({"XADD", "lodestone:events", "*", "server", "other", "lines", std::string(n_bytes, 'x')});
  ASSERT_EQ(id.kind, cache::RespValue::Kind::kText) << id.text;
}

std::size_t n_times(std::string_view what, std::string_view in) {
  std::size_t n = 0;
  for (std::size_t at = in.find(what); at != std::string_view::npos; at = in.find(what, at + 1)) ++n;
  return n;
}

constexpr std::size_t kTooLarge = std::size_t{17} << 20U;

TEST_F(RedisTest, an_entry_that_is_too_large_to_read_costs_itself_alone) {
  const Redis redis;
  testing::internal::CaptureStderr();
  {
    Site a(redis.url(), remote_.port());
    Site b(redis.url(), remote_.port());
    for (Site* site : {&a, &b}) site->options.cache.feature->database = 0;
    a.start();
    b.start();
    const std::string before = own_list(b, 9'999);
    add_entry(redis, kTooLarge);
    add_entry(redis, 100);
    add_entry(redis, kTooLarge);
    a.click("first", 9'999, 13);
    const std::string after = own_list(a, 9'999);
    ASSERT_NE(after, before);
    wait_until([&] { return own_list(b, 9'999) == after; });
    EXPECT_EQ(b.metric("shared_event_batches_total{outcome=\"skipped\"}"), 2);
    EXPECT_EQ(b.metric("shared_event_batches_total{outcome=\"taken\"}"), 2);
    wait_until([&] { return a.metric("shared_event_batches_total{outcome=\"skipped\"}") == 2; });
  }
  EXPECT_EQ(n_times("is larger than a server reads and is passed over", testing::internal::GetCapturedStderr()), 2U)
      << "one a server";
}

TEST_F(RedisTest, a_redis_that_runs_no_scripts_is_told_what_to_delete) {
  const Redis redis({"--rename-command", "EVAL", ""});
  testing::internal::CaptureStderr();
  {
    Site a(redis.url(), remote_.port());
    a.options.cache.feature->database = 0;
    a.start();
    add_entry(redis, kTooLarge);
    std::string log;
    wait_until([&] {
      log += testing::internal::GetCapturedStderr();
      testing::internal::CaptureStderr();
      return log.find("keeps those after it back; delete it (XDEL). ERR unknown command") != std::string::npos;
    });
    redis.command({"XTRIM", "lodestone:events", "MAXLEN", "0"});
    add_entry(redis, 100);
    wait_until([&] { return a.metric("shared_event_batches_total{outcome=\"taken\"}") == 1; });
  }
  testing::internal::GetCapturedStderr();
}

TEST_F(RedisTest, many_events_at_once_become_many_small_entries) {
  const Redis redis;
  Site a(redis.url(), remote_.port());
  a.options.cache.feature->database = 0;
  a.start();
  constexpr int kPosts = 8;
  constexpr int kEvents = 500;
  for (int p = 0; p < kPosts; ++p) {
    std::string body;
    for (int i = 0; i < kEvents; ++i)
      body += fmt::format(R"({}{{"event_id":"e{:0100}","kind":"view","user_id":{},"dataset_id":13,"at":"2026-11-24T09:29:00Z"}})",
                          i == 0 ? "[" : ",", p * kEvents + i, p * kEvents + i + 1);
    ASSERT_EQ(a.post("/events", body + "]").status, 202);
  }
  wait_until([&] { return a.metric("shared_event_batches_total{outcome=\"sent\"}") >= 2 * kPosts; });
  const std::string script =
      "local most = 0 for _, entry in ipairs(redis.call('XRANGE', 'lodestone:events', '-', '+')) do most = math.max(most, "
      "#entry[2][4]) "
      "end return most";
  const std::int64_t most = redis.command({"EVAL", script, "0"}).integer;
  EXPECT_GT(most, 50'000) << "a post is more than an entry";
  EXPECT_LE(most, 96 << 10);
}

TEST_F(RedisTest, logs_in_with_the_password) {
  const Redis redis({"--requirepass", "s3cret"});
  cache::RedisUrl url = redis.url();
  url.password = "s3cret";
  Site a(url, remote_.port());
  a.start();
  static_cast<void>(a.list("/similar/13"));
  wait_until([&] { return a.metric("cache_requests_total{operation=\"set\",status=\"stored\"}") >= 1; });
}

TEST_F(RedisTest, a_channel_reads_sorted_sets_and_documents_from_redis) {
  const Redis redis;
  redis.command({"ZADD", "recs:13", "2.5", "64", "1.5", "70"});
  redis.command({"SET", "doc:13", R"({"items":[{"dataset_id":67,"score":3}]})"});
  Site site(std::nullopt, remote_.port());
  write_file_atomic(
      site.options.channels_file,
      fmt::format(
          "channels:\n  sets: {{url: \"redis://127.0.0.1:{0}\", key: \"recs:{{dataset_id}}\", deadline_ms: 10000, weight: 20}}\n"
          "  docs: {{url: \"redis://127.0.0.1:{0}\", key: \"doc:{{dataset_id}}\", form: json, deadline_ms: 10000, weight: 20}}\n",
          redis.port()));
  site.start();
  const std::string list = site.list("/similar/13?explain=true&limit=50");
  EXPECT_THAT(list, HasSubstr("\"sets\":{\"rank\":1,\"score\":2.5}"));
  EXPECT_THAT(list, HasSubstr("\"sets\":{\"rank\":2,\"score\":1.5}"));
  EXPECT_THAT(list, HasSubstr("\"docs\":{\"rank\":1,\"score\":3}"));
  EXPECT_THAT(site.list("/similar/16"), Not(HasSubstr("fallback:bundle"))) << "nothing there is an answer";
}

}  // namespace
}  // namespace lodestone
