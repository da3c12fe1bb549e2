#include "table/batch.hpp"

#include "base/error.hpp"

namespace lodestone::table {

std::string_view type_name(ColumnType type) {
  switch (type) {
    case ColumnType::kBool: return "bool";
    case ColumnType::kInt32: return "int32";
    case ColumnType::kInt64: return "int64";
    case ColumnType::kDouble: return "double";
    case ColumnType::kDecimal: return "decimal";
    case ColumnType::kText: return "text";
    case ColumnType::kBytes: return "bytes";
    case ColumnType::kTimestamp: return "timestamp";
    case ColumnType::kDate: return "date";
  }
  return "";
}

Batch::Batch(const Schema& schema) {
  for (const Column& column : schema) {
    Data& data = columns_.emplace_back();
    data.type = column.type;
    data.valid.reserve(kCapacity);
    switch (column.type) {
      case ColumnType::kText:
      case ColumnType::kBytes:
      case ColumnType::kDecimal: data.text_ends.reserve(kCapacity); break;
      case ColumnType::kDouble: data.doubles.reserve(kCapacity); break;
      case ColumnType::kBool:
      case ColumnType::kInt32:
      case ColumnType::kInt64:
      case ColumnType::kTimestamp:
      case ColumnType::kDate: data.ints.reserve(kCapacity); break;
    }
  }
}

void Batch::clear() {
  n_rows_ = 0;
  for (Data& data : columns_) {
    data.valid.clear();
    data.ints.clear();
    data.doubles.clear();
    data.text_ends.clear();
    data.text.clear();
  }
}

void Batch::append_null(std::size_t column) {
  Data& data = columns_[column];
  data.valid.push_back(0);
  switch (data.type) {
    case ColumnType::kText:
    case ColumnType::kBytes:
    case ColumnType::kDecimal: data.text_ends.push_back(data.text.size()); break;
    case ColumnType::kDouble: data.doubles.push_back(0); break;
    case ColumnType::kBool:
    case ColumnType::kInt32:
    case ColumnType::kInt64:
    case ColumnType::kTimestamp:
    case ColumnType::kDate: data.ints.push_back(0); break;
  }
}

void Batch::append_int(std::size_t column, std::int64_t value) {
  columns_[column].valid.push_back(1);
  columns_[column].ints.push_back(value);
}

void Batch::append_double(std::size_t column, double value) {
  columns_[column].valid.push_back(1);
  columns_[column].doubles.push_back(value);
}

void Batch::append_text(std::size_t column, std::string_view value) {
  Data& data = columns_[column];
  data.valid.push_back(1);
  data.text.append(value);
  data.text_ends.push_back(data.text.size());
}

std::string_view Batch::text_at(std::size_t column, std::size_t row) const {
  const Data& data = columns_[column];
  const std::size_t begin = row == 0 ? 0 : data.text_ends[row - 1];
  return std::string_view(data.text).substr(begin, data.text_ends[row] - begin);
}

}  // namespace lodestone::table
