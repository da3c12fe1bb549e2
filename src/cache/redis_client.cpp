#include "cache/redis_client.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/write.hpp>
#include <utility>
#include <vector>

#include "base/log.hpp"

namespace lodestone::cache {
namespace {

using BoostError = boost::system::error_code;
/// How often deadlines are looked at while anything waits.
constexpr std::chrono::milliseconds kWatchPause{2};
constexpr std::size_t kReadBytes = 16 * 1024;

void append_command(std::string& out, std::span<const std::string_view> command) {
  out.append("*").append(std::to_string(command.size())).append("\r\n");
  for (const std::string_view part : command)
    out.append("$").append(std::to_string(part.size())).append("\r\n").append(part).append("\r\n");
}

}  // namespace

/// One try to have a connection, and the connection. Handlers hold it, so it may outlive its client, who then has let go of it.
class RedisClient::Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(RedisClient& client, asio::io_context& context)
      : client_(&client),
        resolver_(context),
        socket_(context),
        tls_(client.options_.url.is_tls ? std::make_unique<TlsSession>(*client.options_.trust, client.options_.url.host)
                                        : nullptr),
        connect_by_(std::chrono::steady_clock::now() + client.options_.connect_timeout) {}

  void start() {
    const RedisUrl& url = client_->options_.url;
    BoostError no_address;
    const asio::ip::address address = asio::ip::make_address(url.host, no_address);
    if (!no_address) return connect({{address, url.port}});
    resolver_.async_resolve(
        url.host, std::to_string(url.port),
        [self = shared_from_this()](const BoostError& error, const asio::ip::tcp::resolver::results_type& found) {
          if (self->client_ == nullptr) return;
          if (error || found.empty()) return self->end(error ? error.message() : "it has no address");
          self->connect({found.begin(), found.end()});
        });
  }

  /// The owner wants no more of it.
  std::deque<Waiting> let_go() {
    client_ = nullptr;
    BoostError ignored;
    resolver_.cancel();
    socket_.close(ignored);
    return std::exchange(waiting_, {});
  }

  void add(std::span<const std::string_view> command, Waiting waiting) {
    append_command(output_, command);
    waiting_.push_back(std::move(waiting));
    if (is_ready_) write();
  }

  /// Ends what is late; false when the connection is of no use any more, which it has told then.
  bool look_at(Time now) {
    std::vector<Callback> late;  // they may send, which moves what waits
    for (Waiting& one : waiting_) {
      if (one.done && now >= one.deadline) late.push_back(std::exchange(one.done, nullptr));
    }
    for (const Callback& done : late) done({.status = RedisReply::Status::kTimeout, .value = {}});
    if (client_ == nullptr) return false;
    if (!is_ready_ && now >= connect_by_) return end(in_time_problem()), false;
    if (!waiting_.empty() && is_ready_ && now >= waiting_.front().stalled) return end("it does not answer"), false;
    return true;
  }

  [[nodiscard]] bool is_ready() const { return is_ready_; }
  [[nodiscard]] std::size_t n_waiting() const { return waiting_.size(); }
  [[nodiscard]] std::size_t output_bytes() const { return output_.size(); }

 private:
  /// To the first that takes it. The one that comes first is another one after each failure, as an address that keeps silent takes all the time.
  void connect(std::vector<asio::ip::tcp::endpoint> endpoints) {
    std::ranges::rotate(endpoints, endpoints.begin() + static_cast<std::ptrdiff_t>(client_->n_failures_ % endpoints.size()));
    asio::async_connect(socket_, std::move(endpoints),
                        [self = shared_from_this()](const BoostError& error, const asio::ip::tcp::endpoint&) {
                          if (self->client_ == nullptr) return;
                          if (error) return self->end(error.message());
                          self->is_open_ = true;
                          self->tls_ ? self->write() : self->greet();  // whose handshake goes first
                          self->read();
                        });
  }

  [[nodiscard]] std::string_view in_time_problem() const {
    return is_open_ ? "it does not finish a TLS handshake in time; see that its port speaks TLS"
                    : "it does not take a connection in time";
  }

