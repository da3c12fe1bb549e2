// Arbitrary bytes to a connection: the parser, the target, the parameters and the router. Whatever comes in, what goes out are whole
// answers, and nothing reads past the bytes; and each answer is one line of the access log and one span.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "base/json.hpp"
#include "base/log.hpp"
#include "http/exchange.hpp"
#include "http/parameters.hpp"
#include "http/trace_export.hpp"

namespace {

using namespace lodestone;
using namespace lodestone::http;

void answer(const Request& request, Response& response) {
  static constexpr std::string_view kKnown[] = {"limit", "filter", "exclude", "explain", "user_id", "timeframe", "q"};
  static constexpr std::string_view kFrames[] = {"1h", "24h", "7d"};
  const Parameters parameters(request, kKnown);
  std::vector<std::int64_t> ids;
  parameters.ids("exclude", 1000, ids);
  const std::int64_t limit = parameters.integer("limit", 10, 1, 50);
  if (limit < 1 || limit > 50 || ids.size() > 1000) std::abort();
  static_cast<void>(parameters.flag("explain"));
  static_cast<void>(parameters.id("user_id"));
  static_cast<void>(parameters.choice("timeframe", 0, kFrames));
  response.out() += "{}";
}

const Router& router() {
  static const Router instance = [] {
    Router made;
    made.add(Method::kGet, "/similar/{dataset_id}", [](const Request& request, Response& response) {
      path_id(request, 0);
      answer(request, response);
    });
    made.add(Method::kGet, "/search", answer);
    made.add(Method::kPost, "/models/reload", [](const Request& request, Response& response) { response.out() += request.body; });
    return made;
  }();
  return instance;
}

void see(const Request& request, int status, std::size_t bytes) {
  RequestRecord record;
  record.status = status;
  record.bytes = bytes;
  record.method = request.method;
  record.path = request.path;
  record.pattern = request.pattern;
  record.request_id = request.request_id;
  record.trace = parse_traceparent(request.traceparent);
  std::string buffer;
  const RequestRecord read = unpack_record(pack_record(record, buffer));
  std::string line;
  append_access_line(line, read);
  if (line.find('\n') != line.size() - 1) std::abort();
  if (read.trace) append_span(line, read);
  if (!json::is_utf8(line)) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  set_log_level(LogLevel::kOff);
  if (size < 1) return 0;
  // The first byte says how the rest is cut into reads.
  const std::size_t step = 1 + data[0];
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  ThreadState thread;
  thread.on_answer = see;
  Exchange exchange(router(), Limits{}, thread);
  std::size_t begin = 0;
  std::size_t end = 0;
  while (end < bytes.size()) {
    end = std::min(end + step, bytes.size());
    for (;;) {
      std::size_t consumed = 0;
      const auto next = exchange.take(bytes.substr(begin, end - begin), consumed);
      if (consumed > end - begin) std::abort();
      begin += consumed;
      for (const std::string_view piece : exchange.pieces()) {
        if (piece.empty()) std::abort();
      }
      exchange.clear_pieces();
      if (next == Exchange::Next::kWriteThenClose) return 0;
      if (next == Exchange::Next::kRead || exchange.is_inside() || begin == end) break;
    }
  }
  return 0;
}
