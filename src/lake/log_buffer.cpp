#include "lake/log_buffer.hpp"

#include <algorithm>

#include "base/error.hpp"

namespace lodestone::lake {
namespace {

using sources::ChangeKind;
using sources::RowChange;
using sources::TableChanges;
using table::Batch;
using table::ColumnType;

constexpr std::size_t kOwnColumns = 2;

void copy_cell(ColumnType type, const Batch& from, std::size_t from_column, std::size_t row, Batch& to, std::size_t to_column) {
  if (from.is_null(from_column, row)) return to.append_null(to_column);
  switch (type) {
    case ColumnType::kDouble: return to.append_double(to_column, from.double_at(from_column, row));
    case ColumnType::kDecimal:
    case ColumnType::kText:
    case ColumnType::kBytes: return to.append_text(to_column, from.text_at(from_column, row));
    case ColumnType::kBool:
    case ColumnType::kInt32:
    case ColumnType::kInt64:
    case ColumnType::kTimestamp:
    case ColumnType::kDate: return to.append_int(to_column, from.int_at(from_column, row));
  }
}

bool is_equal(ColumnType type, const Batch& a, std::size_t a_row, const Batch& b, std::size_t b_row, std::size_t column) {
  switch (type) {
    case ColumnType::kDouble: return a.double_at(column, a_row) == b.double_at(column, b_row);
    case ColumnType::kDecimal:
    case ColumnType::kText:
    case ColumnType::kBytes: return a.text_at(column, a_row) == b.text_at(column, b_row);
    case ColumnType::kBool:
    case ColumnType::kInt32:
    case ColumnType::kInt64:
    case ColumnType::kTimestamp:
    case ColumnType::kDate: return a.int_at(column, a_row) == b.int_at(column, b_row);
  }
  return false;
}

class BufferedRows final : public table::RowStream {
 public:
  BufferedRows(table::Schema schema, std::vector<std::unique_ptr<Batch>> batches)
      : schema_(std::move(schema)), batches_(std::move(batches)) {}
  [[nodiscard]] const table::Schema& schema() const override { return schema_; }
  [[nodiscard]] std::uint64_t estimated_rows() const override { return 0; }
  bool next(Batch& batch) override {
    batch.clear();
    if (next_ == batches_.size()) return false;
    std::swap(batch, *batches_[next_]);
    batches_[next_].reset();
    ++next_;
    return true;
  }

 private:
  table::Schema schema_;
  std::vector<std::unique_ptr<Batch>> batches_;
  std::size_t next_ = 0;
};

}  // namespace

LogBuffer::LogBuffer(const table::Schema& schema, const std::vector<std::string>& key)
    : schema_({{.name = std::string(kLogSequence), .type = ColumnType::kInt64},
               {.name = std::string(kLogKind), .type = ColumnType::kInt64}}) {
  schema_.insert(schema_.end(), schema.begin(), schema.end());
  for (const std::string& name : key) {
    const auto found = std::find_if(schema.begin(), schema.end(), [&](const table::Column& c) { return c.name == name; });
    if (found == schema.end()) {
      fail(ErrorCode::kContract, "its key column {} is missing; add it to the table, or change primary_key in its contract",
           name);
    }
    key_.push_back(static_cast<std::size_t>(found - schema.begin()));
  }
}

bool LogBuffer::moves_key(const TableChanges& changes, const RowChange& row) const {
  return std::any_of(key_.begin(), key_.end(), [&](std::size_t column) {
    return changes.has_after(row, column) && changes.has_before(row, column) &&
           !is_equal(schema_[kOwnColumns + column].type, changes.before, row.before, changes.after, row.after, column);
  });
}

void LogBuffer::add(const TableChanges& changes) {
  for (const RowChange& row : changes.rows) {
    if (row.kind == ChangeKind::kDelete) {
      add_row(LogKind::kGone, changes, row, true);
      continue;
    }
    if (row.kind == ChangeKind::kUpdate && moves_key(changes, row)) add_row(LogKind::kGone, changes, row, true);
    const std::vector<std::uint8_t>& there = changes.layouts[row.layout].after;
    const bool is_whole = std::all_of(there.begin(), there.end(), [](std::uint8_t is_there) { return is_there != 0; });
    add_row(is_whole ? LogKind::kWhole : LogKind::kPartial, changes, row, false);
  }
}

void LogBuffer::add_row(LogKind kind, const TableChanges& changes, const RowChange& row, bool of_before) {
  if (batches_.empty() || batches_.back()->full()) batches_.push_back(std::make_unique<Batch>(schema_));
  Batch& to = *batches_.back();
  to.append_int(0, sequence_++);
  to.append_int(1, static_cast<std::int64_t>(kind));
  for (std::size_t c = 0; c + kOwnColumns < schema_.size(); ++c) {
    const ColumnType type = schema_[c + kOwnColumns].type;
    const bool is_key = std::find(key_.begin(), key_.end(), c) != key_.end();
    // What an update leaves out of a key has not changed.
    const bool take_before = of_before || (row.kind == ChangeKind::kUpdate && is_key && !changes.has_after(row, c));
    if (kind != LogKind::kWhole && !is_key) {
      to.append_null(c + kOwnColumns);
    } else if (take_before) {
      copy_cell(type, changes.before, c, row.before, to, c + kOwnColumns);
    } else {
      copy_cell(type, changes.after, c, row.after, to, c + kOwnColumns);
    }
  }
  to.end_row();
  ++n_rows_;
}

std::unique_ptr<table::RowStream> LogBuffer::take() {
  auto rows = std::make_unique<BufferedRows>(schema_, std::move(batches_));
  batches_.clear();
  n_rows_ = 0;
  return rows;
}

}  // namespace lodestone::lake
