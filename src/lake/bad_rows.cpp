#include "lake/bad_rows.hpp"

#include <fmt/format.h>

#include "lake/watched_stream.hpp"

namespace lodestone::lake {

using table::quote_identifier;
using table::quote_literal;

std::string refusal_sql(table::Engine& engine, const Contract& contract, const std::string& select_sql) {
  std::string reason;
  for (const table::ColumnDescription& column : engine.describe_types(select_sql)) {
    const ContractColumn* wanted = contract.find(column.name);
    if (wanted == nullptr || wanted->is_nullable) continue;
    reason += fmt::format(" WHEN {} IS NULL THEN {}", quote_identifier(column.name),
                          quote_literal("column " + column.name + " is null"));
  }
  return reason.empty() ? "" : "CASE" + reason + " END";
}

std::string quarantine_sql(const std::string& select_sql, const std::string& file, TimePoint now) {
  return fmt::format("SELECT *, TIMESTAMP {} AS seen_at, {} AS file FROM ({})", quote_literal(format_naive(now)),
                     quote_literal(file), select_sql);
}

}  // namespace lodestone::lake
