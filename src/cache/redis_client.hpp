#pragma once
// One pipelined connection to a Redis: commands go out as they come, replies are told apart by their order. It reconnects by itself, waits
// longer after each failure, and no command waits longer than its deadline. Of a name with several addresses all are tried. The server of a
// rediss:// address must show a certificate for that name.

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <deque>
#include <functional>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/tls.hpp"
#include "cache/redis_url.hpp"
#include "cache/resp_parser.hpp"

namespace lodestone::cache {

namespace asio = boost::asio;

struct RedisReply {
  enum class Status : std::uint8_t {
    kReply,        ///< `value` is what Redis said, never an error
    kError,        ///< Redis answered with an error: out of memory, still loading, a wrong type
    kTimeout,      ///< no answer within the deadline
    kTooLarge,     ///< a reply beyond what RespParser takes; its connection has ended
    kUnavailable,  ///< no connection, a connection that ended, nonsense on it, or too much that waits already
  };
  Status status = Status::kUnavailable;
  RespValue value;  ///< of kError: its text
};

/// Everything belongs to the thread of the context; the destructor may run after the context has stopped.
class RedisClient {
 public:
  struct Options {
    RedisUrl url;
    std::shared_ptr<const TlsTrust> trust;  ///< who vouches for a server of rediss://; nullptr = whom the system trusts
    std::chrono::milliseconds connect_timeout{500};
    std::chrono::milliseconds backoff_min{50};  ///< after the first failure; doubled after each further one
    std::chrono::milliseconds backoff_max{2'000};
    /// A connection whose oldest reply is so late is given up.
    std::chrono::milliseconds stalled_after{1'000};
    std::size_t waiting = 10'000;                               ///< commands without a reply; beyond them one fails at once
    std::size_t waiting_bytes = std::size_t{16} * 1024 * 1024;  ///< of commands that are not sent yet
  };
  using Callback = std::function<void(RedisReply)>;

  RedisClient(asio::io_context& context, Options options);
  ~RedisClient();
  RedisClient(const RedisClient&) = delete;
  RedisClient& operator=(const RedisClient&) = delete;

  /// Calls `done` once, later or at once. Connects when there is no connection yet.
  void send(std::initializer_list<std::string_view> command, std::chrono::milliseconds deadline, Callback done) {
    send(std::span(command.begin(), command.size()), deadline, std::move(done));
  }
  void send(std::span<const std::string_view> command, std::chrono::milliseconds deadline, Callback done);

  /// Called for what arrives without having been asked for: messages of channels subscribed to. Before the first send().
  void on_push(std::function<void(RespValue)> push) { push_ = std::move(push); }
  /// Called when a connection that stood has ended.
  void on_lost(std::function<void()> lost) { lost_ = std::move(lost); }

  [[nodiscard]] bool is_connected() const;
  [[nodiscard]] const Options& options() const { return options_; }

 private:
  using Time = std::chrono::steady_clock::time_point;
  class Connection;
  struct Waiting {
    Callback done;  ///< none once its deadline has passed
    Time deadline;
    Time stalled;
  };
  void connect();
  void connection_ended(const Connection& ended, std::string_view why);
  /// It answers, and not with an error, as to a login that it refuses.
  void note_well();
  void watch();
  void fail_all(std::deque<Waiting> waiting);

  asio::io_context& context_;
  Options options_;
  std::function<void(RespValue)> push_;
  std::function<void()> lost_;
  std::shared_ptr<Connection> connection_;
  std::chrono::milliseconds backoff_;
  std::size_t n_failures_ = 0;  ///< to connect
  Time next_try_;
  asio::steady_timer watch_timer_;
  bool is_watching_ = false;
  std::shared_ptr<const bool> is_alive_ =
      std::make_shared<const bool>(true);  ///< a handler that is due already outlives its client
  bool was_told_ = false;                  ///< the log knows that there is no connection
};

}  // namespace lodestone::cache
