#pragma once
// Spans of answered requests to a collector, by OTLP over HTTP in JSON (OpenTelemetry protocol 1.x). Batches are posted from a
// thread of its own; what the collector does not take is dropped and counted.

#include <string>

#include "base/record_writer.hpp"
#include "http/client/fetcher.hpp"
#include "http/request_record.hpp"
#include "metrics/registry.hpp"

namespace lodestone::http {

struct TraceOptions {
  std::string endpoint;                       ///< "http://127.0.0.1:4318/v1/traces"
  double sample = 0.01;                       ///< share of the requests whose caller has not decided
  std::size_t queue_bytes = 1U << 20U;        ///< of each thread, some five thousand spans
  std::size_t batch_bytes = 512U << 10U;      ///< of one post
  std::chrono::milliseconds interval{1'000};  ///< between posts
  std::chrono::milliseconds retry_after{5'000};
  FetchLimits limits = {};
};

/// Appends the span of a record with a trace, as one JSON object.
void append_span(std::string& out, const RequestRecord& record);

/// add() belongs to the thread whose number is given; the rest to one thread.
class TraceExport final : private RecordSink {
 public:
  /// The registry must outlive it. Throws invalid_argument for what is no http or https address.
  TraceExport(const TraceOptions& options, metrics::Registry& registry, int n_threads);

  /// A record packed by pack_record(). Never waits, never fails.
  void add(int thread, std::string_view record) { writer_.push(thread, record); }
  void start() { writer_.start(); }
  /// Posts what waits, within the limits' time. Nothing may be added meanwhile.
  void stop() { writer_.stop(); }

 private:
  void append(std::string& batch, std::string_view record) override;
  void write(std::string_view batch) override;
  void close() override {}
  void count_written(std::uint64_t n) override { slots_->add(exported_, n); }
  void count_dropped(Drop why, std::uint64_t n) override {
    slots_->add(why == Drop::kQueue ? dropped_queue_ : dropped_collector_, n);
  }
  [[nodiscard]] std::string tell_dropped(std::uint64_t n, const std::string& error) const override;

  std::string endpoint_;
  Fetcher fetcher_;
  std::string document_;
  metrics::ThreadSlots* slots_;
  metrics::Counter exported_;
  metrics::Counter dropped_queue_;
  metrics::Counter dropped_collector_;
  RecordWriter writer_;  ///< last, because its thread uses the others
};

}  // namespace lodestone::http
