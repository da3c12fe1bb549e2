#pragma once
// What is written down about an answered request, in a form that a thread can hand to another: one string of bytes.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "http/message.hpp"
#include "http/trace_context.hpp"

namespace lodestone::http {

/// Views into the request, or into the packed bytes.
struct RequestRecord {
  TimePoint at{};                       ///< when its last byte had come
  std::chrono::nanoseconds duration{};  ///< from then to the finished answer
  int status = 0;
  std::uint64_t bytes = 0;  ///< of the body that is sent
  Method method = Method::kOther;
  std::string_view path;     ///< without the query; "" when there was no request, and then no method
  std::string_view pattern;  ///< of the route; "" = none
  std::string_view request_id;
  std::string_view peer;  ///< address of the other side
  std::optional<TraceContext> trace;
  SpanId span{};  ///< ours in that trace
};

/// The record as bytes, which lie in `buffer`. A path longer than kMaxPath is cut. Not for disks: by the layout of this machine.
inline constexpr std::size_t kMaxPath = 1024;
std::string_view pack_record(const RequestRecord& record, std::string& buffer);
RequestRecord unpack_record(std::string_view bytes);

/// Appends one JSON object and a newline; whatever the request holds, it stays one line.
void append_access_line(std::string& out, const RequestRecord& record);

}  // namespace lodestone::http
