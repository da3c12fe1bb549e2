#include "http/request_record.hpp"

#include <cstring>

#include "base/hash.hpp"
#include "base/json.hpp"

namespace lodestone::http {
namespace {

/// What has a fixed size, and the lengths of what follows it.
struct Head {
  std::int64_t at;
  std::int64_t duration;
  std::uint64_t bytes;
  std::int32_t status;
  std::uint16_t path;
  std::uint16_t pattern;
  std::uint16_t request_id;
  std::uint16_t peer;
  Method method;
  bool has_trace;
  bool sampled;
  TraceId trace_id;
  SpanId parent;
  SpanId span;
};

}  // namespace

std::string_view pack_record(const RequestRecord& record, std::string& buffer) {
  const std::string_view path = record.path.substr(0, kMaxPath);
  Head head{};
  head.at = record.at.time_since_epoch().count();
  head.duration = record.duration.count();
  head.bytes = record.bytes;
  head.status = record.status;
  head.path = static_cast<std::uint16_t>(path.size());
  head.pattern = static_cast<std::uint16_t>(record.pattern.size());
  head.request_id = static_cast<std::uint16_t>(record.request_id.size());
  head.peer = static_cast<std::uint16_t>(record.peer.size());
  head.method = record.method;
  head.has_trace = record.trace.has_value();
  if (record.trace) {
    head.sampled = record.trace->sampled;
    head.trace_id = record.trace->trace_id;
    head.parent = record.trace->parent;
  }
  head.span = record.span;
  buffer.assign(reinterpret_cast<const char*>(&head), sizeof head);
  buffer.append(path).append(record.pattern).append(record.request_id).append(record.peer);
  return buffer;
}

RequestRecord unpack_record(std::string_view bytes) {
  Head head{};
  std::memcpy(&head, bytes.data(), sizeof head);
  bytes.remove_prefix(sizeof head);
  const auto take = [&](std::size_t n) {
    const std::string_view text = bytes.substr(0, n);
    bytes.remove_prefix(n);
    return text;
  };
  RequestRecord record;
  record.at = TimePoint(std::chrono::microseconds(head.at));
  record.duration = std::chrono::nanoseconds(head.duration);
  record.status = head.status;
  record.bytes = head.bytes;
  record.method = head.method;
  record.path = take(head.path);
  record.pattern = take(head.pattern);
  record.request_id = take(head.request_id);
  record.peer = take(head.peer);
  if (head.has_trace) record.trace = TraceContext{head.trace_id, head.parent, head.sampled};
  record.span = head.span;
  return record;
}

void append_access_line(std::string& out, const RequestRecord& record) {
  json::Writer writer(out);
  const auto text_or_null = [&](const char* key, std::string_view text) {
    writer.key(key);
    if (text.empty()) {
      writer.null();
    } else {
      writer.value(text);
    }
  };
  writer.begin_object();
  writer.key("time").value(format_rfc3339(record.at));
  text_or_null("peer", record.peer);
  text_or_null("method", record.path.empty() ? "" : method_name(record.method));
  text_or_null("path", record.path);
  writer.key("status").value(record.status);
  writer.key("bytes").value(static_cast<std::int64_t>(record.bytes));
  writer.key("seconds").value(std::chrono::duration<double>(record.duration).count());
  writer.key("request_id").value(record.request_id);
  text_or_null("trace_id", record.trace ? to_hex(record.trace->trace_id) : "");
  writer.end_object();
  out += '\n';
}

}  // namespace lodestone::http
