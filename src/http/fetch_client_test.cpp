#include "http/fetch_client.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <future>
#include <thread>

#include "tests/support/scripted_server.hpp"
#include "tests/support/two_addresses.hpp"

namespace lodestone::http {
namespace {

using namespace std::chrono_literals;
using Status = Fetched::Status;
using test::ScriptedServer;

class FetchClientTest : public testing::Test {
 protected:
  ~FetchClientTest() override {
    context_.stop();
    if (thread_.joinable()) thread_.join();
  }
  void connect(std::uint16_t port, const std::string& host = "127.0.0.1") {
    options_.host = host;
    options_.port = port;
    client_ = std::make_unique<FetchClient>(context_, options_);
    thread_ = std::thread([this] { context_.run(); });
  }
  std::future<Fetched> begin(const std::string& target, std::chrono::milliseconds deadline = 5'000ms) {
    auto promise = std::make_shared<std::promise<Fetched>>();
    asio::post(context_, [this, target, deadline, promise] {
      client_->get(target, deadline, [promise](Fetched fetched) { promise->set_value(std::move(fetched)); });
    });
    return promise->get_future();
  }
  Fetched get(const std::string& target, std::chrono::milliseconds deadline = 5'000ms) { return begin(target, deadline).get(); }

  FetchClient::Options options_;
  asio::io_context context_{1};
  asio::executor_work_guard<asio::io_context::executor_type> work_{context_.get_executor()};
  std::unique_ptr<FetchClient> client_;
  std::thread thread_;
};

TEST_F(FetchClientTest, requests_follow_each_other_on_one_connection) {
  ScriptedServer server(
      [](std::string_view bytes) { return ScriptedServer::answer_http(bytes, 200, ScriptedServer::http_target(bytes)); });
  connect(server.port());
  for (int i = 0; i < 20; ++i) {
    const Fetched fetched = get("/a?i=" + std::to_string(i));
    ASSERT_EQ(fetched.status, Status::kAnswer);
    EXPECT_EQ(fetched.http_status, 200);
    EXPECT_EQ(fetched.body, "/a?i=" + std::to_string(i));
  }
  EXPECT_EQ(server.n_connections(), 1);
}

TEST_F(FetchClientTest, requests_at_once_take_a_connection_each_and_no_more_than_allowed) {
  ScriptedServer server([](std::string_view bytes) { return ScriptedServer::answer_http(bytes, 200, "x", 50ms); });
  options_.connections = 3;
  connect(server.port());
  std::vector<std::future<Fetched>> all;
  for (int i = 0; i < 4; ++i) all.push_back(begin("/"));
  for (int i = 0; i < 3; ++i) EXPECT_EQ(all[static_cast<std::size_t>(i)].get().status, Status::kAnswer);
  EXPECT_EQ(all[3].get().status, Status::kUnavailable);
  EXPECT_EQ(server.n_connections(), 3);
}

TEST_F(FetchClientTest, a_late_request_is_cancelled_and_the_next_one_works) {
  std::atomic<bool> is_slow{true};
  ScriptedServer server(
      [&](std::string_view bytes) { return ScriptedServer::answer_http(bytes, 200, "x", is_slow ? 10'000ms : 0ms); });
  connect(server.port());
  EXPECT_EQ(get("/", 20ms).status, Status::kTimeout);
  is_slow = false;
  EXPECT_EQ(get("/").status, Status::kAnswer);
  EXPECT_EQ(server.n_connections(), 2) << "the connection of the late one is closed";
}

TEST_F(FetchClientTest, a_connection_that_was_closed_while_idle_costs_no_request) {
  ScriptedServer server([](std::string_view bytes) {
    ScriptedServer::Act act = ScriptedServer::answer_http(bytes, 200, "x");
    act.closes = true;  // without saying so
    return act;
  });
  connect(server.port());
  for (int i = 0; i < 5; ++i) EXPECT_EQ(get("/").status, Status::kAnswer);
  EXPECT_EQ(server.n_connections(), 5);
}

TEST_F(FetchClientTest, what_was_idle_for_long_is_closed) {
  ScriptedServer server([](std::string_view bytes) { return ScriptedServer::answer_http(bytes, 200, "x"); });
  options_.idle_time = 20ms;
  connect(server.port());
  EXPECT_EQ(get("/").status, Status::kAnswer);
  const auto n_connections = [this] {
    std::promise<std::size_t> n;
    asio::post(context_, [&] { n.set_value(client_->n_connections()); });
    return n.get_future().get();
  };
  while (n_connections() > 0) std::this_thread::sleep_for(1ms);
  EXPECT_EQ(get("/").status, Status::kAnswer);
  EXPECT_EQ(server.n_connections(), 2);
}

TEST_F(FetchClientTest, nonsense_is_no_answer) {
  ScriptedServer mad([](std::string_view bytes) {
    return ScriptedServer::Act{bytes.size(), "-ERR unknown command\r\n", 0ms, false};
  });
  connect(mad.port());
  EXPECT_EQ(get("/").status, Status::kBroken);
  EXPECT_EQ(get("/").status, Status::kBroken);
}

TEST_F(FetchClientTest, nobody_listening_is_unavailable) {
  std::uint16_t port = 0;
  {
    const ScriptedServer gone([](std::string_view) { return ScriptedServer::Act{}; });
    port = gone.port();
  }
  connect(port);
  EXPECT_EQ(get("/").status, Status::kUnavailable);
}

TEST_F(FetchClientTest, takes_the_second_address_of_a_name_when_nobody_listens_on_the_first) {
  ScriptedServer server([](std::string_view bytes) { return ScriptedServer::answer_http(bytes, 200, "x"); });
  connect(server.port(), test::kTwoAddresses);
  EXPECT_EQ(get("/").status, Status::kAnswer);
  EXPECT_EQ(get("/").status, Status::kAnswer);
  EXPECT_EQ(server.n_connections(), 1);
}

TEST_F(FetchClientTest, a_server_that_hangs_up_inside_the_answer_is_no_answer) {
  ScriptedServer server([](std::string_view bytes) {
    return ScriptedServer::Act{bytes.size(), "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel", 0ms, true};
  });
  connect(server.port());
  EXPECT_EQ(get("/").status, Status::kBroken);
}

}  // namespace
}  // namespace lodestone::http
