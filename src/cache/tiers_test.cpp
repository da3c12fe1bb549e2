#include "cache/tiers.hpp"

#include <gtest/gtest.h>

#include <future>
#include <map>
#include <mutex>

#include "cache/flights.hpp"
#include "cache/io_loop.hpp"
#include "tests/support/scripted_server.hpp"

namespace lodestone::cache {
namespace {

using namespace std::chrono_literals;
using test::ScriptedServer;

/// As much of a Redis as the tiers need, with the commands it was given.
class SmallRedis {
 public:
  SmallRedis() : server_([this](std::string_view bytes) { return act(bytes); }) {}

  [[nodiscard]] RedisStore::Options options() const {
    RedisStore::Options out;
    out.client.url = RedisUrl::parse("redis://127.0.0.1:" + std::to_string(server_.port()), "key");
    out.get_timeout = out.set_timeout = 5'000ms;
    return out;
  }
  void put(const std::string& key, const std::string& value) {
    const std::lock_guard lock(mutex_);
    values_[key] = value;
  }
  std::string commands() {
    const std::lock_guard lock(mutex_);
    return std::exchange(commands_, "");
  }
  void answer_all_with(std::string answer) {
    const std::lock_guard lock(mutex_);
    fixed_ = std::move(answer);
  }

 private:
  ScriptedServer::Act act(std::string_view bytes) {
    RespParser parser;
    const RespParser::Fed fed = parser.feed(bytes);
    if (fed.state != RespParser::State::kValue) return {};
    const RespValue command = parser.take();
    const std::lock_guard lock(mutex_);
    for (const RespValue& part : command.items) commands_ += part.text + " ";
    commands_ += "; ";
    std::string answer = "+OK\r\n";
    const std::string& name = command.items[0].text;
    if (name == "SET") values_[command.items[1].text] = command.items[2].text;
    if (name == "DEL") values_.erase(command.items[1].text);
    if (name == "GET") {
      const auto found = values_.find(command.items[1].text);
      answer = found == values_.end() ? "$-1\r\n" : "$" + std::to_string(found->second.size()) + "\r\n" + found->second + "\r\n";
    }
    return {fed.consumed, fixed_.empty() ? answer : fixed_, 0ms, false};
  }

  std::mutex mutex_;
  std::map<std::string, std::string> values_;
  std::string commands_;
  std::string fixed_;
  ScriptedServer server_;
};

class RedisTiersTest : public testing::Test {
 protected:
  ~RedisTiersTest() override { loop_.stop(); }

  void start(bool with_hot = true) {
    if (with_hot) options_.hot = hot_.options();
    options_.cold = cold_.options();
    tiers_ = std::make_unique<RedisTiers>(loop_.context(), options_, metrics_, slots_);
    loop_.start();
  }
  /// "value from tier", "" for a miss.
  std::string get(const std::string& key) {
    std::promise<std::string> promise;
    loop_.post([&] {
      tiers_->get(key, [&](const std::optional<RedisTiers::Found>& found) {
        promise.set_value(found ? found->value + " from " + std::string(tier_name(found->tier)) : "");
      });
    });
    return promise.get_future().get();
  }
  void put(const std::string& key, const std::string& value, RedisTiers::Kind kind) {
    std::promise<void> promise;
    loop_.post([&] {
      tiers_->put(key, value, kind);
      promise.set_value();
    });
    promise.get_future().get();
    static_cast<void>(get("barrier"));  // both have answered what came before
  }
  std::uint64_t requests(CacheMetrics::Operation operation, CacheMetrics::Outcome outcome) const {
    return registry_.value(metrics_.of(operation, outcome));
  }

