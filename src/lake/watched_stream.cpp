#include "lake/watched_stream.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.hpp"

namespace lodestone::lake {
namespace {

using std::chrono::microseconds;
using table::ColumnType;

std::string hexadecimal(std::string_view bytes) {
  std::string out;
  for (const char byte : bytes) out += fmt::format("{:02x}", static_cast<unsigned char>(byte));
  return out;
}

}  // namespace

std::string format_naive(TimePoint at) {
  std::string text = format_rfc3339(at);
  text[10] = ' ';
  text.pop_back();
  return text;
}

sources::OrderValue order_value(const table::Column& column, const table::Batch& batch, std::size_t at, std::size_t row) {
  switch (column.type) {
    case ColumnType::kBool:
    case ColumnType::kInt32:
    case ColumnType::kInt64: return {column.type, std::to_string(batch.int_at(at, row))};
    case ColumnType::kDouble: return {column.type, fmt::format("{}", batch.double_at(at, row))};
    case ColumnType::kDecimal:
    case ColumnType::kText: return {column.type, std::string(batch.text_at(at, row))};
    case ColumnType::kBytes: return {column.type, hexadecimal(batch.text_at(at, row))};
    case ColumnType::kTimestamp: return {column.type, format_naive(TimePoint(microseconds(batch.int_at(at, row))))};
    case ColumnType::kDate: return {column.type, format_naive(TimePoint(std::chrono::days(batch.int_at(at, row)))).substr(0, 10)};
  }
  return {};
}

WatchedStream::WatchedStream(std::unique_ptr<table::RowStream> stream, const std::vector<std::string>& order)
    : stream_(std::move(stream)) {
  const table::Schema& schema = stream_->schema();
  for (const std::string& name : order) {
    const auto found = std::find_if(schema.begin(), schema.end(), [&](const table::Column& c) { return c.name == name; });
    LODESTONE_ASSERT(found != schema.end(), "{} is no column of the stream", name);
    columns_.push_back(static_cast<std::size_t>(found - schema.begin()));
  }
}

bool WatchedStream::next(table::Batch& batch) {
  if (!stream_->next(batch)) return false;
  n_rows_ += batch.n_rows();
  last_.clear();
  for (const std::size_t column : columns_)
    last_.push_back(order_value(stream_->schema()[column], batch, column, batch.n_rows() - 1));
  return true;
}

}  // namespace lodestone::lake