  /// Login and database go before whatever has been waiting for the connection.
  void greet() {
    BoostError ignored;
    socket_.set_option(asio::ip::tcp::no_delay(true), ignored);
    const RedisUrl& url = client_->options_.url;
    std::string greeting;
    std::deque<Waiting> greeted;
    const Time now = std::chrono::steady_clock::now();
    const auto say = [&](std::span<const std::string_view> command) {
      append_command(greeting, command);
      const auto done = [self = weak_from_this()](const RedisReply& reply) {
        const auto connection = self.lock();
        if (connection && connection->client_ != nullptr && reply.status == RedisReply::Status::kError)
          connection->end(reply.value.text.substr(0, reply.value.text.find(' ')));  // what follows may repeat the password
      };
      greeted.push_back({done, now + client_->options_.stalled_after, now + client_->options_.stalled_after});
    };
    if (!url.password.empty()) {
      const std::string_view parts[] = {"AUTH", url.user, url.password};
      const std::string_view alone[] = {"AUTH", url.password};
      url.user.empty() ? say(alone) : say(parts);
    }
    const std::string database = std::to_string(url.database);
    const std::string_view select[] = {"SELECT", database};
    if (url.database != 0) say(select);
    output_.insert(0, greeting);
    waiting_.insert(waiting_.begin(), std::make_move_iterator(greeted.begin()), std::make_move_iterator(greeted.end()));
    is_ready_ = true;
    for (Waiting& one : waiting_) one.stalled = now + client_->options_.stalled_after;
    write();
  }

  /// Encrypts what may go, and takes that and what the session has to say itself.
  void encrypt() {
    if (is_ready_ && tls_->write(output_)) output_.clear();
    sending_ = tls_->output();
    tls_->take_output();
  }

  void write() {
    if (is_writing_) return;
    sending_.clear();
    tls_ ? encrypt() : sending_.swap(output_);
    if (sending_.empty()) return;
    is_writing_ = true;
    asio::async_write(socket_, asio::buffer(sending_), [self = shared_from_this()](const BoostError& error, std::size_t) {
      self->is_writing_ = false;
      if (self->client_ == nullptr) return;
      if (error) return self->end(error.message());
      self->write();
    });
  }

  void read() {
    socket_.async_read_some(asio::buffer(input_), [self = shared_from_this()](const BoostError& error, std::size_t n) {
      if (self->client_ == nullptr) return;
      if (error) return self->end(error == asio::error::eof ? "it closed the connection" : error.message());
      const std::string_view bytes(self->input_.data(), n);
      if (self->tls_ ? self->decrypt(bytes) : self->take(bytes)) self->read();
    });
  }

  /// False when that was the end.
  bool decrypt(std::string_view bytes) {
    tls_->receive(bytes);
    for (;;) {
      const TlsSession::Result result = tls_->read(clear_.data(), clear_.size());
      if (result.state == TlsSession::State::kFailed) return end(tls_problem()), false;
      if (result.state == TlsSession::State::kEnded) return end("it closed the connection"), false;
      if (!is_ready_ && tls_->is_ready()) greet();
      if (result.n == 0) break;
      if (!take({clear_.data(), result.n})) return false;
    }
    write();  // the handshake's answers
    return true;
  }

  [[nodiscard]] std::string tls_problem() const {
    const TlsSession::Failure& failure = tls_->failure();
    switch (failure.peer) {
      case TlsSession::Peer::kUntrusted:
        return fmt::format("its certificate is not trusted ({}); name a file with that of its authority in serving.redis_ca_file",
                           failure.reason);
      case TlsSession::Peer::kOtherName:
        return fmt::format("its certificate is for another host ({}); write the host as the certificate has it", failure.reason);
      case TlsSession::Peer::kOutOfDate:
        return fmt::format("its certificate is out of date ({}); renew it, or look at the clock of this machine", failure.reason);
      case TlsSession::Peer::kFine: break;
    }
    return fmt::format("TLS fails ({}); see that its port speaks TLS and asks for no certificate of its clients", failure.reason);
  }

