#include "http/listener.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <future>
#include <thread>

#include "base/error.hpp"
#include "tests/support/http_client.hpp"

namespace lodestone::http {
namespace {

using test::HttpConnection;
using ::testing::HasSubstr;

class ListenerTest : public ::testing::Test {
 protected:
  ListenerTest() {
    router.add(Method::kGet, "/ok", [](const Request&, Response& response) { response.out() += "{\"ok\":true}"; });
    router.add(Method::kGet, "/big", [](const Request&, Response& response) { response.out().append(3'000'000, 'x'); });
    router.add(Method::kGet, "/wait", [this](const Request&, Response& response) {
      entered.set_value();
      release.get_future().wait();
      response.out() += "{}";
    });
    router.add(Method::kPost, "/length",
               [](const Request& request, Response& response) { response.out() += std::to_string(request.body.size()); });
    options.n_threads = 2;
  }
  Listener& start() {
    listener = std::make_unique<Listener>(router, options);
    listener->start();
    return *listener;
  }

  Router router;
  ListenOptions options;
  std::promise<void> entered;
  std::promise<void> release;
  std::unique_ptr<Listener> listener;
};

std::string sentence(const Router& router, const ListenOptions& options) {
  try {
    const Listener listener(router, options);
  } catch (const Error& error) {
    return error.message();
  }
  return "";
}

TEST_F(ListenerTest, serves_many_connections_from_two_threads) {
  const std::uint16_t port = start().port();
  std::vector<std::thread> clients;
  std::atomic<int> good{0};
  for (int c = 0; c < 8; ++c) {
    clients.emplace_back([&] {
      HttpConnection connection(port);
      for (int i = 0; i < 50; ++i) good += connection.get("/ok").body == "{\"ok\":true}" ? 1 : 0;
    });
  }
  for (std::thread& client : clients) client.join();
  EXPECT_EQ(good, 400);
}

TEST_F(ListenerTest, a_waiting_answer_holds_no_thread_and_no_stop_loses_it) {
  options.n_threads = 1;
  std::promise<std::function<void()>> given;
  router.add_deferred("/later", [&](const Request&, Response&) {
    auto rest = std::make_unique<Deferred>();
    rest->start = [&](std::function<void()> resume) { given.set_value(std::move(resume)); };
    rest->finish = [](const Request& request, Response& response) { response.out() += request.body; };
    return rest;
  });
  HttpConnection waiting(start().port());
  waiting.send("POST /later HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody");
  const std::function<void()> resume = given.get_future().get();
  EXPECT_EQ(HttpConnection(listener->port()).get("/ok").status, 200);
  std::thread stopping([&] { listener->stop(std::chrono::seconds(30)); });
  resume();
  EXPECT_EQ(waiting.read()->body, "body");
  stopping.join();
}

TEST_F(ListenerTest, answers_pipelined_requests_and_big_bodies) {
  HttpConnection connection(start().port());
  std::string text;
  for (int i = 0; i < 200; ++i) text += "GET /ok HTTP/1.1\r\nHost: a\r\n\r\n";
  text += "GET /big HTTP/1.1\r\nHost: a\r\n\r\n";
  connection.send(text);
  for (int i = 0; i < 200; ++i) EXPECT_EQ(connection.read()->status, 200);
  EXPECT_EQ(connection.read()->body.size(), 3'000'000U);
}

TEST_F(ListenerTest, takes_a_body_of_the_limit_and_refuses_one_more) {
  const std::uint16_t port = start().port();
  const std::string body(options.limits.body_bytes, 'x');
  EXPECT_EQ(HttpConnection(port).request("POST", "/length", "", body).body, "1048576");
  const auto refused = HttpConnection(port).request("POST", "/length", "", body + "x");
  EXPECT_EQ(refused.status, 413);
  EXPECT_EQ(refused.header("connection"), "close");
}

TEST_F(ListenerTest, says_continue) {
  HttpConnection connection(start().port());
  connection.send("POST /length HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n");
  EXPECT_EQ(connection.read()->status, 100);
  connection.send("abc");
  EXPECT_EQ(connection.read()->body, "3");
}

TEST_F(ListenerTest, refuses_long_headers_and_targets) {
  const std::uint16_t port = start().port();
  EXPECT_EQ(test::http_get(port, "/ok", "X: " + std::string(9'000, 'x') + "\r\n").status, 431);
  EXPECT_EQ(test::http_get(port, "/" + std::string(5'000, 'x')).status, 414);
}

TEST_F(ListenerTest, ends_a_header_that_trickles_in_with_408) {
  options.limits.header_timeout = std::chrono::milliseconds(80);
  HttpConnection connection(start().port());
  connection.send("GET /ok HTTP/1.1\r\n");
  const auto answer = connection.read();
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ(answer->status, 408);
  EXPECT_THAT(answer->body, HasSubstr("the request did not arrive in time"));
  EXPECT_TRUE(connection.is_closed_by_peer());
}

TEST_F(ListenerTest, bytes_that_trickle_in_do_not_extend_the_time) {
  options.limits.header_timeout = std::chrono::milliseconds(80);
  HttpConnection connection(start().port());
  std::jthread drip([&](const std::stop_token& stop) {
    connection.send("GET /ok HTTP/1.1\r\nX: ");
    while (!stop.stop_requested() && connection.send("a")) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  });
  EXPECT_EQ(connection.read()->status, 408);
}

TEST_F(ListenerTest, ends_a_body_that_does_not_come_with_408) {
  options.limits.body_timeout = std::chrono::milliseconds(80);
  HttpConnection connection(start().port());
  connection.send("POST /length HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc");
  EXPECT_EQ(connection.read()->status, 408);
}

TEST_F(ListenerTest, closes_idle_connections) {
  options.limits.idle_timeout = std::chrono::milliseconds(80);
  HttpConnection connection(start().port());
  EXPECT_EQ(connection.get("/ok").status, 200);
  EXPECT_TRUE(connection.is_closed_by_peer());
}

TEST_F(ListenerTest, gives_up_on_a_client_that_does_not_read) {
  options.limits.write_timeout = std::chrono::milliseconds(80);
  options.limits.pipelined = 4;
  Listener& server = start();
  HttpConnection connection(server.port());
  EXPECT_EQ(connection.get("/ok").status, 200);
  std::string text;
  for (int i = 0; i < 20; ++i) text += "GET /big HTTP/1.1\r\nHost: a\r\n\r\n";
  connection.send(text);
  while (server.n_connections() != 0) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  SUCCEED();  // a server that waited for ever would run into the test's time limit
}

TEST_F(ListenerTest, one_connection_too_many_gets_503) {
  options.limits.connections = 2;
  Listener& server = start();
  HttpConnection first(server.port());
  HttpConnection second(server.port());
  EXPECT_EQ(first.get("/ok").status, 200);
  EXPECT_EQ(second.get("/ok").status, 200);
  HttpConnection third(server.port());
  const auto answer = third.read();
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ(answer->status, 503);
  EXPECT_EQ(answer->header("retry-after"), "1");
  EXPECT_EQ(answer->header("content-type"), "application/problem+json");
  EXPECT_EQ(first.get("/ok").status, 200);
}

/// A thread that needs a millisecond for each answer, and 64 clients who ask again as soon as they have one.
struct Crowd {
  explicit Crowd(std::uint16_t port) {
    for (int c = 0; c < 64; ++c) clients.push_back(std::make_unique<HttpConnection>(port));
  }
  /// Each asks once, every eighth for `other`; counts the answers by status.
  void ask(const std::string& other) {
    const auto target = [&](std::size_t c) { return c % 8 == 0 ? other : std::string("/slow"); };
    for (std::size_t c = 0; c < clients.size(); ++c) clients[c]->send("GET " + target(c) + " HTTP/1.1\r\nHost: a\r\n\r\n");
    for (std::size_t c = 0; c < clients.size(); ++c) {
      const auto answer = clients[c]->read();
      ASSERT_TRUE(answer.has_value());
      if (answer->status == 503) {
        EXPECT_EQ(answer->header("retry-after"), "1");
        EXPECT_EQ(answer->header("content-type"), "application/problem+json");
        EXPECT_EQ(answer->header("connection"), "");
        EXPECT_THAT(answer->body, HasSubstr("more requests come than the server can answer in time"));
        EXPECT_NE(c % 8, 0U) << "a kept path was refused";
        ++n_refused;
      } else {
        EXPECT_EQ(answer->status, 200);
        n_answered_after += n_refused > 0 ? 1 : 0;
      }
    }
  }
  std::vector<std::unique_ptr<HttpConnection>> clients;
  int n_refused = 0;
  int n_answered_after = 0;
};

void answer_slowly(Router& router) {
  router.add(Method::kGet, "/slow", [](const Request&, Response& response) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(1);
    while (std::chrono::steady_clock::now() < end) continue;
    response.out() += "{}";
  });
}

TEST_F(ListenerTest, a_late_thread_refuses_some_and_answers_others) {
  answer_slowly(router);
  router.keep("/ok");
  options.n_threads = 1;
  options.limits.queue_delay = std::chrono::milliseconds(5);
  std::atomic<int> n_told{0};
  options.on_shed = [&](const Request& request) { n_told += request.path == "/slow" ? 1 : 0; };
  Crowd crowd(start().port());
  // Without shedding this runs into the test's time limit.
  while (crowd.n_refused < 50 || crowd.n_answered_after < 50) crowd.ask("/ok");
  EXPECT_EQ(n_told, crowd.n_refused);
  listener.reset();  // it calls back into this frame
}

TEST_F(ListenerTest, a_thread_that_is_late_by_less_refuses_nothing) {
  answer_slowly(router);
  options.n_threads = 1;
  options.limits.queue_delay = std::chrono::minutes(1);
  Crowd crowd(start().port());
  for (int round = 0; round < 10; ++round) crowd.ask("/ok");
  EXPECT_EQ(crowd.n_refused, 0);
}

TEST_F(ListenerTest, stop_answers_what_is_in_flight) {
  options.n_threads = 1;
  Listener& server = start();
  HttpConnection connection(server.port());
  HttpConnection idle(server.port());
  EXPECT_EQ(idle.get("/ok").status, 200);
  connection.send("GET /wait HTTP/1.1\r\nHost: a\r\n\r\nGET /ok HTTP/1.1\r\nHost: a\r\n\r\n");
  entered.get_future().wait();
  std::thread stopper([&] { server.stop(std::chrono::seconds(10)); });
  release.set_value();
  EXPECT_EQ(connection.read()->status, 200);
  EXPECT_EQ(connection.read()->status, 200);
  stopper.join();
  EXPECT_TRUE(idle.is_closed_by_peer());
  EXPECT_THROW(HttpConnection{server.port()}, std::runtime_error);
}

TEST_F(ListenerTest, stop_cuts_what_outlasts_the_drain) {
  Listener& server = start();
  HttpConnection connection(server.port());
  connection.send("POST /length HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc");
  while (server.n_connections() == 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  server.stop(std::chrono::milliseconds(20));
  EXPECT_EQ(server.n_connections(), 0U);
}

TEST_F(ListenerTest, ticks_on_every_thread) {
  options.limits.idle_timeout = std::chrono::milliseconds(40);
  std::array<std::promise<void>, 2> ticked;
  std::array<bool, 2> done{};
  options.on_tick = [&](int thread) {
    const auto t = static_cast<std::size_t>(thread);
    if (!done[t]) ticked[t].set_value();
    done[t] = true;
  };
  start();
  for (auto& one : ticked) EXPECT_EQ(one.get_future().wait_for(std::chrono::seconds(20)), std::future_status::ready);
  listener.reset();  // it calls back into this frame
}

TEST_F(ListenerTest, says_that_a_port_is_in_use) {
  // Also when the stranger has set SO_REUSEPORT, with which a careless server would silently share the port.
  for (const int share : {0, 1}) {
    const int stranger = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(stranger, SOL_SOCKET, SO_REUSEPORT, &share, sizeof share);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    ASSERT_EQ(bind(stranger, reinterpret_cast<const sockaddr*>(&address), size), 0);
    ASSERT_EQ(listen(stranger, 1), 0);
    ASSERT_EQ(getsockname(stranger, reinterpret_cast<sockaddr*>(&address), &size), 0);
    options.port = ntohs(address.sin_port);
    options.way_out = "choose another with --listen HOST:PORT";
    EXPECT_EQ(sentence(router, options), "cannot listen on 127.0.0.1:" + std::to_string(options.port) +
                                             ": port in use by another process; choose another with --listen HOST:PORT");
    close(stranger);
  }
}

TEST_F(ListenerTest, says_what_is_wrong_with_an_address) {
  options.host = "localhost";
  EXPECT_EQ(sentence(router, options),
            "cannot listen on \"localhost\": this is no IP address; give one like 127.0.0.1, 0.0.0.0 or ::1");
  options.host = "203.0.113.1";
  EXPECT_THAT(sentence(router, options), HasSubstr("cannot listen on 203.0.113.1:0: Cannot assign requested address; "));
}

TEST(HostPort, is_taken_apart) {
  EXPECT_EQ(parse_host_port("127.0.0.1:8000", "--listen").port, 8000);
  EXPECT_EQ(parse_host_port("[::1]:80", "--listen").host, "::1");
  for (const char* text : {"", "8000", ":8000", "a:", "a:x", "a:65536", "a:-1"}) {
    try {
      parse_host_port(text, "--listen");
      FAIL() << text;
    } catch (const Error& error) {
      EXPECT_EQ(error.message(), "--listen is \"" + std::string(text) +
                                     "\", expected HOST:PORT with a port from 0 to 65535, for example 127.0.0.1:8000");
    }
  }
}

}  // namespace
}  // namespace lodestone::http