  SmallRedis hot_;
  SmallRedis cold_;
  metrics::Registry registry_;
  CacheMetrics metrics_{registry_};
  metrics::ThreadSlots& slots_ = registry_.register_thread();
  IoLoop loop_;
  RedisTiers::Options options_;
  std::unique_ptr<RedisTiers> tiers_;
};

TEST_F(RedisTiersTest, a_cold_hit_is_promoted_to_hot) {
  cold_.put("a", "1");
  start();
  EXPECT_EQ(get("a"), "1 from cold");
  EXPECT_EQ(get("a"), "1 from hot");
  EXPECT_EQ(get("b"), "");
  EXPECT_EQ(registry_.value(metrics_.hits[static_cast<std::size_t>(Tier::kHot)]), 1U);
  EXPECT_EQ(registry_.value(metrics_.hits[static_cast<std::size_t>(Tier::kCold)]), 1U);
}

TEST_F(RedisTiersTest, what_is_popular_is_hot_for_minutes_and_cold_for_an_hour) {
  start();
  put("a", "1", RedisTiers::Kind::kPopular);
  EXPECT_EQ(hot_.commands(), "SET a 1 PX 300000 ; GET barrier ; ");
  EXPECT_EQ(cold_.commands(), "SET a 1 PX 3600000 ; GET barrier ; ");
}

TEST_F(RedisTiersTest, the_rest_is_cold_for_a_day) {
  start();
  put("a", "1", RedisTiers::Kind::kRest);
  EXPECT_EQ(hot_.commands(), "GET barrier ; ");
  EXPECT_EQ(cold_.commands(), "SET a 1 PX 86400000 ; GET barrier ; ");
}

TEST_F(RedisTiersTest, that_there_is_nothing_is_kept_for_a_short_time) {
  start();
  put("a", "", RedisTiers::Kind::kNegative);
  EXPECT_EQ(hot_.commands(), "SET a  PX 30000 ; GET barrier ; ");
  EXPECT_EQ(get("a"), " from hot");
}

TEST_F(RedisTiersTest, a_hot_tier_that_fails_is_not_waited_for_twice) {
  hot_.answer_all_with("-LOADING Redis is loading the dataset in memory\r\n");
  cold_.put("a", "1");
  start();
  EXPECT_EQ(get("a"), "");
  EXPECT_EQ(cold_.commands(), "");
  EXPECT_EQ(requests(CacheMetrics::Operation::kGet, CacheMetrics::Outcome::kError), 1U);
}

TEST_F(RedisTiersTest, a_full_redis_still_gives_what_it_has) {
  hot_.put("a", "1");
  start();
  EXPECT_EQ(get("a"), "1 from hot");
  hot_.answer_all_with("-OOM command not allowed when used memory > 'maxmemory'.\r\n");
  for (int i = 0; i < 20; ++i) put("b", "2", RedisTiers::Kind::kPopular);
  EXPECT_GE(requests(CacheMetrics::Operation::kSet, CacheMetrics::Outcome::kError), 20U);
  hot_.answer_all_with("");
  EXPECT_EQ(get("a"), "1 from hot") << "the breaker stays closed: it answers, if with errors";
}

TEST_F(RedisTiersTest, five_failures_open_the_breaker_and_then_nothing_is_asked) {
  hot_.answer_all_with("nonsense\r\n");
  options_.hot = hot_.options();
  start();
  for (int i = 0; tiers_->hot()->state() != Breaker::State::kOpen; ++i) {
    ASSERT_LT(i, 10);
    EXPECT_EQ(get("a"), "");
  }
  EXPECT_EQ(get("a"), "");
  EXPECT_EQ(requests(CacheMetrics::Operation::kGet, CacheMetrics::Outcome::kOpen), 1U);
}

TEST(Flights, only_the_first_fetches_and_all_are_told) {
  Flights<int> flights;
  std::string told;
  EXPECT_TRUE(flights.join("a", [&](int v) { told += "first " + std::to_string(v) + ";"; }));
  EXPECT_FALSE(flights.join("a", [&](int v) { told += "second " + std::to_string(v) + ";"; }));
  EXPECT_TRUE(flights.join("b", [&](int v) { told += "other " + std::to_string(v) + ";"; }));
  flights.land("a", 7);
  EXPECT_EQ(told, "first 7;second 7;");
  EXPECT_TRUE(flights.join("a", [](int) {})) << "that flight is over";
  EXPECT_EQ(flights.size(), 2U);
}

}  // namespace
}  // namespace lodestone::cache
