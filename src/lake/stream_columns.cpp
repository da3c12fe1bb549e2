#include "lake/stream_columns.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.hpp"
#include "base/nearest.hpp"
#include "table/sql_text.hpp"

namespace lodestone::lake {
namespace {

using table::ColumnType;

// Casts that cannot fail and lose nothing. Text takes everything but bytes: codes are numbers in one marketplace and words in another.
bool fits(ColumnType found, ColumnType wanted) {
  const bool is_integer = found == ColumnType::kBool || found == ColumnType::kInt32 || found == ColumnType::kInt64;
  switch (wanted) {
    case ColumnType::kBool:
    case ColumnType::kInt64: return is_integer;
    case ColumnType::kInt32: return is_integer && found != ColumnType::kInt64;
    case ColumnType::kDouble: return is_integer || found == ColumnType::kDouble || found == ColumnType::kDecimal;
    case ColumnType::kDecimal: return is_integer || found == ColumnType::kDecimal || found == ColumnType::kDouble;
    case ColumnType::kText: return found != ColumnType::kBytes;
    case ColumnType::kBytes: return found == ColumnType::kBytes;
    case ColumnType::kTimestamp: return found == ColumnType::kTimestamp || found == ColumnType::kDate;
    case ColumnType::kDate: return found == ColumnType::kDate;
  }
  return false;
}

}  // namespace

std::string stream_select_list(const Contract& contract, const table::Schema& schema, const std::string& table) {
  std::string faults;
  const auto add_fault = [&](const std::string& fault) { faults += (faults.empty() ? "" : "; ") + fault; };
  std::vector<std::string> names;
  for (const table::Column& column : schema) names.push_back(column.name);
  for (const ContractColumn& column : contract.columns) {
    if (column.is_optional || std::find(names.begin(), names.end(), column.column.name) != names.end()) continue;
    const std::string near = nearest_name(column.column.name, names);
    add_fault(fmt::format("column {} ({}) is missing{}", column.column.name, column.type_text(),
                          near.empty() ? "" : fmt::format(" (is {} meant?)", near)));
  }
  std::string select;
  for (const table::Column& column : schema) {
    const ContractColumn* wanted = contract.find(column.name);
    const std::string name = table::quote_identifier(column.name);
    // A decimal keeps the digits that the source has: casting it would round what is shown to people.
    const bool keeps_type = wanted == nullptr || wanted->column.type == column.type;
    if (wanted != nullptr && !fits(column.type, wanted->column.type)) {
      add_fault(
          fmt::format("column {} is {}, the contract wants {}", column.name, table::type_name(column.type), wanted->type_text()));
    }
    select += fmt::format("{}{}", select.empty() ? "" : ", ",
                          keeps_type ? name : fmt::format("CAST({0} AS {1}) AS {0}", name, wanted->sql_type()));
  }
  if (!faults.empty()) {
    fail(ErrorCode::kContract,
         "table {}: {}. Correct the table, or replace contracts/{}.yaml by one of your own (lake.contracts_folder)", table,
         faults, contract.table);
  }
  return select;
}

}  // namespace lodestone::lake
