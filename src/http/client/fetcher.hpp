#pragma once
// A small HTTP client on libcurl for threads of the background: it blocks, within limits. Follows no redirect, uses no proxy,
// speaks only http and https, and checks certificates.

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

namespace lodestone::http {

struct FetchLimits {
  std::chrono::milliseconds connect_timeout{2'000};
  std::chrono::milliseconds timeout{5'000};    ///< of the whole exchange
  std::string authorities = {};                ///< file of the certificates that are trusted; "" = the system's
  std::size_t answer_bytes = 4 * 1024 * 1024;  ///< of an answer's body
};

struct FetchAnswer {
  int status = 0;
  std::string body;
};

/// One thread. Keeps its connection for the next request to the same server.
class Fetcher {
 public:
  explicit Fetcher(const FetchLimits& limits = {});
  ~Fetcher();
  Fetcher(const Fetcher&) = delete;
  Fetcher& operator=(const Fetcher&) = delete;

  /// An answer of whatever status. Throws invalid_argument for what is no http or https address, timeout, unavailable (no
  /// connection, a certificate that does not hold, an answer that is too long), naming the address without login and query.
  FetchAnswer get(const std::string& url);
  FetchAnswer post(const std::string& url, std::string_view content_type, std::string_view body);

 private:
  struct Handle;
  FetchAnswer run(const std::string& url);
  FetchLimits limits_;
  std::unique_ptr<Handle> handle_;
};

}  // namespace lodestone::http
