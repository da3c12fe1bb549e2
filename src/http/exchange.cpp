#include "http/exchange.hpp"

#include <fmt/chrono.h>

#include <array>
#include <charconv>
#include <ctime>

#include "http/problem.hpp"

namespace lodestone::http {

namespace {

/// Answers collected beyond this are written before the next request is looked at.
constexpr std::size_t kCollectedBytes = 256 * 1024;
/// Buffers that one big answer blew up are given back.
constexpr std::size_t kKeptBytes = 512 * 1024;

void refresh_date(ThreadState& thread) {
  const std::time_t now = std::time(nullptr);
  if (now == thread.date_at) return;
  thread.date_at = now;
  thread.date = fmt::format("{:%a, %d %b %Y %H:%M:%S} GMT", fmt::gmtime(now));
}

void append_integer(std::string& out, std::uint64_t value) {
  std::array<char, 20> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value);
  out.append(digits.data(), end.ptr);
}

/// Seconds with six decimals: "0.000123".
void append_seconds(std::string& out, std::chrono::steady_clock::duration elapsed) {
  const auto micros = static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(elapsed).count());
  append_integer(out, micros / 1'000'000);
  std::array<char, 7> decimals{'.', '0', '0', '0', '0', '0', '0'};
  std::uint64_t rest = micros % 1'000'000;
  for (std::size_t i = 6; i > 0; --i, rest /= 10) decimals[i] = static_cast<char>('0' + rest % 10);
  out.append(decimals.data(), decimals.size());
}

}  // namespace

Exchange::Exchange(const Router& router, const Limits& limits, ThreadState& thread)
    : router_(&router), limits_(limits), thread_(&thread), parser_(limits) {}

Exchange::Next Exchange::take(std::string_view bytes, std::size_t& consumed) {
  consumed = 0;
  for (;;) {
    const RequestParser::Fed fed = parser_.feed(bytes.substr(consumed));
    consumed += fed.consumed;
    if (fed.state == RequestParser::State::kRefused) {
      refuse(parser_.refusal().status, parser_.refusal().detail);
      return Next::kWriteThenClose;
    }
    if (fed.state == RequestParser::State::kNeedMore) {
      if (parser_.take_expect_continue()) {
        heads_ += "HTTP/1.1 100 Continue\r\n\r\n";
        spans_.push_back({heads_.size(), bodies_.size()});
      }
      return has_pieces() ? Next::kWriteThenGoOn : Next::kRead;
    }
    const bool keep_alive = parser_.request().keep_alive && !thread_->is_draining;
    if (!answer(keep_alive)) return Next::kWait;
    parser_.reset();
    if (!keep_alive) return Next::kWriteThenClose;
    if (spans_.size() >= limits_.pipelined || bodies_.size() > kCollectedBytes) return Next::kWriteThenGoOn;
  }
}

bool Exchange::answer(bool keep_alive) {
  const ParsedRequest& parsed = parser_.request();
  Request request;
  request.started = std::chrono::steady_clock::now();
  request.method = parsed.method;
  request.body = parsed.body;
  request.content_type = parsed.content_type;
  request.authorization = parsed.authorization;
  request.if_none_match = parsed.if_none_match;
  request.user_agent = parsed.user_agent;
  request.accept_language = parsed.accept_language;
  request.client_app = parsed.client_app;
  request.traceparent = parsed.traceparent;
  request.peer = peer_;
  request.api_key = parsed.api_key;
  request.origin = parsed.origin;
  request.thread = thread_->number;
  if (parsed.request_id.empty()) thread_->ids.make(new_id_);
  request.request_id = parsed.request_id.empty() ? std::string_view(new_id_) : std::string_view(parsed.request_id);
  request.answer_headers = router_->headers(request);
  Response response(bodies_);
  if (target_.parse(parsed.target)) {
    request.path = target_.path();
    if (shed(request, response)) {
      finish(request, response, keep_alive);
      return true;
    }
    if (std::unique_ptr<Deferred> rest = router_->dispatch(request, target_, response)) {
      response.clear_body();
      waiting_ = std::make_unique<Waiting>(Waiting{std::move(rest), request, keep_alive});
      return false;
    }
  } else {
    answer_problem(response, 400, "the request target is neither a path nor an http address");
  }
  finish(request, response, keep_alive);
  return true;
}

