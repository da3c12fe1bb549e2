#pragma once
// One connection: reads, hands bytes to its Exchange, writes. A coroutine on its thread's I/O context. Times are watched from outside:
// a connection only notes its deadline, and the thread's sweep cancels what is late, which costs nothing per request.

#include <boost/asio/awaitable.hpp>
#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <chrono>
#include <memory>
#include <vector>

#include "base/tls.hpp"
#include "http/exchange.hpp"

namespace lodestone::http {

namespace asio = boost::asio;
/// The concrete executor; any_io_executor costs a virtual call and an allocation here and there.
using Executor = asio::io_context::executor_type;
using Socket = asio::basic_stream_socket<asio::ip::tcp, Executor>;
template <typename T = void>
using Task = asio::awaitable<T, Executor>;
using SteadyTime = std::chrono::steady_clock::time_point;

class Connection {
 public:
  /// `tls` may be null: plain HTTP.
  Connection(Socket socket, const Router& router, const Limits& limits, ThreadState& thread, const TlsContext* tls);

  /// Address of the other side, for the requests.
  void set_peer(std::string address) { exchange_.set_peer(std::move(address)); }

  /// Serves until either side ends it.
  Task<> run();
  /// Answers 503 with Retry-After and closes: one connection too many.
  Task<> run_refused();

  /// Cancels what waits when the deadline has passed.
  void sweep(SteadyTime now);
  /// From now on answers close the connection; one that is idle goes after `grace`.
  void begin_drain(SteadyTime now, std::chrono::milliseconds grace);
  /// Closes at once.
  void cut();

 private:
  enum class Phase { kHandshake, kIdle, kHead, kBody, kWait, kWrite, kLinger };
  void set_phase(Phase phase);
  Task<bool> read();
  Task<bool> write();
  // The same with TLS between.
  Task<> read_tls(boost::system::error_code& error);
  Task<> write_tls(boost::system::error_code& error);
  /// Sends what the session has for the other side.
  Task<> send_tls(boost::system::error_code& error);
  /// Sleeps until the answer can be written; the thread does other work meanwhile.
  Task<> wait();
  /// write(), then linger() if the other side still listens.
  Task<> write_last();
  Task<> linger();

  Socket socket_;
  Limits limits_;
  Exchange exchange_;
  std::size_t input_size_;
  std::unique_ptr<char[]> input_;  ///< not zeroed: an idle connection touches no page of it
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  Phase phase_ = Phase::kIdle;
  SteadyTime deadline_;
  bool is_late_ = false;
  std::vector<asio::const_buffer> buffers_;
  std::unique_ptr<TlsSession> tls_;  ///< null for plain HTTP, as are the next two
  std::unique_ptr<char[]> cipher_;   ///< in which bytes of the network are read
  std::string clear_;                ///< pieces on their way into one record
};

}  // namespace lodestone::http
