#include "lake/column_changes.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <optional>

#include "table/sql_text.hpp"

namespace lodestone::lake {
namespace {

struct Decimal {
  int precision = 0;
  int scale = 0;
};

std::optional<Decimal> parse_decimal(const std::string& type) {
  Decimal out;
  if (std::sscanf(type.c_str(), "DECIMAL(%d,%d)", &out.precision, &out.scale) != 2) return std::nullopt;
  return out;
}

// Digits before the point that an integer type may have.
std::optional<int> integer_digits(const std::string& type) {
  constexpr std::array<std::string_view, 3> kTypes = {"BOOLEAN", "INTEGER", "BIGINT"};
  constexpr std::array<int, 3> kDigits = {1, 10, 19};
  const auto found = std::find(kTypes.begin(), kTypes.end(), type);
  if (found == kTypes.end()) return std::nullopt;
  return kDigits[static_cast<std::size_t>(found - kTypes.begin())];
}

void add(std::string& sentence, const std::string& what) { sentence += (sentence.empty() ? "" : "; ") + what; }

}  // namespace

bool is_widening(const std::string& from, const std::string& to) {
  if (from == to) return true;
  const std::optional<Decimal> wide = parse_decimal(to);
  const std::optional<int> digits = integer_digits(from);
  if (digits && integer_digits(to)) return *digits < *integer_digits(to) && from != "BOOLEAN";
  if (digits && wide) return wide->precision - wide->scale >= *digits && from != "BOOLEAN";
  if (const std::optional<Decimal> narrow = parse_decimal(from); narrow && wide)
    return wide->scale >= narrow->scale && wide->precision - wide->scale >= narrow->precision - narrow->scale;
  return from == "DATE" && to == "TIMESTAMP";
}

std::vector<std::string> describe_columns(const table::Schema& schema) {
  std::vector<std::string> out;
  for (const table::Column& column : schema) out.push_back(column.name + " " + table::sql_type(column));
  return out;
}

ColumnChanges compare_columns(const std::vector<ManifestColumn>& here, const Contract& contract, const table::Schema& schema) {
  ColumnChanges out;
  const auto find_here = [&](const std::string& name) -> const ManifestColumn* {
    const auto found = std::find_if(here.begin(), here.end(), [&](const ManifestColumn& c) { return c.name == name; });
    return found == here.end() || found->origin == ColumnOrigin::kAbsent ? nullptr : &*found;
  };
  for (const table::Column& column : schema) {
    const ContractColumn* wanted = contract.find(column.name);
    const bool keeps_type = wanted == nullptr || wanted->column.type == column.type;
    const std::string type = keeps_type ? table::sql_type(column) : wanted->sql_type();
    out.columns.push_back({column.name, type, wanted == nullptr ? ColumnOrigin::kExtra : ColumnOrigin::kContract});
    const ManifestColumn* old = find_here(column.name);
    if (old == nullptr) {
      add(out.sentence, fmt::format("column {} ({}) is new", column.name, type));
      out.needs_rereading = true;
    } else if (old->sql_type != type) {
      const bool widened = is_widening(old->sql_type, type);
      add(out.sentence, fmt::format("column {} was {} and is {}", column.name, old->sql_type, type));
      out.needs_rereading = out.needs_rereading || !widened;
    }
  }
  const auto comes = [&](const std::string& name) {
    return std::any_of(schema.begin(), schema.end(), [&](const table::Column& c) { return c.name == name; });
  };
  for (const ManifestColumn& old : here) {
    if (old.origin != ColumnOrigin::kAbsent && !comes(old.name)) add(out.sentence, fmt::format("column {} is gone", old.name));
  }
  for (const ContractColumn& column : contract.columns) {
    if (!comes(column.column.name)) out.columns.push_back({column.column.name, column.sql_type(), ColumnOrigin::kAbsent});
  }
  return out;
}

}  // namespace lodestone::lake
