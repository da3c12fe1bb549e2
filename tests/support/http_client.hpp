#pragma once
// A blocking HTTP client for tests, over raw sockets, so that tests can also send what no library would.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace lodestone::test {

struct HttpAnswer {
  int status = 0;
  std::map<std::string, std::string> headers;  ///< names in lower case
  std::string body;

  [[nodiscard]] std::string header(const std::string& lower_case_name) const;
};

/// One connection to 127.0.0.1. Every wait ends after 20 s with a failure (an exception of the standard library).
class HttpConnection {
 public:
  explicit HttpConnection(std::uint16_t port);
  ~HttpConnection();
  HttpConnection(const HttpConnection&) = delete;
  HttpConnection& operator=(const HttpConnection&) = delete;

  /// Sends bytes as they are; false when the other side has closed.
  bool send(std::string_view bytes);
  /// No more bytes from us.
  void finish_sending();
  enum class Body { kFollows, kNone };
  /// The next answer; none when the other side closed instead. kNone for answers to HEAD.
  std::optional<HttpAnswer> read(Body body = Body::kFollows);
  /// True when the other side closes without another byte.
  bool is_closed_by_peer();

  /// Sends a request and reads the answer. `headers` are complete lines.
  HttpAnswer request(std::string_view method, std::string_view target, std::string_view headers = "", std::string_view body = "");
  HttpAnswer get(std::string_view target, std::string_view headers = "") { return request("GET", target, headers); }

 private:
  bool fill();
  int socket_;
  std::string input_;
};

/// One GET on a connection of its own.
HttpAnswer http_get(std::uint16_t port, std::string_view target, std::string_view headers = "");

/// Percent-encodes everything but letters, digits and "-._~".
std::string percent_encode(std::string_view text);

}  // namespace lodestone::test
