#include "http/request_observer.hpp"

#include "http/request_id.hpp"

namespace lodestone::http {

RequestObserver::Seat::Seat() : rng(system_seed(), system_seed()), buffer(4096, '\0') {}

RequestObserver::RequestObserver(const ObserverOptions& options, metrics::Registry& registry, const Clock& clock, int n_threads)
    : options_(options), clock_(&clock) {
  for (int t = 0; t < n_threads; ++t) seats_.push_back(std::make_unique<Seat>());
  if (options.access_log) access_log_ = std::make_unique<AccessLog>(*options.access_log, registry, n_threads);
  if (options.traces) traces_ = std::make_unique<TraceExport>(*options.traces, registry, n_threads);
}

void RequestObserver::see(const Request& request, int status, std::size_t bytes) {
  Seat& seat = *seats_[static_cast<std::size_t>(request.thread)];
  const bool is_logged = access_log_ && (options_.access_log->sample >= 1 || seat.rng.chance(options_.access_log->sample));
  // A request that does not belong to a trace begins one; whoever began it has decided whether it is kept.
  std::optional<TraceContext> trace = parse_traceparent(request.traceparent);
  const bool is_traced = traces_ && (trace ? trace->sampled : seat.rng.chance(options_.traces->sample));
  if (!is_logged && !is_traced) return;
  if (traces_ && !trace) trace = TraceContext{make_trace_id(seat.rng), {}, is_traced};
  RequestRecord record;
  record.duration = std::chrono::steady_clock::now() - request.started;
  record.at = clock_->now() - std::chrono::duration_cast<std::chrono::microseconds>(record.duration);
  record.status = status;
  record.bytes = bytes;
  record.method = request.method;
  record.path = request.path;
  record.pattern = request.pattern;
  record.request_id = request.request_id;
  record.peer = request.peer;
  record.trace = trace;
  if (is_traced) record.span = make_span_id(seat.rng);
  const std::string_view packed = pack_record(record, seat.buffer);
  if (is_logged) access_log_->add(request.thread, packed);
  if (is_traced) traces_->add(request.thread, packed);
}

void RequestObserver::start() {
  if (access_log_) access_log_->start();
  if (traces_) traces_->start();
}

void RequestObserver::stop() {
  if (access_log_) access_log_->stop();
  if (traces_) traces_->stop();
}

}  // namespace lodestone::http
