#include "base/tls.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "base/error.hpp"

namespace lodestone {
namespace {

using ::testing::HasSubstr;
using Peer = TlsSession::Peer;
using State = TlsSession::State;

/// Both sides of a connection, and what each has read.
class TlsTest : public testing::Test {
 protected:
  /// A new key and a certificate that it signs itself.
  void make_certificate(const std::string& name, const std::string& more) {
    const std::string command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=test -keyout " +
                                key(name).string() + " -out " + certificate(name).string() + " " + more + " 2>/dev/null";
    ASSERT_EQ(std::system(command.c_str()), 0);
  }
  fs::path certificate(const std::string& name) const { return folder_.path() / (name + ".crt"); }
  fs::path key(const std::string& name) const { return folder_.path() / (name + ".key"); }

  /// The client's failure, or one without a reason when the two understand each other.
  TlsSession::Failure meet(const std::string& server_name, const std::string& trusted, const std::string& host) {
    context_ = std::make_unique<TlsContext>(certificate(server_name), key(server_name));
    server_ = std::make_unique<TlsSession>(*context_);
    trust_ = std::make_unique<TlsTrust>(certificate(trusted));
    client_ = std::make_unique<TlsSession>(*trust_, host);
    for (int i = 0; i < 4; ++i) {
      carry(*client_, *server_);
      static_cast<void>(read(*server_));
      carry(*server_, *client_);
      if (read(*client_).state == State::kFailed) return client_->failure();
    }
    return {};
  }
  static void carry(TlsSession& from, TlsSession& to) {
    to.receive(from.output());
    from.take_output();
  }
  struct Heard {
    std::string text;
    State state;
  };
  static Heard read(TlsSession& session) {
    char bytes[100'000];
    Heard out{"", State::kMore};
    for (;;) {
      const TlsSession::Result result = session.read(bytes, sizeof bytes);
      out.text.append(bytes, result.n);
      out.state = result.state;
      if (result.n == 0) return out;
    }
  }

  TemporaryFolder folder_;
  std::unique_ptr<TlsContext> context_;
  std::unique_ptr<TlsTrust> trust_;
  std::unique_ptr<TlsSession> server_;
  std::unique_ptr<TlsSession> client_;
};

TEST_F(TlsTest, both_sides_hear_each_other_and_the_end) {
  make_certificate("a", "-addext subjectAltName=IP:127.0.0.1,DNS:redis.example");
  for (const char* host : {"127.0.0.1", "redis.example"}) {
    EXPECT_EQ(meet("a", "a", host).reason, "");
    ASSERT_TRUE(client_->is_ready() && server_->is_ready());
    const std::string much(300'000, 'x');
    ASSERT_TRUE(client_->write(much));
    EXPECT_THAT(std::string(client_->output()), testing::Not(HasSubstr("xxxxxxxx")));
    carry(*client_, *server_);
    EXPECT_EQ(read(*server_).text, much);
    ASSERT_TRUE(server_->write("answer"));
    carry(*server_, *client_);
    EXPECT_EQ(read(*client_).text, "answer");
    server_->end();
    carry(*server_, *client_);
    EXPECT_EQ(read(*client_).state, State::kEnded);
  }
}

TEST_F(TlsTest, a_client_tells_what_is_wrong_with_a_certificate) {
  make_certificate("a", "-addext subjectAltName=IP:127.0.0.1,DNS:redis.example");
  make_certificate("b", "-addext subjectAltName=IP:127.0.0.1");
  const auto expect = [&](const TlsSession::Failure& failure, Peer peer, const char* reason) {
    EXPECT_EQ(failure.peer, peer);
    EXPECT_THAT(failure.reason, HasSubstr(reason));
    EXPECT_FALSE(client_->write("secret")) << "nothing goes to a server that is not the one";
  };
  expect(meet("a", "b", "127.0.0.1"), Peer::kUntrusted, "self-signed certificate");
  expect(meet("a", "a", "127.0.0.2"), Peer::kOtherName, "IP address mismatch");
  expect(meet("a", "a", "other.example"), Peer::kOtherName, "hostname mismatch");
  const std::string old = certificate("old").string();
  ASSERT_EQ(std::system(("openssl x509 -in " + certificate("a").string() + " -signkey " + key("a").string() + " -days -1 -out " +
                         old + " 2>/dev/null && cp " + key("a").string() + " " + key("old").string())
                            .c_str()),
            0);
  expect(meet("old", "old", "127.0.0.1"), Peer::kOutOfDate, "expired");
}

TEST_F(TlsTest, a_client_that_hears_no_tls_fails_without_blaming_a_certificate) {
  make_certificate("a", "");
  const TlsTrust trust(certificate("a"));
  TlsSession client(trust, "127.0.0.1");
  EXPECT_NE(client.output(), "");
  client.receive("-ERR unknown command\r\n");
  EXPECT_EQ(read(client).state, State::kFailed);
  EXPECT_EQ(client.failure().peer, Peer::kFine);
  EXPECT_EQ(client.failure().reason, "wrong version number");
}

TEST_F(TlsTest, says_which_file_of_authorities_holds_none) {
  make_certificate("a", "");
  const auto sentence = [](const fs::path& file) -> std::string {
    try {
      const TlsTrust trust(file);
    } catch (const Error& error) {
      return error.message();
    }
    return "";
  };
  EXPECT_EQ(sentence(""), "");
  EXPECT_EQ(sentence(certificate("a")), "");
  EXPECT_THAT(sentence(key("a")), HasSubstr("/a.key: no certificates of authorities in PEM form"));
  EXPECT_THAT(sentence(folder_.path() / "none"), HasSubstr("/none: no certificates of authorities in PEM form"));
}

}  // namespace
}  // namespace lodestone