bool Exchange::shed(const Request& request, Response& response) {
  thread_->has_worked = true;
  if (!thread_->is_measured) thread_->start_measuring();
  if (!thread_->shedder.is_shedding() || router_->is_kept(request.path)) return false;
  // A preflight costs no more than its refusal, behind which a browser would see neither the 503 nor its Retry-After.
  if (request.method == Method::kOptions || !thread_->shedder.take()) return false;
  answer_problem(response, 503, "more requests come than the server can answer in time; try again in a second");
  response.retry_after = 1;
  if (thread_->on_shed) thread_->on_shed(request);
  return true;
}

void Exchange::start_waiting(std::function<void()> resume) { waiting_->rest->start(std::move(resume)); }

Exchange::Next Exchange::resume() {
  const std::unique_ptr<Waiting> done = std::move(waiting_);
  const bool keep_alive = done->keep_alive && !thread_->is_draining;
  Response response(bodies_);
  try {
    done->rest->finish(done->request, response);
  } catch (...) {
    answer_current_exception(done->request, response);
  }
  finish(done->request, response, keep_alive);
  parser_.reset();
  return keep_alive ? Next::kWriteThenGoOn : Next::kWriteThenClose;
}

void Exchange::finish(const Request& request, Response& response, bool keep_alive) {
  if (response.status == 200 && etag_matches(request.if_none_match, response.etag)) {
    response.status = 304;
    response.clear_body();
  }
  const std::size_t body_bytes = response.body().size();
  if (request.method == Method::kHead) response.clear_body();
  write_head(request, response, keep_alive, body_bytes);
  spans_.push_back({heads_.size(), bodies_.size()});
  if (thread_->on_answer) thread_->on_answer(request, response.status, response.body().size());
}

void Exchange::write_head(const Request& request, const Response& response, bool keep_alive, std::size_t body_bytes) {
  refresh_date(*thread_);
  std::string& out = heads_;
  out += "HTTP/1.1 ";
  append_integer(out, static_cast<std::uint64_t>(response.status));
  out.append(" ").append(reason_phrase(response.status)).append("\r\nDate: ").append(thread_->date);
  if (response.status != 304 && response.status != 204) {
    out.append("\r\nContent-Type: ").append(response.content_type).append("\r\nContent-Length: ");
    append_integer(out, body_bytes);
  }
  out.append("\r\nX-Request-ID: ").append(request.request_id).append("\r\nX-Response-Time: ");
  append_seconds(out, std::chrono::steady_clock::now() - request.started);
  out.append("\r\nCache-Control: ").append(response.cache_control).append("\r\nX-Content-Type-Options: nosniff\r\n");
  if (response.etag != 0) {
    out += "ETag: ";
    append_etag(out, response.etag);
    out += "\r\n";
  }
  if (!response.allow.empty()) out.append("Allow: ").append(response.allow).append("\r\n");
  if (response.retry_after > 0) {
    out += "Retry-After: ";
    append_integer(out, static_cast<std::uint64_t>(response.retry_after));
    out += "\r\n";
  }
  out.append(response.more_headers).append(request.answer_headers);
  out += keep_alive ? "\r\n" : "Connection: close\r\n\r\n";
}

void Exchange::refuse(int status, std::string_view detail, int retry_after) {
  Request request;
  request.started = std::chrono::steady_clock::now();
  thread_->ids.make(new_id_);
  request.request_id = new_id_;
  request.thread = thread_->number;
  request.peer = peer_;
  request.method = Method::kOther;
  Response response(bodies_);
  answer_problem(response, status, detail);
  response.retry_after = retry_after;
  finish(request, response, false);
}

const std::vector<std::string_view>& Exchange::pieces() {
  pieces_.clear();
  std::size_t head = 0;
  std::size_t body = 0;
  for (const Span& span : spans_) {
    pieces_.push_back(std::string_view(heads_).substr(head, span.head_end - head));
    if (span.body_end > body) pieces_.push_back(std::string_view(bodies_).substr(body, span.body_end - body));
    head = span.head_end;
    body = span.body_end;
  }
  return pieces_;
}

void Exchange::clear_pieces() {
  spans_.clear();
  heads_.clear();
  bodies_.clear();
  if (bodies_.capacity() > kKeptBytes) bodies_ = std::string();
}

}  // namespace lodestone::http