  /// False when that was the end.
  bool take(std::string_view bytes) {
    while (!bytes.empty()) {
      const RespParser::Fed fed = parser_.feed(bytes);
      bytes.remove_prefix(fed.consumed);
      if (fed.state == RespParser::State::kBroken) return break_off(), false;
      if (fed.state == RespParser::State::kNeedMore) return true;
      RespValue value = parser_.take();
      if (value.kind != RespValue::Kind::kError) client_->note_well();
      const bool is_push =
          client_->push_ && value.kind == RespValue::Kind::kArray && !value.items.empty() && value.items[0].text == "message";
      if (is_push) {
        client_->push_(std::move(value));
      } else if (waiting_.empty()) {
        return end("it says something that nobody asked for"), false;
      } else {
        Waiting one = std::move(waiting_.front());
        waiting_.pop_front();
        const auto status = value.kind == RespValue::Kind::kError ? RedisReply::Status::kError : RedisReply::Status::kReply;
        if (one.done) one.done({.status = status, .value = std::move(value)});
      }
      if (client_ == nullptr) return false;
    }
    return true;
  }

  /// What came is no reply, or too large a one, which is told to who asked for it.
  void break_off() {
    Callback done;
    if (parser_.is_too_large() && !waiting_.empty()) {
      done = std::move(waiting_.front().done);
      waiting_.pop_front();
    }
    end(parser_.problem());
    if (done) done({.status = RedisReply::Status::kTooLarge, .value = {}});
  }

  void end(std::string_view why) {
    const auto self = shared_from_this();
    client_->connection_ended(*this, why);
  }

  RedisClient* client_;
  asio::ip::tcp::resolver resolver_;
  asio::ip::tcp::socket socket_;
  std::unique_ptr<TlsSession> tls_;  ///< nullptr = none
  Time connect_by_;
  bool is_open_ = false;
  bool is_ready_ = false;  ///< to take commands
  bool is_writing_ = false;
  std::deque<Waiting> waiting_;
  std::string output_;
  std::string sending_;
  std::array<char, kReadBytes> input_{};
  std::array<char, kReadBytes> clear_{};  ///< of input_, decrypted
  RespParser parser_;
};

RedisClient::RedisClient(asio::io_context& context, Options options)
    : context_(context), options_(std::move(options)), backoff_(options_.backoff_min), watch_timer_(context) {
  if (options_.url.is_tls && !options_.trust) options_.trust = std::make_shared<const TlsTrust>(fs::path());
}

RedisClient::~RedisClient() {
  if (connection_) connection_->let_go();
}

bool RedisClient::is_connected() const { return connection_ && connection_->is_ready(); }

void RedisClient::send(std::span<const std::string_view> command, std::chrono::milliseconds deadline, Callback done) {
  const Time now = std::chrono::steady_clock::now();
  if (!connection_ && now >= next_try_) connect();
  if (!connection_ || connection_->n_waiting() >= options_.waiting || connection_->output_bytes() > options_.waiting_bytes)
    return done({});
  connection_->add(command, {std::move(done), now + deadline, now + std::max(deadline, options_.stalled_after)});
  watch();
}

void RedisClient::connect() {
  connection_ = std::make_shared<Connection>(*this, context_);
  watch();
  connection_->start();
}

void RedisClient::connection_ended(const Connection& ended, std::string_view why) {
  if (connection_.get() != &ended) return;
  const std::shared_ptr<Connection> last = std::exchange(connection_, nullptr);
  if (!was_told_) log_warn("cache", "{}: {}; going on without it, and trying again", options_.url.shown(), why);
  was_told_ = true;
  next_try_ = std::chrono::steady_clock::now() + backoff_;
  backoff_ = std::min(2 * backoff_, options_.backoff_max);
  const bool stood = last->is_ready();
  if (!stood) ++n_failures_;
  fail_all(last->let_go());
  if (stood && lost_) lost_();
}

void RedisClient::note_well() {
  backoff_ = options_.backoff_min;
  if (was_told_) log_info("cache", "{} is there again", options_.url.shown());
  was_told_ = false;
}

void RedisClient::fail_all(std::deque<Waiting> waiting) {
  for (Waiting& one : waiting) {
    if (one.done) one.done({});
  }
}

void RedisClient::watch() {
  if (is_watching_) return;
  is_watching_ = true;
  watch_timer_.expires_after(kWatchPause);
  watch_timer_.async_wait([this, is_alive = std::weak_ptr(is_alive_)](const BoostError& error) {
    if (error || is_alive.expired()) return;
    is_watching_ = false;
    const std::shared_ptr<Connection> held = connection_;
    if (!held || !held->look_at(std::chrono::steady_clock::now())) return;
    if (held->n_waiting() > 0 || !held->is_ready()) watch();
  });
}

}  // namespace lodestone::cache
