#include "http/listener.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <charconv>
#include <ctime>
#include <list>
#include <optional>
#include <thread>

#include "base/error.hpp"
#include "base/log.hpp"
#include "http/connection.hpp"

namespace lodestone::http {

namespace {

using BoostError = boost::system::error_code;
using Endpoint = asio::ip::tcp::endpoint;
using Acceptor = asio::basic_socket_acceptor<asio::ip::tcp, Executor>;
using Timer = asio::basic_waitable_timer<std::chrono::steady_clock, asio::wait_traits<std::chrono::steady_clock>, Executor>;
constexpr asio::use_awaitable_t<Executor> kAwait;
using ReusePort = asio::detail::socket_option::boolean<SOL_SOCKET, SO_REUSEPORT>;

/// How long a connection without a request stays open while the server drains, so that a request on its way is still answered.
constexpr std::chrono::milliseconds kDrainGrace{250};

/// Between two measurements of how late a thread is.
constexpr std::chrono::milliseconds kMeasurePause{5};
/// Connections taken from the kernel at one go, so that those that wait there show in the delays of the thread.
constexpr int kAcceptedAtOnce = 64;
constexpr int kTakenAtEnd = 10'000;

enum class Sharing { kAlone, kAmongThreads };

Endpoint to_endpoint(const ListenOptions& options, std::uint16_t port) {
  BoostError error;
  const auto address = asio::ip::make_address(options.host, error);
  if (error) {
    fail(ErrorCode::kInvalidArgument, "cannot listen on \"{}\": this is no IP address; give one like 127.0.0.1, 0.0.0.0 or ::1",
         options.host);
  }
  return {address, port};
}

[[noreturn]] void fail_to_listen(const ListenOptions& options, std::uint16_t port, const BoostError& error) {
  const bool in_use = error == asio::error::address_in_use;
  fail(ErrorCode::kUnavailable, "cannot listen on {}:{}: {}; {}", options.host, port,
       in_use ? "port in use by another process" : error.message(), options.way_out);
}

/// A bound acceptor that does not listen yet.
Acceptor bind(asio::io_context& context, const ListenOptions& options, std::uint16_t port, Sharing sharing) {
  const Endpoint endpoint = to_endpoint(options, port);
  Acceptor acceptor(context);
  BoostError error;
  acceptor.open(endpoint.protocol(), error);
  if (!error) acceptor.set_option(Acceptor::reuse_address(true), error);
  if (!error && sharing == Sharing::kAmongThreads) acceptor.set_option(ReusePort(true), error);
  if (!error) acceptor.bind(endpoint, error);
  if (error) fail_to_listen(options, port, error);
  return acceptor;
}

/// Processor time of this thread.
std::chrono::nanoseconds time_worked() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

}  // namespace

HostPort parse_host_port(std::string_view text, std::string_view what) {
  HostPort result;
  const std::size_t colon = text.rfind(':');
  std::string_view host = text.substr(0, colon == std::string_view::npos ? 0 : colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  const std::string_view digits = colon == std::string_view::npos ? std::string_view() : text.substr(colon + 1);
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), result.port);
  if (host.empty() || digits.empty() || error != std::errc() || end != digits.data() + digits.size()) {
    fail(ErrorCode::kInvalidArgument, "{} is \"{}\", expected HOST:PORT with a port from 0 to 65535, for example 127.0.0.1:8000",
         what, text);
  }
  result.host = host;
  return result;
}

/// One thread: its context, its acceptor and its connections.
class Listener::IoThread {
 public:
  IoThread(Listener& listener, int number) : listener_(&listener), acceptor_(context_), timer_(context_), lateness_(context_) {
    state_.number = number;
    state_.on_answer = listener.options_.on_answer;
    tls_ = listener.options_.tls;
    const std::chrono::milliseconds queue_delay = listener.options_.limits.queue_delay;
    if (queue_delay == std::chrono::milliseconds(0)) return;
    state_.shedder = Shedder(queue_delay);
    state_.is_measured = false;
    state_.start_measuring = [this] {
      state_.shedder.restart(std::chrono::steady_clock::now());
      measure();
    };
    state_.on_shed = listener.options_.on_shed;
  }
  ~IoThread() {
    if (thread_.joinable()) thread_.join();
  }
  IoThread(const IoThread&) = delete;
  IoThread& operator=(const IoThread&) = delete;

