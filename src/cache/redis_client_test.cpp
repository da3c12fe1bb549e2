#include "cache/redis_client.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>

#include "cache/io_loop.hpp"
#include "tests/support/scripted_server.hpp"
#include "tests/support/two_addresses.hpp"

namespace lodestone::cache {
namespace {

using namespace std::chrono_literals;
using Status = RedisReply::Status;
using test::ScriptedServer;

constexpr auto kLong = 5'000ms;

/// Takes whole lines of "*N" commands as one act each, however many parts they have.
std::size_t command_size(std::string_view bytes) {
  RespParser parser;
  const RespParser::Fed fed = parser.feed(bytes);
  return fed.state == RespParser::State::kValue ? fed.consumed : 0;
}

ScriptedServer::Script always(std::string answer, std::chrono::milliseconds after = 0ms) {
  return [answer, after](std::string_view bytes) { return ScriptedServer::Act{command_size(bytes), answer, after, false}; };
}

class RedisClientTest : public testing::Test {
 protected:
  ~RedisClientTest() override { loop_.stop(); }

  void connect(std::uint16_t port, const std::string& login = "", const std::string& database = "",
               const std::string& host = "127.0.0.1") {
    options_.url = RedisUrl::parse("redis://" + login + host + ":" + std::to_string(port) + database, "key");
    client_ = std::make_unique<RedisClient>(loop_.context(), options_);
    loop_.start();
  }
  std::future<RedisReply> begin(std::vector<std::string> command, std::chrono::milliseconds deadline = kLong) {
    auto promise = std::make_shared<std::promise<RedisReply>>();
    loop_.post([this, command = std::move(command), deadline, promise] {
      const std::vector<std::string_view> parts(command.begin(), command.end());
      client_->send(parts, deadline, [promise](RedisReply reply) { promise->set_value(std::move(reply)); });
    });
    return promise->get_future();
  }
  RedisReply ask(std::vector<std::string> command, std::chrono::milliseconds deadline = kLong) {
    return begin(std::move(command), deadline).get();
  }

