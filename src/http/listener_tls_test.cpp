#include "base/tls.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <thread>

#include "base/error.hpp"
#include "http/client/fetcher.hpp"
#include "http/listener.hpp"
#include "tests/support/http_client.hpp"

namespace lodestone::http {
namespace {

using ::testing::HasSubstr;

class TlsTest : public ::testing::Test {
 protected:
  TlsTest() {
    router.add(Method::kGet, "/ok", [](const Request&, Response& response) { response.out() += "{}"; });
    router.add(Method::kGet, "/big", [](const Request&, Response& response) { response.out().append(3'000'000, 'x'); });
    router.add(Method::kGet, "/empty", [](const Request&, Response&) {});
    router.add(Method::kPost, "/length",
               [](const Request& request, Response& response) { response.out() += std::to_string(request.body.size()); });
  }

  /// A new key and a certificate that it signs itself, for 127.0.0.1.
  std::shared_ptr<const TlsContext> make_certificate(const std::string& name) {
    const std::string command =
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=test -addext "
        "subjectAltName=IP:127.0.0.1 -keyout " +
        key(name).string() + " -out " + certificate(name).string() + " 2>/dev/null";
    if (std::system(command.c_str()) != 0) throw std::runtime_error("openssl failed");
    return std::make_shared<const TlsContext>(certificate(name), key(name));
  }
  fs::path certificate(const std::string& name) const { return folder.path() / (name + ".crt"); }
  fs::path key(const std::string& name) const { return folder.path() / (name + ".key"); }

  Listener& start() {
    options.tls = make_certificate("first");
    listener = std::make_unique<Listener>(router, options);
    listener->start();
    base = "https://127.0.0.1:" + std::to_string(listener->port());
    return *listener;
  }
  FetchLimits trusting(const std::string& name) const {
    FetchLimits limits;
    limits.authorities = certificate(name).string();
    return limits;
  }
  static std::string sentence(const fs::path& certificate, const fs::path& key) {
    try {
      const TlsContext context(certificate, key);
    } catch (const Error& error) {
      return error.message();
    }
    return "";
  }

