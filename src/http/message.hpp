#pragma once
// A request and its answer as handlers see them: no socket, no library type.

#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace lodestone::http {

enum class Method : std::uint8_t { kGet, kHead, kPost, kPut, kPatch, kDelete, kOptions, kOther };

/// One `name=value` of the query, percent-decoded. `is_text` is false when it was no percent-encoded UTF-8 without control characters
/// (then name and value are as sent).
struct QueryParameter {
  std::string_view name;
  std::string_view value;
  bool is_text = true;
};

/// Views into memory of the connection; valid while the handler runs.
struct Request {
  Method method = Method::kGet;
  std::string_view path;     ///< as sent, without the query
  std::string_view pattern;  ///< of the route that answers, "" when there is none; lives as long as the router
  std::span<const QueryParameter> path_parameters;  ///< in the order of the pattern, decoded
  std::span<const QueryParameter> parameters;       ///< of the query, in the order sent
  std::string_view body;
  std::string_view content_type;
  std::string_view authorization;
  std::string_view if_none_match;
  std::string_view user_agent;
  std::string_view accept_language;
  std::string_view client_app;                    ///< X-Client-App
  std::string_view traceparent;                   ///< as sent; "" also when it came twice
  std::string_view peer;                          ///< address of the other side, without port; "" when unknown
  std::string_view api_key;                       ///< X-API-Key; a secret
  std::string_view origin;                        ///< Origin
  std::string_view answer_headers;                ///< lines that every answer to it carries, each complete: static text
  std::string_view request_id;                    ///< given by the caller and well formed, else new
  std::chrono::steady_clock::time_point started;  ///< when the last byte of the request was parsed
  int thread = 0;                                 ///< number of the listener's thread, from 0
};

/// What a handler answers. The body is appended to a buffer of the connection, which may hold earlier answers before `body_begin`.
class Response {
 public:
  explicit Response(std::string& buffer) : buffer_(&buffer), body_begin_(buffer.size()) {}

  int status = 200;
  std::string_view content_type = "application/json";
  std::string_view cache_control = "private, no-store";
  /// More header lines, each complete: static text such as "Vary: X-API-Key\r\n".
  std::string_view more_headers;
  /// Weak entity tag; 0 = none.
  std::uint64_t etag = 0;
  /// `Retry-After` in seconds; 0 = none.
  int retry_after = 0;
  /// Methods of the path for 405, "GET, HEAD".
  std::string_view allow;

  /// Append the body here; earlier bytes are not ours.
  [[nodiscard]] std::string& out() { return *buffer_; }
  [[nodiscard]] std::string_view body() const { return std::string_view(*buffer_).substr(body_begin_); }
  void clear_body() { buffer_->resize(body_begin_); }

 private:
  std::string* buffer_;
  std::size_t body_begin_;
};

/// "GET"; "OTHER" for kOther.
std::string_view method_name(Method method);

/// Reason phrase of the statuses that we send, "" for others.
std::string_view reason_phrase(int status);

/// Appends W/"0123456789abcdef".
void append_etag(std::string& out, std::uint64_t etag);
/// True when an If-None-Match value names this tag or is "*". Weak comparison (RFC 9110, 13.1.2).
bool etag_matches(std::string_view if_none_match, std::uint64_t etag);

}  // namespace lodestone::http
