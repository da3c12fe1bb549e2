// Events of other servers, from a Redis that says what the test tells it to.
#include "serving/event_share.hpp"

#include <fmt/core.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <thread>

#include "cache/resp_parser.hpp"
#include "tests/support/scripted_server.hpp"

namespace lodestone::serving {
namespace {

using namespace std::chrono_literals;
using test::ScriptedServer;
using ::testing::ElementsAre;

std::string bulk(std::string_view text) { return fmt::format("${}\r\n{}\r\n", text.size(), text); }

/// One entry of the stream: events of these ids, of another server.
std::string entry(const std::string& at, const std::vector<std::string>& ids) {
  std::string lines;
  for (const std::string& id : ids) {
    PostedEvent event;
    event.event_id = id;
    event.user = UserId(1);
    event.item = ItemId(5);
    event.at = event.received_at = *parse_time("2026-11-24T09:30:00Z");
    append_line(lines, event);
  }
  return "*2\r\n" + bulk(at) + "*4\r\n" + bulk("server") + bulk("other") + bulk("lines") + bulk(lines);
}
/// A reply to XREAD.
std::string reply(const std::vector<std::string>& entries) {
  std::string out = "*1\r\n*2\r\n" + bulk("lodestone:events") + fmt::format("*{}\r\n", entries.size());
  for (const std::string& one : entries) out += one;
  return out;
}

const std::string kNothing = "*-1\r\n";

/// Remembers what it is fed, and does what the test wants before.
class Fed final : public EventSink {
 public:
  void add(std::span<const PostedEvent> events) override {
    if (before) before();
    const std::lock_guard lock(mutex_);
    for (const PostedEvent& event : events) ids_.push_back(event.event_id);
    is_fed_.notify_all();
  }
  /// Waits for so many.
  std::vector<std::string> wait_for(std::size_t n) {
    std::unique_lock lock(mutex_);
    is_fed_.wait(lock, [&] { return ids_.size() >= n; });
    return ids_;
  }
  std::function<void()> before;

 private:
  std::mutex mutex_;
  std::condition_variable is_fed_;
  std::vector<std::string> ids_;
};

class EventShareTest : public testing::Test {
 protected:
  using Parts = std::vector<std::string>;
  ~EventShareTest() override {
    journal_.stop();
    loop_.stop();
  }
  /// Follows a stream whose XREADs `answer` answers.
  void follow(std::function<std::string(const Parts&)> answer) {
    redis_ = std::make_unique<ScriptedServer>([answer = std::move(answer)](std::string_view bytes) mutable {
      cache::RespParser parser;
      const cache::RespParser::Fed fed = parser.feed(bytes);
      if (fed.state != cache::RespParser::State::kValue) return ScriptedServer::Act{};
      Parts parts;
      for (const cache::RespValue& part : parser.take().items) parts.push_back(part.text);
      std::string said = answer(parts);
      const bool closes = said.empty();
      return ScriptedServer::Act{fed.consumed, std::move(said), 0ms, closes};
    });
    EventShare::Options options;
    options.store.client.url.host = "127.0.0.1";
    options.store.client.url.port = redis_->port();
    options.store.client.backoff_min = options.store.client.backoff_max = 1ms;
    share_ = std::make_unique<EventShare>(loop_, options, "this", cache_metrics_, registry_, clock_);
    journal_.start();
    journal_.wait_until_read();
    share_->start(journal_);
    loop_.start();
  }

  // What scripts touch outlives the server that runs them.
  std::atomic<int> n_read_{0};
  std::vector<int> read_when_fed_;
  std::mutex mutex_;
  std::vector<std::string> asked_;

  TemporaryFolder folder_;
  FixedClock clock_{*parse_time("2026-11-24T09:30:00Z")};
  metrics::Registry registry_;
  cache::CacheMetrics cache_metrics_{registry_};
  Fed fed_;
  cache::IoLoop loop_;
  std::unique_ptr<ScriptedServer> redis_;
  std::unique_ptr<EventShare> share_;
  EventJournal journal_{{.segments = {.folder = folder_.path() / "events"}, .on_stored = {}}, {&fed_}, registry_, clock_};
};

TEST_F(EventShareTest, a_backlog_is_read_no_faster_than_the_journal_takes_it) {
  fed_.before = [this] {
    // Time in which a reader that does not wait reads on.
    for (int i = 0; i < 30 && n_read_.load() < 3; ++i) std::this_thread::sleep_for(1ms);
    read_when_fed_.push_back(n_read_.load());
  };
  follow([this](const Parts&) {
    const int n = ++n_read_;
    if (n > 3) return kNothing;
    return reply(
        {entry(fmt::format("{}-0", n), {fmt::format("a{}", n)}), entry(fmt::format("{}-1", n), {fmt::format("b{}", n)})});
  });
  EXPECT_THAT(fed_.wait_for(6), ElementsAre("a1", "b1", "a2", "b2", "a3", "b3"));
  EXPECT_THAT(read_when_fed_, ElementsAre(1, 1, 2, 2, 3, 3));
}

TEST_F(EventShareTest, entries_that_are_too_large_together_are_read_one_by_one) {
  follow([this](const Parts& parts) -> std::string {
    const std::lock_guard lock(mutex_);
    asked_.push_back(parts[2] + " after " + parts[7]);
    if (parts[7] == "2-0") return kNothing;
    if (parts[2] == "100") return "";  // which is what a reply beyond the limits comes to
    return parts[7] == "1-0" ? reply({entry("2-0", {"b"})}) : reply({entry("1-0", {"a"})});
  });
  EXPECT_THAT(fed_.wait_for(2), ElementsAre("a", "b"));
  const std::lock_guard lock(mutex_);
  ASSERT_GE(asked_.size(), 3U);
  EXPECT_TRUE(asked_[0].starts_with("100 after ")) << asked_[0];
  EXPECT_TRUE(asked_[1].starts_with("1 after ")) << asked_[1];
  EXPECT_EQ(asked_[2], "2 after 1-0");
}

TEST_F(EventShareTest, a_large_entry_comes_whole_and_a_damaged_line_costs_itself) {
  std::vector<std::string> ids;
  for (int i = 0; i < 2'000; ++i) ids.push_back(fmt::format("event-{}", i));
  std::string large = entry("1-0", ids);
  large[large.find("event-7\"")] = 'x';
  follow([large, n = 0](const Parts&) mutable { return n++ == 0 ? reply({large}) : kNothing; });
  ids.erase(ids.begin() + 7);
  EXPECT_EQ(fed_.wait_for(ids.size()), ids);
}

TEST_F(EventShareTest, what_this_server_sent_itself_is_passed_over) {
  std::string own = entry("1-0", {"mine"});
  own.replace(own.find("$5\r\nother"), 9, "$4\r\nthis");
  follow([own, n = 0](const Parts&) mutable { return n++ == 0 ? reply({own, entry("2-0", {"theirs"})}) : kNothing; });
  EXPECT_THAT(fed_.wait_for(1), ElementsAre("theirs"));
}

}  // namespace
}  // namespace lodestone::serving
