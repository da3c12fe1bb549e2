#pragma once
// Bytes of a connection to requests (RFC 9112), by Boost.Beast's parser, stricter than it where request smuggling lives: one
// Content-Length, no Transfer-Encoding but chunked and never beside Content-Length, exactly one Host in HTTP/1.1, no field on
// two lines.

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "http/limits.hpp"
#include "http/message.hpp"

namespace lodestone::http {

/// What was parsed, with its own memory, which the next request reuses.
struct ParsedRequest {
  Method method = Method::kOther;
  std::string target;
  std::string body;
  std::string content_type;
  std::string authorization;
  std::string if_none_match;
  std::string user_agent;
  std::string accept_language;
  std::string client_app;
  std::string api_key;
  std::string origin;
  std::string traceparent;
  std::string request_id;  ///< "" unless given and well formed
  bool keep_alive = true;
};

/// Why a request was refused.
struct Refusal {
  int status = 400;
  std::string_view detail;
};

/// One thread.
class RequestParser {
 public:
  enum class State { kNeedMore, kComplete, kRefused };

  explicit RequestParser(const Limits& limits);
  ~RequestParser();
  RequestParser(const RequestParser&) = delete;
  RequestParser& operator=(const RequestParser&) = delete;

  struct Fed {
    State state = State::kNeedMore;
    std::size_t consumed = 0;  ///< bytes that must not be fed again
  };
  /// Feeds what was read and not consumed yet. After kRefused the connection cannot go on.
  Fed feed(std::string_view bytes);

  /// Valid after kComplete, until reset().
  [[nodiscard]] const ParsedRequest& request() const;
  /// Valid after kRefused.
  [[nodiscard]] const Refusal& refusal() const;
  /// True from the first byte of a request on.
  [[nodiscard]] bool has_started() const;
  /// True when the header is complete and the body is not.
  [[nodiscard]] bool is_in_body() const;
  /// True once, when the client waits for "100 Continue" before it sends the body.
  [[nodiscard]] bool take_expect_continue();

  /// Ready for the next request.
  void reset();

 private:
  struct Parser;
  std::unique_ptr<Parser> parser_;
};

}  // namespace lodestone::http
