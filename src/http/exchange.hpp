#pragma once
// The part of a connection that needs no socket: bytes in, answers out. Answers of pipelined requests collect as pairs of head and
// body, so that a connection writes them all in one gather write; all memory is reused.

#include <chrono>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "http/request_id.hpp"
#include "http/request_parser.hpp"
#include "http/router.hpp"
#include "http/shedder.hpp"
#include "http/target.hpp"

namespace lodestone::http {

/// What the exchanges of one thread share. The Date header changes once a second.
struct ThreadState {
  int number = 0;
  RequestIds ids;
  std::string date;           ///< "Tue, 24 Nov 2026 09:30:00 GMT"
  std::int64_t date_at = -1;  ///< seconds since 1970
  bool is_draining = false;   ///< answers say "Connection: close"

  Shedder shedder;
  bool is_measured = true;                      ///< false while nothing measures how late the thread is
  bool has_worked = false;                      ///< since the last measurement
  std::function<void()> start_measuring;        ///< called for a request when nothing does
  std::function<void(const Request&)> on_shed;  ///< called for a request that is refused so. May be empty
  /// Called for each finished answer with its status and the bytes of its body. May be empty.
  std::function<void(const Request&, int status, std::size_t bytes)> on_answer;
};

/// One thread; lives as long as its connection.
class Exchange {
 public:
  Exchange(const Router& router, const Limits& limits, ThreadState& thread);

  enum class Next { kRead, kWriteThenGoOn, kWriteThenClose, kWait };
  /// Takes bytes that were read and not consumed yet; returns how many are consumed in `consumed`. kWriteThenGoOn: write what
  /// pieces() gives, then come again with the rest (or read more when `wants_more()`). kWait: write what pieces() gives, start_waiting(),
  /// and once that has resumed, resume().
  Next take(std::string_view bytes, std::size_t& consumed);

  /// After kWait: begins what the answer waits for; `resume` is called once, from any thread.
  void start_waiting(std::function<void()> resume);
  /// After that: adds the answer; kWriteThenGoOn or kWriteThenClose.
  Next resume();

  /// Heads and bodies to be written, in order; valid until cleared.
  [[nodiscard]] const std::vector<std::string_view>& pieces();
  void clear_pieces();
  [[nodiscard]] bool has_pieces() const { return !spans_.empty(); }

  /// True when a request has begun and is not complete.
  [[nodiscard]] bool is_inside() const { return parser_.has_started(); }
  [[nodiscard]] bool is_in_body() const { return parser_.is_in_body(); }

  /// Address of the other side, for requests to come.
  void set_peer(std::string address) { peer_ = std::move(address); }

  /// Adds an answer that no request asked for (a timeout, a refusal), after which the connection closes.
  void refuse(int status, std::string_view detail, int retry_after = 0);

 private:
  struct Span {
    std::size_t head_end;
    std::size_t body_end;
  };
  /// An answer that waits, with its request, which lies in the parser's memory meanwhile.
  struct Waiting {
    std::unique_ptr<Deferred> rest;
    Request request;
    bool keep_alive = false;
  };
  /// False when the answer waits.
  bool answer(bool keep_alive);
  /// Refuses the request when the thread is too late for all; false when it is to be answered.
  bool shed(const Request& request, Response& response);
  void finish(const Request& request, Response& response, bool keep_alive);
  void write_head(const Request& request, const Response& response, bool keep_alive, std::size_t body_bytes);

  const Router* router_;
  const Limits limits_;
  ThreadState* thread_;
  RequestParser parser_;
  Target target_;
  std::string new_id_;
  std::string peer_;
  std::unique_ptr<Waiting> waiting_;
  std::string heads_;
  std::string bodies_;
  std::vector<Span> spans_;
  std::vector<std::string_view> pieces_;
};

}  // namespace lodestone::http
