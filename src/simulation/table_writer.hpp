#pragma once
// Fills batches of one table value by value, in the order of its columns, and hands full ones to the sink.

#include <cstdint>
#include <string_view>

#include "base/error.hpp"
#include "simulation/sink.hpp"

namespace lodestone::simulation {

/// Seconds since 1970, UTC. Matomo's tables hold it as it is, the business tables as naive local time.
using Seconds = std::int64_t;

/// Offset of Asia/Shanghai, which has no daylight saving time.
constexpr Seconds kShanghaiOffset = 8 * 3600;

/// One thread. flush() must be called at the end.
class TableWriter {
 public:
  TableWriter(MarketplaceSink& sink, Table table) : sink_(&sink), table_(table), batch_(marketplace_tables()[table].schema) {}

  TableWriter& integer(std::int64_t value) { return batch_.append_int(column_++, value), *this; }
  TableWriter& number(double value) { return batch_.append_double(column_++, value), *this; }
  TableWriter& text(std::string_view value) { return batch_.append_text(column_++, value), *this; }
  TableWriter& null() { return batch_.append_null(column_++), *this; }
  /// Null when it is 0: no id of ours is 0.
  TableWriter& id_or_null(std::int64_t id) { return id == 0 ? null() : integer(id); }
  TableWriter& text_or_null(std::string_view value) { return value.empty() ? null() : text(value); }
  /// Hundredths of a yuan, as a decimal text.
  TableWriter& money(std::int64_t cents);
  TableWriter& utc(Seconds at) { return integer(at * 1'000'000); }
  TableWriter& shanghai(Seconds at) { return utc(at + kShanghaiOffset); }
  /// The 8 bytes of a Matomo visitor id, most significant first.
  TableWriter& visitor(std::uint64_t id);

  void end_row() {
    LODESTONE_ASSERT(column_ == batch_.n_columns(), "table {}: {} values of {}", static_cast<int>(table_), column_,
                     batch_.n_columns());
    column_ = 0;
    ++n_rows_;
    batch_.end_row();
    if (batch_.full()) flush();
  }
  void flush() {
    if (batch_.n_rows() > 0) sink_->write(table_, batch_);
    batch_.clear();
  }
  [[nodiscard]] std::uint64_t n_rows() const { return n_rows_; }

 private:
  MarketplaceSink* sink_;
  Table table_;
  table::Batch batch_;
  std::size_t column_ = 0;
  std::uint64_t n_rows_ = 0;
};

}  // namespace lodestone::simulation