  TemporaryFolder folder;
  Router router;
  ListenOptions options;
  std::string base;
  std::unique_ptr<Listener> listener;
};

TEST_F(TlsTest, answers_as_without_it) {
  options.limits.body_bytes = 200'000;
  start();
  Fetcher fetcher(trusting("first"));
  EXPECT_EQ(fetcher.get(base + "/ok").body, "{}");
  EXPECT_EQ(fetcher.get(base + "/big").body, std::string(3'000'000, 'x'));
  EXPECT_EQ(fetcher.get(base + "/empty").body, "");
  EXPECT_EQ(fetcher.post(base + "/length", "text/plain", std::string(200'000, 'y')).body, "200000");
  EXPECT_EQ(fetcher.post(base + "/length", "text/plain", std::string(200'001, 'y')).status, 413);
  EXPECT_EQ(fetcher.get(base + "/nothing").status, 404);
}

TEST_F(TlsTest, serves_many_clients_from_two_threads) {
  options.n_threads = 2;
  start();
  std::atomic<int> n_good{0};
  std::vector<std::thread> clients;
  for (int c = 0; c < 4; ++c) {
    clients.emplace_back([&] {
      for (int connection = 0; connection < 5; ++connection) {
        Fetcher fetcher(trusting("first"));
        for (int i = 0; i < 10; ++i) n_good += fetcher.get(base + "/ok").status == 200 ? 1 : 0;
      }
    });
  }
  for (std::thread& client : clients) client.join();
  EXPECT_EQ(n_good, 200);
}

TEST_F(TlsTest, plain_http_is_closed_without_an_answer_in_the_clear) {
  test::HttpConnection plain(start().port());
  plain.send("GET /ok HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_THROW(
      {
        const auto answer = plain.read();
        if (!answer) throw std::runtime_error("closed");
      },
      std::runtime_error);
  while (listener->n_connections() != 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  EXPECT_EQ(Fetcher(trusting("first")).get(base + "/ok").status, 200);
}

TEST_F(TlsTest, a_handshake_that_takes_too_long_is_cut) {
  options.limits.header_timeout = std::chrono::milliseconds(80);
  start();
  test::HttpConnection silent(listener->port());
  EXPECT_TRUE(silent.is_closed_by_peer());
  test::HttpConnection half(listener->port());
  half.send(std::string("\x16\x03\x01\x02\x00\x01", 6));
  EXPECT_TRUE(half.is_closed_by_peer());
}

TEST_F(TlsTest, noise_ends_only_its_own_connection) {
  start();
  for (int i = 0; i < 20; ++i) {
    test::HttpConnection noisy(listener->port());
    std::string noise(1 + 997 * static_cast<std::size_t>(i), '\0');
    for (std::size_t b = 0; b < noise.size(); ++b) noise[b] = static_cast<char>(b * 131 + static_cast<std::size_t>(i) * 17);
    if (i % 2 == 0) noise.replace(0, std::min<std::size_t>(noise.size(), 3), "\x16\x03\x01");
    noisy.send(noise);
  }
  EXPECT_EQ(Fetcher(trusting("first")).get(base + "/ok").status, 200);
}

TEST_F(TlsTest, another_certificate_holds_for_new_connections) {
  start();
  Fetcher old(trusting("first"));
  EXPECT_EQ(old.get(base + "/ok").status, 200);
  listener->set_tls(make_certificate("second"));
  EXPECT_EQ(old.get(base + "/ok").status, 200) << "on its open connection";
  EXPECT_EQ(Fetcher(trusting("second")).get(base + "/ok").status, 200);
  EXPECT_THROW(Fetcher(trusting("first")).get(base + "/ok"), Error);
}

TEST_F(TlsTest, stop_answers_those_who_are_there) {
  start();
  Fetcher fetcher(trusting("first"));
  EXPECT_EQ(fetcher.get(base + "/ok").status, 200);
  listener->stop(std::chrono::seconds(10));
  EXPECT_THROW(fetcher.get(base + "/ok"), Error);
}

TEST_F(TlsTest, is_good_as_long_as_every_certificate_of_its_file) {
  const TlsContext::Validity two_days = make_certificate("first")->validity();
  EXPECT_EQ(two_days.end - two_days.begin, std::chrono::days(2));
  // A chain is good until the first of its links is not; this one was over before it began.
  const std::string file = (folder.path() / "over").string();
  ASSERT_EQ(std::system(("openssl x509 -in " + certificate("first").string() + " -signkey " + key("first").string() +
                         " -days -1 -out " + file + " 2>/dev/null")
                            .c_str()),
            0);
  write_file_atomic(certificate("first"), read_file(certificate("first")) + read_file(file));
  const TlsContext::Validity chain = TlsContext(certificate("first"), key("first")).validity();
  EXPECT_EQ(chain.end, TlsContext(file, key("first")).validity().end);
  EXPECT_LT(chain.end, two_days.end);
}

TEST_F(TlsTest, says_what_is_wrong_with_its_files) {
  make_certificate("first");
  make_certificate("second");
  EXPECT_THAT(sentence(folder.path() / "none", key("first")), HasSubstr("/none: no certificate in PEM form: "));
  EXPECT_THAT(sentence(key("first"), key("first")), HasSubstr("/first.key: no certificate in PEM form: "));
  const char* wrong = "no private key in PEM form, without a passphrase, that belongs to the certificate: ";
  EXPECT_THAT(sentence(certificate("first"), certificate("first")), HasSubstr(wrong));
  EXPECT_THAT(sentence(certificate("first"), key("second")), HasSubstr(std::string(wrong) + "key values mismatch"));
  const std::string locked = (folder.path() / "locked.key").string();
  ASSERT_EQ(std::system(("openssl pkcs8 -topk8 -in " + key("first").string() + " -out " + locked + " -passout pass:x").c_str()),
            0);
  EXPECT_THAT(sentence(certificate("first"), locked), HasSubstr(wrong));
}

}  // namespace
}  // namespace lodestone::http
