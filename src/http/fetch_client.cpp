#include "http/fetch_client.hpp"

#include <algorithm>
#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <utility>

namespace lodestone::http {
namespace {

using BoostError = boost::system::error_code;

}  // namespace

/// One connection and the request on it. Handlers hold it, so it may outlive its client, who then has let go of it.
class FetchClient::Connection : public std::enable_shared_from_this<Connection> {
 public:
  explicit Connection(FetchClient& client)
      : client_(&client),
        resolver_(client.context_),
        socket_(client.context_),
        timer_(client.context_),
        parser_(client.options_.limits) {}

  void begin(std::string_view target, std::chrono::milliseconds deadline, Callback done) {
    const Options& options = client_->options_;
    const bool is_v6 = options.host.find(':') != std::string::npos;
    request_.assign("GET ").append(target).append(" HTTP/1.1\r\nHost: ");
    request_.append(is_v6 ? "[" : "")
        .append(options.host)
        .append(is_v6 ? "]" : "")
        .append(":")
        .append(std::to_string(options.port));
    request_.append("\r\nAccept: application/json\r\n\r\n");
    done_ = std::move(done);
    is_second_try_ = false;
    timer_.expires_after(deadline);
    timer_.async_wait([self = shared_from_this(), turn = ++turn_](const BoostError& error) {
      if (error || turn != self->turn_) return;
      // A network that forgets what was idle says nothing of it: the others that were kept are no better.
      if (self->is_kept_) self->client_->close_idle();
      self->finish({.status = Fetched::Status::kTimeout, .body = {}}, Fate::kClosed);
    });
    is_kept_ = socket_.is_open();
    is_kept_ ? write() : resolve();
  }

  /// Waits for the next request, but not for long.
  void rest() {
    timer_.expires_after(client_->options_.idle_time);
    timer_.async_wait([self = shared_from_this(), turn = ++turn_](const BoostError& error) {
      if (!error && turn == self->turn_ && self->client_ != nullptr) self->client_->forget(self);
    });
  }

  void let_go() {
    client_ = nullptr;
    done_ = nullptr;
    close();
    timer_.cancel();
  }

 private:
  enum class Fate { kKept, kClosed };

  /// Handlers of an earlier request, or of a socket that is closed, have nothing to say.
  template <typename Then>
  auto then(Then what) {
    return [self = shared_from_this(), turn = turn_, what](const BoostError& error, auto... rest) {
      if (self->client_ == nullptr || turn != self->turn_) return;
      error ? self->lost() : what(*self, rest...);
    };
  }

  void resolve() {
    const Options& options = client_->options_;
    BoostError no_address;
    const auto address = asio::ip::make_address(options.host, no_address);
    if (!no_address) return connect({{address, options.port}});
    resolver_.async_resolve(options.host, std::to_string(options.port),
                            then([](Connection& self, const asio::ip::tcp::resolver::results_type& found) {
                              found.empty() ? self.lost() : self.connect({found.begin(), found.end()});
                            }));
  }

  /// To the first that takes it. The one that comes first is another one after each failure, as an address that keeps silent takes all the time.
  void connect(std::vector<asio::ip::tcp::endpoint> endpoints) {
    std::ranges::rotate(endpoints, endpoints.begin() + static_cast<std::ptrdiff_t>(client_->n_failures_ % endpoints.size()));
    auto connected = then([](Connection& self) {
      BoostError ignored;
      self.socket_.set_option(asio::ip::tcp::no_delay(true), ignored);
      self.is_connected_ = true;
      self.write();
    });
    asio::async_connect(
        socket_, std::move(endpoints),
        [connected = std::move(connected)](const BoostError& error, const asio::ip::tcp::endpoint&) { connected(error); });
  }

  void write() {
    parser_.begin();
    asio::async_write(socket_, asio::buffer(request_), then([](Connection& self, std::size_t) { self.read(); }));
  }

  void read() {
    socket_.async_read_some(asio::buffer(input_), then([](Connection& self, std::size_t n) {
                              self.take(self.parser_.feed({self.input_.data(), n}));
                            }));
  }

  void take(ResponseParser::State state) {
    switch (state) {
      case ResponseParser::State::kNeedMore: return read();
      case ResponseParser::State::kBroken: return finish({.status = Fetched::Status::kBroken, .body = {}}, Fate::kClosed);
      case ResponseParser::State::kDone:
        return finish({Fetched::Status::kAnswer, parser_.status(), parser_.body()},
                      parser_.keeps_alive() ? Fate::kKept : Fate::kClosed);
    }
  }

  /// The connection has ended, or there was none.
  void lost() {
    if (parser_.has_started() && !is_stale()) return take(parser_.end());
    if (!is_stale()) return finish({}, Fate::kClosed);
    // A server may close what was idle just as we write; that request was never looked at.
    is_second_try_ = true;
    ++turn_;
    close();
    restart_timer();
    resolve();
  }
  [[nodiscard]] bool is_stale() const { return is_kept_ && !is_second_try_ && !parser_.has_started(); }

  void restart_timer() {
    const auto at = timer_.expiry();
    timer_.expires_at(at);
    timer_.async_wait([self = shared_from_this(), turn = turn_](const BoostError& error) {
      if (!error && turn == self->turn_) self->finish({.status = Fetched::Status::kTimeout, .body = {}}, Fate::kClosed);
    });
  }

  void finish(Fetched fetched, Fate fate) {
    if (client_ == nullptr) return;
    ++turn_;
    timer_.cancel();
    if (!is_connected_) ++client_->n_failures_;
    if (fate == Fate::kClosed) close();
    const Callback done = std::exchange(done_, nullptr);
    client_->give_back(shared_from_this());
    if (done) done(std::move(fetched));
  }

  void close() {
    BoostError ignored;
    is_connected_ = false;
    resolver_.cancel();
    socket_.close(ignored);
  }

  friend class FetchClient;
  FetchClient* client_;
  asio::ip::tcp::resolver resolver_;
  asio::ip::tcp::socket socket_;
  asio::steady_timer timer_;
  ResponseParser parser_;
  std::string request_;
  std::array<char, 16 * 1024> input_{};
  Callback done_;
  std::uint64_t turn_ = 0;  ///< of requests and tries; what an earlier one started counts no more
  bool is_connected_ = false;
  bool is_kept_ = false;
  bool is_second_try_ = false;
};

FetchClient::FetchClient(asio::io_context& context, Options options) : context_(context), options_(std::move(options)) {}

FetchClient::~FetchClient() {
  for (const Handle& one : idle_) one->let_go();
  for (const Handle& one : busy_) one->let_go();
}

FetchClient::Handle FetchClient::take_idle() {
  if (idle_.empty()) return std::make_shared<Connection>(*this);
  Handle last = std::move(idle_.back());
  idle_.pop_back();
  return last;
}

void FetchClient::close_idle() {
  for (const Handle& one : std::exchange(idle_, {})) one->let_go();
}

void FetchClient::forget(const Handle& idle) {
  std::erase(idle_, idle);
  idle->let_go();
}

void FetchClient::get(std::string_view target, std::chrono::milliseconds deadline, Callback done) {
  if (busy_.size() >= options_.connections) return done({});
  const Handle connection = take_idle();
  busy_.push_back(connection);
  connection->begin(target, deadline, std::move(done));
}

void FetchClient::give_back(const Handle& connection) {
  busy_.remove(connection);
  if (connection->socket_.is_open() && idle_.size() < options_.idle) {
    idle_.push_back(connection);
    connection->rest();
  } else {
    connection->let_go();
  }
}

}  // namespace lodestone::http
