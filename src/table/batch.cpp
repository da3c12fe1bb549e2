#include "table/batch.hpp"

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
    data.valid.resize(kCapacity);
    switch (column.type) {
      case ColumnType::kText:
      case ColumnType::kBytes:
      case ColumnType::kDecimal:
        data.kind = Kind::kText;
        data.text_ends.resize(kCapacity);
        break;
      case ColumnType::kDouble:
        data.kind = Kind::kDouble;
        data.doubles.resize(kCapacity);
        break;
      case ColumnType::kBool:
      case ColumnType::kInt32:
      case ColumnType::kInt64:
      case ColumnType::kTimestamp:
      case ColumnType::kDate:
        data.kind = Kind::kInt;
        data.ints.resize(kCapacity);
        break;
    }
  }
}

void Batch::clear() {
  n_rows_ = 0;
  for (Data& data : columns_) data.text.clear();
}

std::string_view Batch::text_at(std::size_t column, std::size_t row) const {
  const Data& data = columns_[column];
  const std::size_t begin = row == 0 ? 0 : data.text_ends[row - 1];
  return std::string_view(data.text).substr(begin, data.text_ends[row] - begin);
}

}  // namespace lodestone::table
