// Servers that share a real Redis over TLS.
#include <cstdlib>
#include <future>
#include <stdexcept>

#include "cache/io_loop.hpp"
#include "cache/redis_client.hpp"
#include "redis_fixture.hpp"

namespace lodestone {
namespace {

/// Speaks TLS, beside the plain port by which tests see that it is there; the certificate for 127.0.0.1 vouches for itself. Wants a password.
class TlsRedis {
 public:
  TlsRedis() {
    const std::string command = fmt::format(
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=test -addext "
        "subjectAltName=IP:127.0.0.1 -keyout {} -out {} 2>/dev/null",
        key(), certificate());
    if (std::system(command.c_str()) != 0) throw std::runtime_error("openssl failed");
    server = std::make_unique<Redis>(
        std::vector<std::string>{"--tls-port", std::to_string(port_), "--tls-cert-file", certificate(), "--tls-key-file", key(),
                                 "--tls-ca-cert-file", certificate(), "--tls-auth-clients", "no", "--requirepass", "s3cret"});
  }
  [[nodiscard]] cache::RedisUrl url() const {
    return cache::RedisUrl::parse(fmt::format("rediss://:s3cret@127.0.0.1:{}", port_), "url");
  }
  [[nodiscard]] std::string certificate() const { return (folder_.path() / "redis.crt").string(); }

  std::unique_ptr<Redis> server;

 private:
  [[nodiscard]] std::string key() const { return (folder_.path() / "redis.key").string(); }
  TemporaryFolder folder_;
  std::uint16_t port_ = test::free_port();
};

class RedisTlsTest : public RedisTest {};

TEST_F(RedisTlsTest, servers_share_over_tls_what_they_share_without) {
  const TlsRedis redis;
  Site a(redis.url(), remote_.port());
  Site b(redis.url(), remote_.port());
  for (Site* site : {&a, &b}) site->options.cache.redis_trust = std::make_shared<const TlsTrust>(redis.certificate());
  a.start();
  const std::string list = a.list("/similar/13");
  wait_until([&] { return a.metric("cache_requests_total{operation=\"set\",status=\"stored\"}") >= 1; });
  b.start();
  EXPECT_EQ(b.list("/similar/13"), list);
  EXPECT_EQ(remote_.n_requests(), 1);
  const std::string before = own_list(b, 9'999);
  a.click("first", 9'999, 13);
  const std::string after = own_list(a, 9'999);
  ASSERT_NE(after, before);
  wait_until([&] { return own_list(b, 9'999) == after; });
  EXPECT_THAT(b.get("/health").body, HasSubstr("\"cache\":\"redis\""));
}

TEST_F(RedisTlsTest, a_channel_reads_redis_over_tls) {
  const TlsRedis redis;
  Site site(std::nullopt, remote_.port());
  site.options.cache.redis_trust = std::make_shared<const TlsTrust>(redis.certificate());
  cache::IoLoop loop;
  cache::RedisClient writer(loop.context(), {.url = redis.url(), .trust = site.options.cache.redis_trust});
  loop.start();
  std::promise<void> written;
  loop.post([&] {
    writer.send({"ZADD", "recs:13", "2.5", "64"}, 20'000ms, [&](const cache::RedisReply&) { written.set_value(); });
  });
  written.get_future().wait();
  loop.stop();
  const std::string address = fmt::format("rediss://:s3cret@127.0.0.1:{}", redis.url().port);
  write_file_atomic(
      site.options.channels_file,
      fmt::format("channels: {{sets: {{url: \"{}\", key: \"recs:{{dataset_id}}\", deadline_ms: 10000, weight: 20}}}}", address));
  site.start();
  EXPECT_THAT(site.list("/similar/13?explain=true&limit=50"), HasSubstr("\"sets\":{\"rank\":1,\"score\":2.5}"));
}

TEST_F(RedisTlsTest, no_request_fails_when_redis_over_tls_is_killed_and_restarts) {
  TlsRedis redis;
  Site site(redis.url(), remote_.port());
  site.options.cache.redis_trust = std::make_shared<const TlsTrust>(redis.certificate());
  site.start();
  ask_much(site, [&](int i) {
    if (i == 20) redis.server->kill();
    if (i == 50) redis.server->start();
  });
}

/// What the log says while a client asks the Redis at `url`, which gives it nothing.
std::string refusal(const cache::RedisUrl& url, const std::string& authorities) {
  testing::internal::CaptureStderr();
  cache::IoLoop loop;
  cache::RedisClient client(loop.context(),
                            {.url = url, .trust = authorities.empty() ? nullptr : std::make_shared<const TlsTrust>(authorities)});
  loop.start();
  std::promise<cache::RedisReply> said;
  loop.post([&] { client.send({"GET", "a"}, 20'000ms, [&](cache::RedisReply reply) { said.set_value(std::move(reply)); }); });
  EXPECT_EQ(said.get_future().get().status, cache::RedisReply::Status::kUnavailable);
  loop.stop();
  return testing::internal::GetCapturedStderr();
}

TEST_F(RedisTlsTest, a_server_that_nobody_vouches_for_is_refused_with_the_way_out) {
  const TlsRedis redis;
  const TlsRedis other;
  for (const std::string& authorities : {std::string(), other.certificate()}) {
    const std::string text = refusal(redis.url(), authorities);
    EXPECT_THAT(text,
                HasSubstr(redis.url().shown() + ": its certificate is not trusted (self-signed certificate); name a file with "
                                                "that of its authority in serving.redis_ca_file"));
    EXPECT_THAT(text, Not(HasSubstr("s3cret")));
  }
}

TEST_F(RedisTlsTest, what_is_wrong_with_tls_is_told_without_the_password) {
  const TlsRedis redis;
  cache::RedisUrl localhost = redis.url();
  localhost.host = "localhost";
  std::string text = refusal(localhost, redis.certificate());
  EXPECT_THAT(text,
              HasSubstr("its certificate is for another host (hostname mismatch); write the host as the certificate has it"));
  EXPECT_THAT(text, Not(HasSubstr("s3cret")));
  cache::RedisUrl wrong = redis.url();
  wrong.password = "not-it";
  text = refusal(wrong, redis.certificate());
  EXPECT_THAT(text, HasSubstr(redis.url().shown() + ": WRONGPASS; going on without it"));
  EXPECT_THAT(text, Not(HasSubstr("not-it")));
  const ScriptedServer plain([](std::string_view bytes) {
    return ScriptedServer::Act{bytes.size(), "-ERR unknown command\r\n", 0ms, false};
  });
  cache::RedisUrl clear = redis.url();
  clear.port = plain.port();
  EXPECT_THAT(refusal(clear, redis.certificate()), HasSubstr("TLS fails (wrong version number); see that its port speaks TLS"));
  const ScriptedServer silent([](std::string_view bytes) { return ScriptedServer::Act{bytes.size(), "", 0ms, false}; });
  clear.port = silent.port();
  EXPECT_THAT(refusal(clear, redis.certificate()), HasSubstr("it does not finish a TLS handshake in time"));
}

}  // namespace
}  // namespace lodestone
