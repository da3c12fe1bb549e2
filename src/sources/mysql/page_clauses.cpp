#include "sources/mysql/page_clauses.hpp"

#include <fmt/format.h>

#include <vector>

#include "base/error.hpp"
#include "sources/mysql/connection.hpp"

namespace lodestone::sources {
namespace {

// (a > x OR (a = x AND (b > y OR (b = y AND c > z)))): the rows behind a tuple. Row comparisons say the same, but no index serves them.
std::string behind(const RowPage& page, std::size_t first) {
  const std::string name = quoted_name(page.order[first]);
  const std::string value = order_literal(page.after[first]);
  if (first + 1 == page.order.size()) return fmt::format("{} > {}", name, value);
  return fmt::format("({0} > {1} OR ({0} = {1} AND {2}))", name, value, behind(page, first + 1));
}

}  // namespace

std::string order_literal(const OrderValue& value) {
  switch (value.type) {
    case table::ColumnType::kBool:
    case table::ColumnType::kInt32:
    case table::ColumnType::kInt64:
    case table::ColumnType::kDouble:
    case table::ColumnType::kDecimal: return value.text;
    case table::ColumnType::kBytes: return "x'" + value.text + "'";
    case table::ColumnType::kText:
    case table::ColumnType::kTimestamp:
    case table::ColumnType::kDate: return quoted_text(value.text);
  }
  return {};
}

std::string page_clauses(const RowPage& page) {
  LODESTONE_ASSERT(page.after.empty() || page.after.size() == page.order.size(), "{} values for {} columns", page.after.size(),
                   page.order.size());
  std::vector<std::string> conditions;
  const std::string first = page.order.empty() ? "" : quoted_name(page.order.front());
  // A date of zeros is no null to the server, but nothing else either: it sorts before every time that a cursor has.
  if (!page.null_column.empty()) conditions.push_back(fmt::format("({0} IS NULL OR {0} = 0)", quoted_name(page.null_column)));
  if (page.from) conditions.push_back(fmt::format("{} >= {}", first, order_literal(*page.from)));
  if (page.until) conditions.push_back(fmt::format("{} < {}", first, order_literal(*page.until)));
  if (!page.after.empty()) {
    if (page.order.size() > 1 && !page.from)
      conditions.push_back(fmt::format("{} >= {}", first, order_literal(page.after.front())));
    conditions.push_back(behind(page, 0));
  }
  std::string out;
  for (const std::string& condition : conditions) out += (out.empty() ? " WHERE " : " AND ") + condition;
  for (std::size_t i = 0; i < page.order.size(); ++i) out += (i == 0 ? " ORDER BY " : ", ") + quoted_name(page.order[i]);
  if (page.limit > 0) out += fmt::format(" LIMIT {}", page.limit);
  return out;
}

std::string keys_clause(const std::vector<std::string>& key, const std::vector<std::vector<OrderValue>>& keys) {
  std::string out;
  if (key.size() == 1) {
    for (const std::vector<OrderValue>& values : keys) out += (out.empty() ? "" : ", ") + order_literal(values.front());
    return fmt::format(" WHERE {} IN ({})", quoted_name(key.front()), out);
  }
  for (const std::vector<OrderValue>& values : keys) {
    std::string row;
    for (std::size_t i = 0; i < key.size(); ++i)
      row += fmt::format("{}{} = {}", row.empty() ? "" : " AND ", quoted_name(key[i]), order_literal(values[i]));
    out += fmt::format("{}({})", out.empty() ? "" : " OR ", row);
  }
  return " WHERE " + out;
}

}  // namespace lodestone::sources
