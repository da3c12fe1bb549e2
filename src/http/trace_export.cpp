#include "http/trace_export.hpp"

#include <fmt/core.h>

#include "base/address.hpp"
#include "base/error.hpp"
#include "base/hash.hpp"
#include "base/json.hpp"

namespace lodestone::http {
namespace {

// Around the spans of a batch: one resource, one scope.
constexpr std::string_view kBegin =
    R"({"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"lodestone"}}]},)"
    R"("scopeSpans":[{"scope":{"name":"lodestone.http"},"spans":[)";
constexpr std::string_view kEnd = "]}]}]}";
constexpr int kServerSpan = 2;
constexpr int kErrorStatus = 2;

void attribute(json::Writer& writer, const char* key, const char* type, std::string_view value) {
  if (value.empty()) return;
  writer.begin_object().key("key").value(key).key("value").begin_object().key(type).value(value).end_object().end_object();
}

RecordWriter::Options writer_options(const TraceOptions& options) {
  return {.topic = "http",
          .queue_bytes = options.queue_bytes,
          .batch_bytes = options.batch_bytes,
          .interval = options.interval,
          .retry_after = options.retry_after};
}

}  // namespace

void append_span(std::string& out, const RequestRecord& record) {
  const std::string_view method = method_name(record.method);
  const std::int64_t begin = std::chrono::nanoseconds(record.at.time_since_epoch()).count();
  json::Writer writer(out);
  writer.begin_object();
  writer.key("traceId").value(to_hex(record.trace->trace_id));
  writer.key("spanId").value(to_hex(record.span));
  if (record.trace->parent != SpanId{}) writer.key("parentSpanId").value(to_hex(record.trace->parent));
  writer.key("name").value(record.pattern.empty() ? std::string(method) : fmt::format("{} {}", method, record.pattern));
  writer.key("kind").value(kServerSpan);
  // 64-bit numbers are texts in the protocol's JSON.
  writer.key("startTimeUnixNano").value(std::to_string(begin));
  writer.key("endTimeUnixNano").value(std::to_string(begin + record.duration.count()));
  writer.key("attributes").begin_array();
  attribute(writer, "http.request.method", "stringValue", method);
  attribute(writer, "http.route", "stringValue", record.pattern);
  attribute(writer, "url.path", "stringValue", record.path);
  attribute(writer, "http.response.status_code", "intValue", std::to_string(record.status));
  attribute(writer, "client.address", "stringValue", record.peer);
  attribute(writer, "lodestone.request_id", "stringValue", record.request_id);
  writer.end_array();
  writer.key("status").begin_object();
  if (record.status >= 500) writer.key("code").value(kErrorStatus);
  writer.end_object().end_object();
}

TraceExport::TraceExport(const TraceOptions& options, metrics::Registry& registry, int n_threads)
    : endpoint_(options.endpoint),
      fetcher_(options.limits),
      slots_(&registry.register_thread()),
      writer_(writer_options(options), *this, n_threads) {
  if (!endpoint_.starts_with("http://") && !endpoint_.starts_with("https://")) {
    fail(ErrorCode::kInvalidArgument,
         "serving.trace_endpoint is \"{}\", expected the address of an OTLP collector such as http://127.0.0.1:4318/v1/traces",
         shown_address(endpoint_));
  }
  exported_ = registry.counter("trace_spans_exported_total", "Spans that the collector took.");
  const auto dropped = [&](const char* reason) {
    return registry.counter("trace_spans_dropped_total", "Spans that did not reach the collector, by why.", {{"reason", reason}});
  };
  dropped_queue_ = dropped("queue");
  dropped_collector_ = dropped("collector");
}

void TraceExport::append(std::string& batch, std::string_view record) {
  if (!batch.empty()) batch += ',';
  append_span(batch, unpack_record(record));
}

void TraceExport::write(std::string_view batch) {
  document_.assign(kBegin).append(batch).append(kEnd);
  const FetchAnswer answer = fetcher_.post(endpoint_, "application/json", document_);
  if (answer.status / 100 != 2) {
    fail(ErrorCode::kUnavailable, "{} answers {}", shown_address(endpoint_), answer.status);
  }
}

std::string TraceExport::tell_dropped(std::uint64_t n, const std::string& error) const {
  return fmt::format("traces: {} spans are lost; {}", n,
                     error.empty() ? "more came than is sent: lower serving.trace_sample" : error);
}

}  // namespace lodestone::http
