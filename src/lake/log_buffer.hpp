#pragma once
// Changed rows of one table that wait to be merged, in the order of the source's log. Internal to this folder.

#include <memory>
#include <string>
#include <vector>

#include "sources/change.hpp"

namespace lodestone::lake {

/// Columns that a buffered row has before those of the table.
inline constexpr std::string_view kLogSequence = "_lodestone_sequence";
inline constexpr std::string_view kLogKind = "_lodestone_kind";

/// What a buffered row says of its key.
enum class LogKind : std::int64_t {
  kWhole = 0,   ///< the row is this
  kGone = 1,    ///< there is none; only the key columns mean something
  kPartial = 2  ///< it changed, but the log does not say all of it; only the key columns mean something
};

/// One thread.
class LogBuffer {
 public:
  LogBuffer(const table::Schema& schema, const std::vector<std::string>& key);

  void add(const sources::TableChanges& changes);
  [[nodiscard]] std::uint64_t n_rows() const { return n_rows_; }
  /// Hands over all rows and is empty.
  [[nodiscard]] std::unique_ptr<table::RowStream> take();

 private:
  void add_row(LogKind kind, const sources::TableChanges& changes, const sources::RowChange& row, bool of_before);
  [[nodiscard]] bool moves_key(const sources::TableChanges& changes, const sources::RowChange& row) const;

  table::Schema schema_;          // sequence, kind, then the table's columns
  std::vector<std::size_t> key_;  // in the table's columns
  std::vector<std::unique_ptr<table::Batch>> batches_;
  std::uint64_t n_rows_ = 0;
  std::int64_t sequence_ = 0;
};

}  // namespace lodestone::lake
