#pragma once
// GET requests to one other HTTP server, many at once, on connections that are kept. A request that is late is cancelled: its connection
// closes, so nobody goes on working for it. Of a name with several addresses all are tried.

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "http/response_parser.hpp"

namespace lodestone::http {

namespace asio = boost::asio;

struct Fetched {
  enum class Status : std::uint8_t {
    kAnswer,       ///< `http_status` and `body`
    kTimeout,      ///< not complete within the deadline
    kUnavailable,  ///< no connection, or one that ended, or no room for another
    kBroken,       ///< what came is no HTTP answer that this client takes
  };
  Status status = Status::kUnavailable;
  int http_status = 0;
  std::string body;
};

/// Everything belongs to the thread of the context; the destructor may run after the context has stopped.
class FetchClient {
 public:
  struct Options {
    std::string host;
    std::uint16_t port = 80;
    std::size_t connections = 256;  ///< open at once; one request more fails at once
    std::size_t idle = 64;          ///< kept for later
    /// A connection that was not used for so long is closed: networks forget those without a word, and servers close them.
    std::chrono::milliseconds idle_time{60'000};
    ResponseParser::Limits limits;
  };
  using Callback = std::function<void(Fetched)>;

  FetchClient(asio::io_context& context, Options options);
  ~FetchClient();
  FetchClient(const FetchClient&) = delete;
  FetchClient& operator=(const FetchClient&) = delete;

  /// Asks for `target` ("/path?query"); calls `done` once, later or at once.
  void get(std::string_view target, std::chrono::milliseconds deadline, Callback done);

  [[nodiscard]] std::size_t n_connections() const { return idle_.size() + busy_.size(); }

 private:
  class Connection;
  using Handle = std::shared_ptr<Connection>;
  Handle take_idle();
  void close_idle();
  void forget(const Handle& idle);
  void give_back(const Handle& connection);

  asio::io_context& context_;
  Options options_;
  std::vector<Handle> idle_;  ///< used last at the end
  std::list<Handle> busy_;
  std::size_t n_failures_ = 0;  ///< to connect
};

}  // namespace lodestone::http
