#include "http/request_parser.hpp"

#include <boost/beast/core/string.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <functional>
#include <optional>

#include "http/request_id.hpp"

namespace lodestone::http {

namespace {

namespace beast = boost::beast::http;
using ErrorCodeOfBoost = boost::beast::error_code;
using BoostView = boost::beast::string_view;

std::string_view view(BoostView text) { return {text.data(), text.size()}; }

Method to_method(beast::verb verb) {
  switch (verb) {
    case beast::verb::get: return Method::kGet;
    case beast::verb::head: return Method::kHead;
    case beast::verb::post: return Method::kPost;
    case beast::verb::put: return Method::kPut;
    case beast::verb::patch: return Method::kPatch;
    case beast::verb::delete_: return Method::kDelete;
    case beast::verb::options: return Method::kOptions;
    default: return Method::kOther;  // an open enumeration of the library, so a default is right here
  }
}

/// The library's parser with our stricter rules; what it finds goes to `request`.
class StrictParser final : public beast::basic_parser<true> {
 public:
  StrictParser(const Limits& limits, ParsedRequest& request) : limits_(&limits), request_(&request) {
    header_limit(static_cast<std::uint32_t>(limits.header_bytes));
    body_limit(limits.body_bytes);
    eager(true);
  }

  /// The bytes that put() gets next.
  void look_at(std::string_view bytes) { bytes_ = bytes; }

  [[nodiscard]] bool has_request_line() const { return has_request_line_; }
  [[nodiscard]] const std::optional<Refusal>& refusal() const { return refusal_; }
  [[nodiscard]] bool expects_continue() const { return expects_continue_; }

 private:
  void refuse(int status, std::string_view detail, ErrorCodeOfBoost& error) {
    refusal_ = Refusal{status, detail};
    error = beast::error::bad_value;
  }

  void on_request_impl(beast::verb verb, BoostView, BoostView target, int version, ErrorCodeOfBoost& error) override {
    has_request_line_ = true;
    is_http_11_ = version == 11;
    request_->method = to_method(verb);
    if (target.size() > limits_->target_bytes) return refuse(414, "the request target is longer than this server takes", error);
    request_->target.assign(target.data(), target.size());
  }

  /// True for a value that goes on in another line (obs-fold, RFC 9112, 5.2), which the library takes and others read as a
  /// field of its own. It gives such a value from memory of its own, or from behind an end of line.
  [[nodiscard]] bool is_folded(BoostView name, BoostView value) const {
    const std::less_equal<const char*> before;
    const char* const gap = name.data() + name.size();
    if (!before(bytes_.data(), value.data()) || !before(value.data() + value.size(), bytes_.data() + bytes_.size())) return true;
    return std::string_view(gap, static_cast<std::size_t>(value.data() - gap)).find('\n') != std::string_view::npos;
  }

  void on_field_impl(beast::field field, BoostView name, BoostView value, ErrorCodeOfBoost& error) override {
    if (is_folded(name, value)) return refuse(400, "a header field goes on in a second line", error);
    field_bytes_ += name.size() + value.size() + 4;
    if (field_bytes_ > limits_->header_bytes) {
      error = beast::error::header_limit;
      return;
    }
    if (header_done_) return;  // a trailer of a chunked body says nothing to us
    switch (field) {
      case beast::field::host:
        if (++n_hosts_ > 1) refuse(400, "the request has more than one Host", error);
        break;
      case beast::field::content_length:
        if (++n_lengths_ > 1 || value.find(',') != BoostView::npos)
          refuse(400, "the request has more than one Content-Length", error);
        break;
      case beast::field::transfer_encoding:
        has_encoding_ = true;
        if (!boost::beast::iequals(value, "chunked")) refuse(501, "the only Transfer-Encoding taken is chunked", error);
        break;
      case beast::field::expect:
        if (!boost::beast::iequals(value, "100-continue")) return refuse(400, "the only Expect taken is 100-continue", error);
        expects_continue_ = true;
        break;
      case beast::field::content_type: request_->content_type = view(value); break;
      case beast::field::authorization: request_->authorization = view(value); break;
      case beast::field::if_none_match: request_->if_none_match = view(value); break;
      case beast::field::user_agent: request_->user_agent = view(value); break;
      case beast::field::accept_language: request_->accept_language = view(value); break;
      case beast::field::origin: request_->origin = view(value); break;
      default:
        if (boost::beast::iequals(name, "X-Request-ID") && is_request_id(view(value))) request_->request_id = view(value);
        if (boost::beast::iequals(name, "X-Client-App")) request_->client_app = view(value);
        if (boost::beast::iequals(name, "X-API-Key")) {
          // Whoever stands in front of us may have looked at the other one.
          if (++n_keys_ > 1) return refuse(400, "the request has more than one X-API-Key", error);
          request_->api_key = view(value);
        }
        // Twice is as good as none: whom to believe?
        if (boost::beast::iequals(name, "traceparent"))
          request_->traceparent = ++n_traces_ == 1 ? view(value) : std::string_view();
        break;
    }
  }