  std::uint16_t bind_to(std::uint16_t port) {
    acceptor_ = bind(context_, listener_->options_, port, Sharing::kAmongThreads);
    return acceptor_.local_endpoint().port();
  }

  void start() {
    BoostError error;
    acceptor_.listen(asio::socket_base::max_listen_connections, error);
    if (!error) acceptor_.non_blocking(true, error);
    if (error) fail_to_listen(listener_->options_, listener_->port_, error);
    asio::co_spawn(context_, accept(), asio::detached);
    asio::co_spawn(context_, tick(), asio::detached);
    thread_ = std::thread([this] {
      if (listener_->options_.on_start) listener_->options_.on_start(state_.number);
      context_.run();
    });
  }

  void begin_drain(std::chrono::milliseconds drain) {
    asio::post(context_, [this, drain] {
      const SteadyTime now = std::chrono::steady_clock::now();
      state_.is_draining = true;
      cut_at_ = now + drain;
      take_waiting(kTakenAtEnd);  // they must not be lost when the acceptor closes
      BoostError ignored;
      acceptor_.close(ignored);
      for (Connection& one : connections_) one.begin_drain(now, std::min(drain, kDrainGrace));
      timer_.cancel();
    });
  }

  void set_tls(std::shared_ptr<const TlsContext> tls) {
    asio::post(context_, [this, tls = std::move(tls)]() mutable { tls_ = std::move(tls); });
  }

  void join() {
    if (thread_.joinable()) thread_.join();
  }

 private:
  using Connections = std::list<Connection>;

  Task<> accept() {
    while (acceptor_.is_open()) {
      BoostError error;
      Socket socket(context_);
      Endpoint peer;
      co_await acceptor_.async_accept(socket, peer, asio::redirect_error(kAwait, error));
      if (!error) {
        admit(std::move(socket), peer);
        take_waiting(kAcceptedAtOnce);
      } else if (error != asio::error::operation_aborted && error != asio::error::connection_aborted) {
        // Out of file descriptors, mostly: take a breath instead of spinning.
        log_warn("http", "cannot accept a connection: {}", error.message());
        Timer pause(context_, std::chrono::milliseconds(100));
        co_await pause.async_wait(asio::redirect_error(kAwait, error));
      }
    }
  }

  /// Connections that the kernel has accepted already.
  void take_waiting(int most) {
    BoostError error;
    for (int i = 0; i < most && !error; ++i) {
      Socket socket(context_);
      Endpoint peer;
      acceptor_.accept(socket, peer, error);
      if (!error) admit(std::move(socket), peer);
    }
  }

  void admit(Socket socket, const Endpoint& peer) {
    BoostError ignored;
    socket.set_option(asio::ip::tcp::no_delay(true), ignored);
    socket.non_blocking(true, ignored);
    const std::size_t n = listener_->n_connections_.fetch_add(1, std::memory_order_relaxed) + 1;
    connections_.emplace_front(std::move(socket), *listener_->router_, listener_->options_.limits, state_, tls_.get());
    connections_.front().set_peer(peer.address().to_string());
    const Admission admission = n > listener_->options_.limits.connections ? Admission::kRefused : Admission::kServed;
    asio::co_spawn(context_, serve(connections_.begin(), admission), asio::detached);
  }

