#pragma once
// Servers over a real Redis.

#include <fmt/core.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <optional>
#include <string>
#include <thread>

#include "tests/support/redis.hpp"
#include "tests/support/scripted_server.hpp"
#include "tests/support/serving_site.hpp"

namespace lodestone {

using namespace std::chrono_literals;
using test::Redis;
using test::ScriptedServer;
using testing::HasSubstr;
using testing::Not;

class Site : public test::ServingSite {
 public:
  Site(const std::optional<cache::RedisUrl>& hot, std::uint16_t remote_port) {
    if (hot) {
      options.cache.hot = hot;
      options.cache.cold = hot;
      options.cache.cold->database = 1;
      options.cache.feature = hot;
      options.cache.feature->database = 2;
    }
    options.cache.preheat_items = 0;
    options.cache.request_timeout = 20'000ms;
    options.cache.breaker.rest = 300ms;
    options.channels_file = folder.path() / "channels.yaml";
    write_file_atomic(
        options.channels_file,
        fmt::format("channels: {{graph: {{url: \"http://127.0.0.1:{}/g?dataset_id={{dataset_id}}\", deadline_ms: 10000}}}}",
                    remote_port));
    publish(pack_sample());
  }
  double metric(const std::string& series) const {
    const std::string text = registry.expose();
    const std::size_t at = text.find("\n" + series + " ");
    return at == std::string::npos ? -1 : std::stod(text.substr(at + series.size() + 2));
  }
  std::string list(std::string_view target) const {
    const test::HttpAnswer answer = get(target);
    EXPECT_EQ(answer.status, 200) << answer.body;
    return answer.body.substr(0, answer.body.find("\"request_id\""));
  }
  /// Posts a click; the id has to be new.
  void click(const std::string& id, int user, int item) const {
    const std::string body = fmt::format(
        R"([{{"event_id":"{}","kind":"click","user_id":{},"dataset_id":{},"at":"2026-11-24T09:29:00Z"}}])", id, user, item);
    const test::HttpAnswer answer = post("/events", body);
    EXPECT_EQ(answer.status, 202) << answer.body;
    EXPECT_THAT(answer.body, HasSubstr("\"accepted\":1"));
  }
};

/// Until it holds; the test's time limit is the only one.
inline void wait_until(const std::function<bool()>& holds) {
  while (!holds()) std::this_thread::sleep_for(5ms);
}

class RedisTest : public testing::Test {
 protected:
  ScriptedServer remote_{[](std::string_view bytes) {
    return ScriptedServer::answer_http(bytes, 200, R"({"items":[{"dataset_id":64,"score":9},{"dataset_id":70,"score":8}]})");
  }};
};

/// Many different requests while something is done to Redis in between; every one is answered in full.
inline void ask_much(Site& site, const std::function<void(int)>& between) {
  for (int i = 0; i < 120; ++i) {
    between(i);
    const std::string list = site.list(fmt::format("/similar/{}?limit=50", 10 + 3 * (i % 60)));
    EXPECT_THAT(list, HasSubstr("dataset_id"));
    EXPECT_THAT(list, Not(HasSubstr("fallback:bundle")));
  }
}

/// Whether the user's list tells that the item was looked at: the channel of what comes after it, or its neighbours, moved.
inline std::string own_list(const Site& site, int user) {
  return site.list(fmt::format("/recommend/user/{}?limit=50&explain=true", user));
}

}  // namespace lodestone
