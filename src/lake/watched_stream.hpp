#pragma once
// A stream that remembers its last row's place in the order it is read in. Internal to this folder.

#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "sources/change.hpp"

namespace lodestone::lake {

/// A value of a batch as a cursor keeps it.
sources::OrderValue order_value(const table::Column& column, const table::Batch& batch, std::size_t at, std::size_t row);

/// "2026-11-25 09:30:00.000001": a time without a zone, as databases write it.
std::string format_naive(TimePoint at);

/// Hands on the rows of another stream. `order` names columns of its schema. One thread.
class WatchedStream final : public table::RowStream {
 public:
  WatchedStream(std::unique_ptr<table::RowStream> stream, const std::vector<std::string>& order);

  [[nodiscard]] const table::Schema& schema() const override { return stream_->schema(); }
  [[nodiscard]] std::uint64_t estimated_rows() const override { return stream_->estimated_rows(); }
  bool next(table::Batch& batch) override;

  [[nodiscard]] std::uint64_t n_rows() const { return n_rows_; }
  /// Of the last row, one a column of the order; empty before the first row.
  [[nodiscard]] const std::vector<sources::OrderValue>& last() const { return last_; }

 private:
  std::unique_ptr<table::RowStream> stream_;
  std::vector<std::size_t> columns_;  // of the order, in the schema
  std::vector<sources::OrderValue> last_;
  std::uint64_t n_rows_ = 0;
};

}  // namespace lodestone::lake