  void on_header_impl(ErrorCodeOfBoost& error) override {
    header_done_ = true;
    if (is_http_11_ && n_hosts_ == 0) return refuse(400, "the request has no Host", error);
    if (has_encoding_ && n_lengths_ > 0) return refuse(400, "the request has Content-Length and Transfer-Encoding", error);
    if (has_encoding_ && !is_http_11_) return refuse(400, "HTTP/1.0 has no Transfer-Encoding", error);
    request_->keep_alive = keep_alive();
  }

  void on_body_init_impl(const boost::optional<std::uint64_t>&, ErrorCodeOfBoost&) override {}
  std::size_t on_body_impl(BoostView body, ErrorCodeOfBoost&) override {
    request_->body.append(body.data(), body.size());
    return body.size();
  }
  void on_chunk_header_impl(std::uint64_t, BoostView, ErrorCodeOfBoost&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, BoostView body, ErrorCodeOfBoost&) override {
    request_->body.append(body.data(), body.size());
    return body.size();
  }
  void on_finish_impl(ErrorCodeOfBoost&) override {}
  void on_response_impl(int, BoostView, int, ErrorCodeOfBoost&) override {}

  const Limits* limits_;
  ParsedRequest* request_;
  std::string_view bytes_;
  std::optional<Refusal> refusal_;
  std::size_t field_bytes_ = 0;
  int n_hosts_ = 0;
  int n_lengths_ = 0;
  int n_keys_ = 0;
  int n_traces_ = 0;
  bool has_encoding_ = false;
  bool has_request_line_ = false;
  bool header_done_ = false;
  bool expects_continue_ = false;
  bool is_http_11_ = false;
};

Refusal to_refusal(const StrictParser& parser, const ErrorCodeOfBoost& error) {
  if (parser.refusal()) return *parser.refusal();
  if (error == beast::error::header_limit) {
    if (!parser.has_request_line()) return {414, "the request target is longer than this server takes"};
    return {431, "the header fields are longer than this server takes"};
  }
  if (error == beast::error::body_limit) return {413, "the body is longer than this server takes"};
  if (error == beast::error::bad_version) return {505, "only HTTP/1.0 and HTTP/1.1 are spoken here"};
  if (error == beast::error::bad_content_length || error == beast::error::multiple_content_length) {
    return {400, "the request has no single decimal Content-Length"};
  }
  if (error == beast::error::bad_transfer_encoding)
    return {400, "the request has Content-Length and Transfer-Encoding, or one twice"};
  if (error == beast::error::bad_method) return {400, "the request line does not start with a method"};
  if (error == beast::error::bad_target) return {400, "the request target holds characters that no URI has"};
  return {400, "the request is no well-formed HTTP"};
}

}  // namespace

struct RequestParser::Parser {
  explicit Parser(const Limits& given) : limits(given) { reset(); }

  void reset() {
    request.target.clear();
    request.body.clear();
    request.content_type.clear();
    request.authorization.clear();
    request.if_none_match.clear();
    request.user_agent.clear();
    request.accept_language.clear();
    request.client_app.clear();
    request.api_key.clear();
    request.origin.clear();
    request.traceparent.clear();
    request.request_id.clear();
    started = false;
    continued = false;
    // A big body is rare: its memory is not kept for the life of the connection.
    if (request.body.capacity() > 64 * 1024) request.body = std::string();
    strict.emplace(limits, request);
  }

  Limits limits;
  ParsedRequest request;
  Refusal refusal;
  std::optional<StrictParser> strict;
  bool started = false;
  bool continued = false;
};

RequestParser::RequestParser(const Limits& limits) : parser_(std::make_unique<Parser>(limits)) {}
RequestParser::~RequestParser() = default;

RequestParser::Fed RequestParser::feed(std::string_view bytes) {
  std::size_t skipped = 0;
  if (!parser_->started) {
    while (bytes.starts_with("\r\n")) {  // RFC 9112, 2.2: empty lines before a request are ignored
      bytes.remove_prefix(2);
      skipped += 2;
    }
    if (bytes.empty() || bytes == "\r") return {State::kNeedMore, skipped};
    parser_->started = true;
  }
  // The shortest end of a chunked body has five bytes, and the library asserts that it sees them together.
  if (is_in_body() && parser_->strict->chunked() && bytes.size() < 5) return {State::kNeedMore, skipped};
  ErrorCodeOfBoost error;
  parser_->strict->look_at(bytes);
  const std::size_t used = parser_->strict->put({bytes.data(), bytes.size()}, error);
  const std::size_t consumed = skipped + used;
  if (error && error != beast::error::need_more) {
    parser_->refusal = to_refusal(*parser_->strict, error);
    return {State::kRefused, consumed};
  }
  return {parser_->strict->is_done() ? State::kComplete : State::kNeedMore, consumed};
}

const ParsedRequest& RequestParser::request() const { return parser_->request; }
const Refusal& RequestParser::refusal() const { return parser_->refusal; }
bool RequestParser::has_started() const { return parser_->started; }
bool RequestParser::is_in_body() const { return parser_->strict->is_header_done() && !parser_->strict->is_done(); }

bool RequestParser::take_expect_continue() {
  if (!is_in_body() || !parser_->strict->expects_continue() || parser_->continued) return false;
  parser_->continued = true;
  return true;
}

void RequestParser::reset() { parser_->reset(); }

}  // namespace lodestone::http
