#include "sources/mysql/column_types.hpp"

#include <algorithm>
#include <array>
#include <string_view>

namespace lodestone::sources {
namespace {

using table::ColumnType;

struct Mapping {
  std::string_view data_type;
  ColumnType type;
};

constexpr std::array kMappings = {
    Mapping{"tinyint", ColumnType::kInt32},
    Mapping{"smallint", ColumnType::kInt32},
    Mapping{"mediumint", ColumnType::kInt32},
    Mapping{"int", ColumnType::kInt32},
    Mapping{"year", ColumnType::kInt32},
    Mapping{"bigint", ColumnType::kInt64},
    Mapping{"bit", ColumnType::kInt64},
    Mapping{"decimal", ColumnType::kDecimal},
    Mapping{"float", ColumnType::kDouble},
    Mapping{"double", ColumnType::kDouble},
    Mapping{"binary", ColumnType::kBytes},
    Mapping{"varbinary", ColumnType::kBytes},
    Mapping{"tinyblob", ColumnType::kBytes},
    Mapping{"blob", ColumnType::kBytes},
    Mapping{"mediumblob", ColumnType::kBytes},
    Mapping{"longblob", ColumnType::kBytes},
    Mapping{"geometry", ColumnType::kBytes},
    Mapping{"point", ColumnType::kBytes},
    Mapping{"linestring", ColumnType::kBytes},
    Mapping{"polygon", ColumnType::kBytes},
    Mapping{"multipoint", ColumnType::kBytes},
    Mapping{"multilinestring", ColumnType::kBytes},
    Mapping{"multipolygon", ColumnType::kBytes},
    Mapping{"geometrycollection", ColumnType::kBytes},
    Mapping{"geomcollection", ColumnType::kBytes},
    Mapping{"datetime", ColumnType::kTimestamp},
    Mapping{"timestamp", ColumnType::kTimestamp},
    Mapping{"date", ColumnType::kDate},
};

constexpr int kMostDigits = 38;

}  // namespace

table::Column map_column(const ColumnDescription& column) {
  const auto* found =
      std::find_if(kMappings.begin(), kMappings.end(), [&](const Mapping& m) { return m.data_type == column.data_type; });
  table::Column out{.name = column.name, .type = found == kMappings.end() ? ColumnType::kText : found->type};
  const bool is_unsigned = column.column_type.find("unsigned") != std::string::npos;
  if (column.data_type == "int" && is_unsigned) out.type = ColumnType::kInt64;
  if (out.type == ColumnType::kDecimal) {
    out.precision = column.precision.value_or(10);
    out.scale = column.scale.value_or(0);
    if (out.precision > kMostDigits) out = {.name = column.name, .type = ColumnType::kText};
  }
  return out;
}

}  // namespace lodestone::sources
