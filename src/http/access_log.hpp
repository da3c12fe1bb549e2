#pragma once
// The access log: one JSON object a line for each answered request, or for a share of them, in a file that is put aside when it
// is full.

#include <memory>
#include <string>
#include <vector>

#include "base/record_writer.hpp"
#include "base/rotating_file.hpp"
#include "http/request_record.hpp"
#include "metrics/registry.hpp"

namespace lodestone::http {

struct AccessLogOptions {
  fs::path file;
  double sample = 1;                         ///< share of the answers that is written
  std::uint64_t file_bytes = 100ULL << 20U;  ///< a file that has grown to this is put aside
  int n_old = 5;                             ///< files that are kept beside the present one
  std::size_t queue_bytes = 1U << 20U;       ///< of each thread, some five thousand lines
};

/// add() belongs to the thread whose number is given; the rest to one thread.
class AccessLog final : private RecordSink {
 public:
  /// The registry must outlive it.
  AccessLog(const AccessLogOptions& options, metrics::Registry& registry, int n_threads);

  /// A record packed by pack_record(). Never waits, never fails.
  void add(int thread, std::string_view record) { writer_.push(thread, record); }
  void start() { writer_.start(); }
  /// Writes what waits. Nothing may be added meanwhile.
  void stop() { writer_.stop(); }

 private:
  void append(std::string& batch, std::string_view record) override { append_access_line(batch, unpack_record(record)); }
  void write(std::string_view batch) override { file_.write(batch); }
  void close() override { file_.close(); }
  void count_written(std::uint64_t n) override { slots_->add(written_, n); }
  void count_dropped(Drop why, std::uint64_t n) override { slots_->add(why == Drop::kQueue ? dropped_queue_ : dropped_disk_, n); }
  [[nodiscard]] std::string tell_dropped(std::uint64_t n, const std::string& error) const override;

  metrics::ThreadSlots* slots_;
  metrics::Counter written_;
  metrics::Counter dropped_queue_;
  metrics::Counter dropped_disk_;
  RotatingFile file_;
  RecordWriter writer_;  ///< last, because its thread uses the others
};

}  // namespace lodestone::http
