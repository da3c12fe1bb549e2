#include "http/connection.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <cstring>

namespace lodestone::http {

namespace {

constexpr asio::use_awaitable_t<Executor> kAwait;
using BoostError = boost::system::error_code;

/// Time and bytes that a client gets to read our last answer and hang up before we do.
constexpr std::chrono::milliseconds kLingerTime{2'000};
constexpr std::size_t kLingerBytes = 512 * 1024;
/// Of TLS: read at once (a record), and encrypted before it is sent.
constexpr std::size_t kCipherBytes = 16 * 1024 + 512;
constexpr std::size_t kEncryptedAtOnce = 256 * 1024;

}  // namespace

Connection::Connection(Socket socket, const Router& router, const Limits& limits, ThreadState& thread, const TlsContext* tls)
    : socket_(std::move(socket)),
      limits_(limits),
      exchange_(router, limits, thread),
      input_size_(2 * limits.header_bytes + 1024),
      input_(std::make_unique_for_overwrite<char[]>(input_size_)) {
  set_phase(tls == nullptr ? Phase::kIdle : Phase::kHandshake);
  if (tls == nullptr) return;
  tls_ = std::make_unique<TlsSession>(*tls);
  cipher_ = std::make_unique_for_overwrite<char[]>(kCipherBytes);
}

void Connection::set_phase(Phase phase) {
  const SteadyTime now = std::chrono::steady_clock::now();
  phase_ = phase;
  is_late_ = false;
  switch (phase) {
    case Phase::kHandshake: deadline_ = now + limits_.header_timeout; break;
    case Phase::kIdle: deadline_ = now + limits_.idle_timeout; break;
    case Phase::kHead: deadline_ = now + limits_.header_timeout; break;
    case Phase::kBody: deadline_ = now + limits_.body_timeout; break;
    case Phase::kWait: deadline_ = SteadyTime::max(); break;  // whoever is waited for has deadlines of its own
    case Phase::kWrite: deadline_ = now + limits_.write_timeout; break;
    case Phase::kLinger: deadline_ = now + kLingerTime; break;
  }
}

// In the coroutines below each co_await is a statement of its own: g++ 12 miscompiles some that stand inside a condition.

Task<> Connection::run() {
  for (;;) {
    if (begin_ == end_) {
      const bool more = co_await read();
      if (!more) co_return;
    }
    std::size_t consumed = 0;
    Exchange::Next next = exchange_.take({input_.get() + begin_, end_ - begin_}, consumed);
    begin_ += consumed;
    if (exchange_.has_pieces()) {
      const bool written = co_await write();
      if (!written) co_return;
    }
    if (next == Exchange::Next::kWait) {
      co_await wait();
      next = exchange_.resume();
      const bool written = co_await write();
      if (!written) co_return;
    }
    if (next == Exchange::Next::kWriteThenClose) break;
    if (next == Exchange::Next::kRead || exchange_.is_inside()) {
      const bool more = co_await read();
      if (!more) co_return;
    }
  }
  co_await linger();
}

Task<> Connection::write_last() {
  const bool written = co_await write();
  if (!written) co_return;
  co_await linger();
}

Task<bool> Connection::read() {
  if (begin_ == end_) {
    begin_ = end_ = 0;
  } else if (begin_ > 0) {
    std::memmove(input_.get(), input_.get() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  // A deadline holds for its whole phase: bytes that trickle in do not move it.
  const Phase phase = !exchange_.is_inside() ? Phase::kIdle : exchange_.is_in_body() ? Phase::kBody : Phase::kHead;
  if (phase_ != Phase::kHandshake && (phase != phase_ || phase == Phase::kIdle)) set_phase(phase);
  if (end_ == input_size_) {  // only a chunk header of kilobytes comes here
    exchange_.refuse(400, "a chunk header is longer than this server takes");
    co_await write_last();
    co_return false;
  }
  BoostError error;
  if (tls_) {
    co_await read_tls(error);
  } else {
    const std::size_t n = co_await socket_.async_read_some(asio::buffer(input_.get() + end_, input_size_ - end_),
                                                           asio::redirect_error(kAwait, error));
    end_ += n;
  }
  if (!error) co_return true;
  if (is_late_ && phase_ != Phase::kIdle && phase_ != Phase::kHandshake) {
    exchange_.refuse(408, "the request did not arrive in time");
    co_await write_last();
  }
  co_return false;
}

Task<> Connection::read_tls(BoostError& error) {
  for (;;) {
    const TlsSession::Result result = tls_->read(input_.get() + end_, input_size_ - end_);
    end_ += result.n;
    if (result.state == TlsSession::State::kEnded) tls_->end();
    if (!tls_->output().empty()) co_await send_tls(error);
    if (result.state != TlsSession::State::kMore && !error) error = asio::error::eof;
    if (phase_ == Phase::kHandshake && tls_->is_ready()) set_phase(Phase::kIdle);
    if (result.n > 0 || error) co_return;
    const std::size_t n =
        co_await socket_.async_read_some(asio::buffer(cipher_.get(), kCipherBytes), asio::redirect_error(kAwait, error));
    tls_->receive({cipher_.get(), n});
    if (error) co_return;
  }
}

Task<> Connection::write_tls(BoostError& error) {
  clear_.clear();
  for (const std::string_view piece : exchange_.pieces()) {
    for (std::size_t at = 0; at < piece.size();) {  // an empty one has nothing to say
      const std::string_view part = piece.substr(at, kEncryptedAtOnce - clear_.size());
      clear_ += part;
      at += part.size();
      if (clear_.size() < kEncryptedAtOnce) continue;
      if (!tls_->write(clear_)) error = asio::error::connection_aborted;
      if (!error) co_await send_tls(error);
      if (error) co_return;
      clear_.clear();
    }
  }
  if (!tls_->write(clear_)) error = asio::error::connection_aborted;
  if (!error) co_await send_tls(error);
}

Task<> Connection::send_tls(BoostError& error) {
  const std::string_view bytes = tls_->output();
  const std::size_t written = socket_.write_some(asio::buffer(bytes.data(), bytes.size()), error);
  if (error == asio::error::would_block) error = {};
  if (!error && written < bytes.size()) {
    const Phase phase = phase_;
    const SteadyTime deadline = deadline_;
    if (phase != Phase::kHandshake) set_phase(Phase::kWrite);
    co_await asio::async_write(socket_, asio::buffer(bytes.data() + written, bytes.size() - written),
                               asio::redirect_error(kAwait, error));
    phase_ = phase;
    deadline_ = deadline;
  }
  tls_->take_output();
}

Task<bool> Connection::write() {
  BoostError error;
  if (tls_) {
    co_await write_tls(error);
    exchange_.clear_pieces();
    phase_ = Phase::kIdle;
    co_return !error;
  }
  buffers_.clear();
  std::size_t total = 0;
  for (const std::string_view piece : exchange_.pieces()) {
    buffers_.emplace_back(piece.data(), piece.size());
    total += piece.size();
  }
  // Nearly always the socket takes it all at once, without a turn through the event loop.
  const std::size_t written = socket_.write_some(buffers_, error);
  if (error == asio::error::would_block) error = {};
  if (!error && written < total) {
    set_phase(Phase::kWrite);
    std::size_t skip = written;
    while (skip > 0 && skip >= buffers_.front().size()) {
      skip -= buffers_.front().size();
      buffers_.erase(buffers_.begin());
    }
    if (skip > 0) buffers_.front() += skip;
    co_await asio::async_write(socket_, buffers_, asio::redirect_error(kAwait, error));
  }
  exchange_.clear_pieces();
  phase_ = Phase::kIdle;  // what is read next belongs to another request, with a time of its own
  co_return !error;
}

Task<> Connection::wait() {
  set_phase(Phase::kWait);
  // The thread's tick keeps the context running as long as it has a connection, so there is always somebody to resume.
  const auto begin = [this](auto handler) {
    auto waiting = std::make_shared<decltype(handler)>(std::move(handler));
    exchange_.start_waiting(
        [executor = socket_.get_executor(), waiting] { asio::post(executor, [waiting] { std::move (*waiting)(); }); });
  };
  co_await asio::async_initiate<const asio::use_awaitable_t<Executor>, void()>(begin, kAwait);
  phase_ = Phase::kIdle;
}

Task<> Connection::linger() {
  // Closing with unread bytes sends a reset, which can overtake the answer; so say that we are done, and read until the client is.
  set_phase(Phase::kLinger);
  BoostError error;
  if (tls_) {
    tls_->end();
    co_await send_tls(error);
  }
  socket_.shutdown(Socket::shutdown_send, error);
  std::size_t total = 0;
  while (!error && total < kLingerBytes) {
    const std::size_t n =
        co_await socket_.async_read_some(asio::buffer(input_.get(), input_size_), asio::redirect_error(kAwait, error));
    total += n;
  }
}

Task<> Connection::run_refused() {
  if (tls_) co_return;  // a handshake costs more than most answers
  exchange_.refuse(503, "the server has as many connections as it takes; try again in a second", 1);
  co_await write_last();
}

void Connection::sweep(SteadyTime now) {
  if (now < deadline_ || is_late_) return;
  is_late_ = true;
  BoostError ignored;
  socket_.cancel(ignored);
}

void Connection::begin_drain(SteadyTime now, std::chrono::milliseconds grace) {
  if (phase_ == Phase::kIdle) deadline_ = std::min(deadline_, now + grace);
}

void Connection::cut() {
  BoostError ignored;
  socket_.close(ignored);
}

}  // namespace lodestone::http
