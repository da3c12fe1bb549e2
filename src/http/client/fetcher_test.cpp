#include "http/client/fetcher.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>

#include "base/error.hpp"
#include "http/listener.hpp"

namespace lodestone::http {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class FetcherTest : public ::testing::Test {
 protected:
  FetcherTest() {
    router.add(Method::kGet, "/ok", [](const Request&, Response& response) { response.out() += "{}"; });
    router.add(Method::kGet, "/big", [](const Request&, Response& response) { response.out().append(5'000, 'x'); });
    router.add(Method::kGet, "/elsewhere", [](const Request&, Response& response) {
      response.status = 302;
      response.more_headers = "Location: /ok\r\n";
    });
    router.add(Method::kPost, "/echo", [](const Request& request, Response& response) {
      response.out().append(request.content_type).append("|").append(request.body);
    });
    router.add_deferred("/never", [this](const Request&, Response&) {
      auto rest = std::make_unique<Deferred>();
      rest->start = [this](std::function<void()> resume) { asleep.set_value(std::move(resume)); };
      rest->finish = [](const Request&, Response&) {};
      return rest;
    });
    listener = std::make_unique<Listener>(router, ListenOptions{});
    listener->start();
    base = "http://127.0.0.1:" + std::to_string(listener->port());
  }
  template <typename Ask>
  std::string sentence(const Ask& ask) {
    try {
      ask();
    } catch (const Error& error) {
      code = error.code();
      return error.message();
    }
    return "";
  }

  std::promise<std::function<void()>> asleep;
  Router router;
  std::unique_ptr<Listener> listener;
  std::string base;
  FetchLimits limits;
  ErrorCode code{};
};

TEST_F(FetcherTest, gets_and_posts_on_one_connection) {
  Fetcher fetcher;
  EXPECT_EQ(fetcher.get(base + "/ok").body, "{}");
  EXPECT_EQ(fetcher.post(base + "/echo", "application/json", "[1]").body, "application/json|[1]");
  const FetchAnswer answer = fetcher.get(base + "/nothing");
  EXPECT_EQ(answer.status, 404);
  EXPECT_THAT(answer.body, HasSubstr("there is nothing at this path"));
  EXPECT_EQ(listener->n_connections(), 1U);
}

TEST_F(FetcherTest, follows_no_redirect) {
  const FetchAnswer answer = Fetcher().get(base + "/elsewhere");
  EXPECT_EQ(answer.status, 302);
  EXPECT_EQ(answer.body, "");
}

TEST_F(FetcherTest, takes_no_answer_beyond_its_limit) {
  limits.answer_bytes = 5'000;
  EXPECT_EQ(Fetcher(limits).get(base + "/big").body.size(), 5'000U);
  limits.answer_bytes = 4'999;
  EXPECT_EQ(sentence([&] { Fetcher(limits).get(base + "/big?token=secret"); }),
            base + "/big?*** answers with more than 4999 bytes");
  EXPECT_EQ(code, ErrorCode::kUnavailable);
}

TEST_F(FetcherTest, sends_a_login_and_never_tells_it) {
  const std::string with_login = "http://name:s3cret@" + base.substr(std::string("http://").size());
  EXPECT_EQ(Fetcher().get(with_login + "/ok").status, 200);
  listener->stop(std::chrono::milliseconds(0));
  for (const std::string& url : {with_login + "/ok", with_login + ":x/ok", std::string("ftp://name:s3cret@127.0.0.1/")}) {
    const std::string said = sentence([&] { Fetcher().get(url); });
    EXPECT_NE(said, "");
    EXPECT_THAT(said, Not(HasSubstr("s3cret")));
  }
}

TEST_F(FetcherTest, gives_up_in_time) {
  limits.timeout = std::chrono::milliseconds(100);
  EXPECT_EQ(sentence([&] { Fetcher(limits).post(base + "/never", "text/plain", ""); }),
            base + "/never did not answer within 0.1 s");
  EXPECT_EQ(code, ErrorCode::kTimeout);
  asleep.get_future().get()();
}

TEST_F(FetcherTest, says_what_it_cannot_ask) {
  Fetcher fetcher;
  const std::string gone = base + "/ok";
  listener->stop(std::chrono::milliseconds(0));
  EXPECT_THAT(sentence([&] { fetcher.get(gone); }), HasSubstr(gone + " cannot be asked: "));
  EXPECT_EQ(code, ErrorCode::kUnavailable);
  for (const char* url : {"file:///etc/passwd", "ftp://127.0.0.1/", "gopher://127.0.0.1/"}) {
    EXPECT_EQ(sentence([&] { fetcher.get(url); }),
              "\"" + std::string(url) + "\" is no address that begins with http:// or https://");
    EXPECT_EQ(code, ErrorCode::kInvalidArgument);
  }
}

}  // namespace
}  // namespace lodestone::http