  RedisClient::Options options_;
  IoLoop loop_;
  std::unique_ptr<RedisClient> client_;
};

TEST_F(RedisClientTest, commands_share_one_connection_and_replies_keep_their_order) {
  int n = 0;
  ScriptedServer server([&n](std::string_view bytes) {
    const std::size_t size = command_size(bytes);
    return ScriptedServer::Act{size, size == 0 ? "" : ":" + std::to_string(n++) + "\r\n", 0ms, false};
  });
  connect(server.port());
  std::vector<std::future<RedisReply>> replies;
  for (int i = 0; i < 200; ++i) replies.push_back(begin({"GET", std::to_string(i)}));
  for (int i = 0; i < 200; ++i) {
    const RedisReply reply = replies[static_cast<std::size_t>(i)].get();
    ASSERT_EQ(reply.status, Status::kReply);
    ASSERT_EQ(reply.value.integer, i);
  }
  EXPECT_EQ(server.n_connections(), 1);
}

TEST_F(RedisClientTest, logs_in_and_selects_before_anything_else) {
  std::string seen;
  ScriptedServer server([&seen](std::string_view bytes) {
    const std::size_t size = command_size(bytes);
    seen += bytes.substr(0, size);
    return ScriptedServer::Act{size, "+OK\r\n", 0ms, false};
  });
  connect(server.port(), "app:s3cret@", "/2");
  EXPECT_EQ(ask({"GET", "a"}).value.text, "OK");
  EXPECT_EQ(seen,
            "*3\r\n$4\r\nAUTH\r\n$3\r\napp\r\n$6\r\ns3cret\r\n*2\r\n$6\r\nSELECT\r\n$1\r\n2\r\n*2\r\n$3\r\nGET\r\n$1\r\na\r\n");
}

TEST_F(RedisClientTest, takes_the_second_address_of_a_name_when_nobody_listens_on_the_first) {
  ScriptedServer server(always("+OK\r\n"));
  connect(server.port(), "", "", test::kTwoAddresses);
  EXPECT_EQ(ask({"GET", "a"}).value.text, "OK");
}

TEST_F(RedisClientTest, a_refused_login_fails_the_commands) {
  ScriptedServer server(always("-WRONGPASS invalid username-password pair\r\n"));
  connect(server.port(), ":wrong@");
  EXPECT_EQ(ask({"GET", "a"}).status, Status::kUnavailable);
}

TEST_F(RedisClientTest, an_error_is_told_apart_from_a_reply) {
  ScriptedServer server(always("-OOM command not allowed\r\n"));
  connect(server.port());
  const RedisReply reply = ask({"SET", "a", "b"});
  EXPECT_EQ(reply.status, Status::kError);
  EXPECT_EQ(reply.value.text, "OOM command not allowed");
}

TEST_F(RedisClientTest, nobody_listening_fails_at_once) {
  std::uint16_t port = 0;
  {
    const ScriptedServer gone(always(""));
    port = gone.port();
  }
  connect(port);
  EXPECT_EQ(ask({"GET", "a"}).status, Status::kUnavailable);
  EXPECT_EQ(ask({"GET", "a"}).status, Status::kUnavailable);
}

TEST_F(RedisClientTest, a_late_reply_is_a_timeout_and_does_not_shift_the_next) {
  int n = 0;
  ScriptedServer server([&n](std::string_view bytes) {
    const std::size_t size = command_size(bytes);
    if (size == 0) return ScriptedServer::Act{};
    const bool late = n == 0;
    return ScriptedServer::Act{size, ":" + std::to_string(n++) + "\r\n", late ? 100ms : 0ms, false};
  });
  connect(server.port());
  EXPECT_EQ(ask({"GET", "0"}, 10ms).status, Status::kTimeout);
  const RedisReply next = ask({"GET", "1"});
  EXPECT_EQ(next.status, Status::kReply);
  EXPECT_EQ(next.value.integer, 1) << "it waited behind the late one";
}

TEST_F(RedisClientTest, a_connection_that_owes_a_reply_for_long_is_given_up) {
  ScriptedServer server([](std::string_view bytes) { return ScriptedServer::Act{bytes.size(), "", 0ms, false}; });
  options_.stalled_after = 50ms;
  connect(server.port());
  EXPECT_EQ(ask({"GET", "a"}, 10ms).status, Status::kTimeout);
  for (int i = 0; server.n_connections() < 2; ++i) {
    ASSERT_LT(i, 1'000);
    static_cast<void>(ask({"GET", "a"}, 10ms));
    std::this_thread::sleep_for(5ms);
  }
}

TEST_F(RedisClientTest, nonsense_ends_the_connection_and_the_next_one_works) {
  std::atomic<bool> is_mad{true};
  ScriptedServer server([&is_mad](std::string_view bytes) {
    return ScriptedServer::Act{command_size(bytes), is_mad.load() ? "HTTP/1.1 400 Bad Request\r\n\r\n" : "+OK\r\n", 0ms, false};
  });
  options_.backoff_min = 1ms;
  options_.backoff_max = 1ms;
  connect(server.port());
  EXPECT_EQ(ask({"GET", "a"}).status, Status::kUnavailable);
  is_mad = false;
  RedisReply reply;
  for (int i = 0; reply.status != Status::kReply; ++i) {
    ASSERT_LT(i, 1'000);
    std::this_thread::sleep_for(2ms);
    reply = ask({"GET", "a"});
  }
  EXPECT_EQ(reply.value.text, "OK");
}

TEST_F(RedisClientTest, a_reply_that_is_too_large_is_told_to_who_asked_and_the_next_connection_works) {
  ScriptedServer server([](std::string_view bytes) {
    const bool is_large = bytes.find("large") != std::string_view::npos;
    return ScriptedServer::Act{command_size(bytes), is_large ? "$17000000\r\n" : "+OK\r\n", 0ms, false};
  });
  options_.backoff_min = 1ms;
  options_.backoff_max = 1ms;
  connect(server.port());
  EXPECT_EQ(ask({"GET", "large"}).status, Status::kTooLarge);
  for (int i = 0; ask({"GET", "small"}).status != Status::kReply; ++i) {
    ASSERT_LT(i, 1'000);
    std::this_thread::sleep_for(2ms);
  }
}

TEST_F(RedisClientTest, a_reply_that_nobody_asked_for_ends_the_connection) {
  ScriptedServer server(always("+OK\r\n+OK\r\n"));
  connect(server.port());
  EXPECT_EQ(ask({"GET", "a"}).status, Status::kReply);
  for (int i = 0; ask({"GET", "a"}).status == Status::kReply; ++i) ASSERT_LT(i, 1'000);
}

TEST_F(RedisClientTest, too_much_that_waits_fails_at_once) {
  ScriptedServer server([](std::string_view bytes) { return ScriptedServer::Act{bytes.size(), "", 0ms, false}; });
  options_.waiting = 3;
  connect(server.port());
  std::vector<std::future<RedisReply>> waiting;
  for (int i = 0; i < 3; ++i) waiting.push_back(begin({"GET", "a"}, 300ms));
  EXPECT_EQ(ask({"GET", "a"}).status, Status::kUnavailable);
  for (auto& one : waiting) EXPECT_EQ(one.get().status, Status::kTimeout);
}

}  // namespace
}  // namespace lodestone::cache
