#pragma once
// How the engine drinks from a RowStream: one thread reads batches ahead while the engine's threads turn full ones into vectors.
// Internal to this folder.

#include <condition_variable>
#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "base/progress.hpp"
#include "table/batch.hpp"

struct _duckdb_connection;
struct _duckdb_vector;

namespace lodestone::table {

/// Reads `stream` on a thread of its own into a few batches that go round. take() and give_back() are safe from many threads.
class RowFeed {
 public:
  /// Both must outlive this; `progress` may be nullptr and is touched by the reading thread only.
  RowFeed(RowStream& stream, Progress* progress);
  /// Stops reading and waits for the thread.
  ~RowFeed();
  RowFeed(const RowFeed&) = delete;
  RowFeed& operator=(const RowFeed&) = delete;

  [[nodiscard]] const Schema& schema() const { return stream_->schema(); }
  /// As it was before the first row.
  [[nodiscard]] std::uint64_t estimated_rows() const { return estimated_rows_; }

  /// A full batch, or nullptr at the end or after an error of the stream.
  Batch* take();
  void give_back(Batch* batch);
  /// What the stream threw, if it did.
  [[nodiscard]] std::exception_ptr error();

 private:
  void read();

  RowStream* stream_;
  Progress* progress_;
  std::uint64_t estimated_rows_;
  std::vector<std::unique_ptr<Batch>> batches_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Batch*> free_;
  std::vector<Batch*> full_;  // taken from the back: order is not kept anyway
  std::exception_ptr error_;
  bool done_ = false;
  bool stop_ = false;
  std::thread thread_;
};

/// Copies one column of a batch into a vector of the engine that was made for that type.
void fill_vector(const Batch& batch, std::size_t column, const Column& type, _duckdb_vector* vector);

/// Registers the table function lodestone_stream(), which yields the rows of *slot (the feed in use; never nullptr while it runs).
void register_row_feed(_duckdb_connection* connection, RowFeed** slot, int n_threads);

}  // namespace lodestone::table