  enum class Admission { kServed, kRefused };
  Task<> serve(Connections::iterator connection, Admission admission) {
    try {
      Task<> work = admission == Admission::kServed ? connection->run() : connection->run_refused();
      co_await std::move(work);
    } catch (const std::exception& error) {
      log_error("http", "a connection ended: {}", error.what());
    }
    connections_.erase(connection);
    listener_->n_connections_.fetch_sub(1, std::memory_order_relaxed);
  }

  /// How late the thread comes to a timer is how late it comes to a request that arrives then: both wait for all that was ready
  /// before. An idle thread measures nothing. A thread from which others took the processor is late, too, but refusing requests
  /// would not make it earlier: only the time that it worked counts.
  void measure() {
    state_.is_measured = true;
    state_.has_worked = false;
    lateness_.expires_after(kMeasurePause);
    lateness_.async_wait([this, worked_before = time_worked()](const BoostError& error) {
      if (error) return;
      const SteadyTime now = std::chrono::steady_clock::now();
      const SteadyTime::duration worked = time_worked() - worked_before;
      state_.shedder.note(now, std::min(now - lateness_.expiry(), worked));
      if (state_.has_worked || state_.shedder.is_shedding()) {
        measure();
      } else {
        state_.is_measured = false;
      }
    });
  }

  Task<> tick() {
    const Limits& limits = listener_->options_.limits;
    const auto shortest = std::min({limits.header_timeout, limits.body_timeout, limits.idle_timeout, limits.write_timeout});
    const auto pause = std::clamp(shortest / 4, std::chrono::milliseconds(10), std::chrono::milliseconds(1'000));
    SteadyTime next_call = std::chrono::steady_clock::now();
    for (;;) {
      timer_.expires_after(state_.is_draining ? std::chrono::milliseconds(10) : pause);
      BoostError ignored;
      co_await timer_.async_wait(asio::redirect_error(kAwait, ignored));
      const SteadyTime now = std::chrono::steady_clock::now();
      for (Connection& one : connections_) one.sweep(now);
      if (listener_->options_.on_tick && now >= next_call) {
        listener_->options_.on_tick(state_.number);
        next_call = now + std::chrono::seconds(1);
      }
      if (!state_.is_draining) continue;
      if (connections_.empty()) co_return;
      if (now < cut_at_) continue;
      for (Connection& one : connections_) one.cut();
    }
  }

  Listener* listener_;
  asio::io_context context_{1};
  Acceptor acceptor_;
  Timer timer_;
  Timer lateness_;
  ThreadState state_;
  std::shared_ptr<const TlsContext> tls_;  ///< may be null
  Connections connections_;
  SteadyTime cut_at_;
  std::thread thread_;
};

Listener::Listener(const Router& router, ListenOptions options) : router_(&router), options_(std::move(options)) {
  LODESTONE_ASSERT(options_.n_threads >= 1, "{} threads", options_.n_threads);
  bind_all();
}

Listener::~Listener() { stop(std::chrono::milliseconds(0)); }

void Listener::bind_all() {
  // SO_REUSEPORT would let us share the port with a stranger that has set it too, so first ask for the port alone.
  asio::io_context probe;
  if (options_.port != 0) bind(probe, options_, options_.port, Sharing::kAlone);
  port_ = options_.port;
  for (int i = 0; i < options_.n_threads; ++i) {
    threads_.push_back(std::make_unique<IoThread>(*this, i));
    port_ = threads_.back()->bind_to(port_);
  }
}

void Listener::start() {
  for (const auto& thread : threads_) thread->start();
}

void Listener::set_tls(std::shared_ptr<const TlsContext> tls) {
  LODESTONE_ASSERT(options_.tls != nullptr && tls != nullptr, "a listener is plain or not for as long as it lives");
  for (const auto& thread : threads_) thread->set_tls(tls);
}

void Listener::stop(std::chrono::milliseconds drain) {
  for (const auto& thread : threads_) thread->begin_drain(drain);
  for (const auto& thread : threads_) thread->join();
  threads_.clear();
}

}  // namespace lodestone::http
