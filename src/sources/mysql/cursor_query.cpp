#include "sources/mysql/cursor_query.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/error.hpp"
#include "sources/mysql/connection.hpp"

namespace lodestone::sources {
namespace {

std::string joined(const std::vector<std::string>& columns) {
  std::string out;
  for (const std::string& column : columns) out += (out.empty() ? "" : ", ") + quoted_name(column);
  return out;
}

/// One way to come after the position with the first column equal: `i` is the first of the others that differs.
std::string greater_at(const Cursor& cursor, const CursorPosition& after, std::size_t i) {
  std::string out;
  for (std::size_t k = 1; k < i; ++k) out += fmt::format("{} = {} AND ", quoted_name(cursor.order[k]), after[k]);
  out += fmt::format("{} > {}", quoted_name(cursor.order[i]), after[i]);
  return i > 1 ? "(" + out + ")" : out;
}

std::string condition(const Cursor& cursor, const CursorPosition& after) {
  const std::string first = quoted_name(cursor.order[0]);
  const bool from_null = after[0] == "NULL";
  std::string beyond = from_null ? first + " IS NOT NULL" : fmt::format("{} > {}", first, after[0]);
  if (cursor.order.size() == 1) return beyond;
  for (std::size_t i = 1; i < cursor.order.size(); ++i) beyond += " OR " + greater_at(cursor, after, i);
  return from_null ? "(" + beyond + ")" : fmt::format("({} >= {} AND ({}))", first, after[0], beyond);
}

}  // namespace

Cursor make_cursor(std::string table, const std::string& change, std::span<const std::string> primary_key) {
  Cursor cursor{std::move(table), {change}};
  for (const std::string& column : primary_key) {
    if (column != change) cursor.order.push_back(column);
  }
  return cursor;
}

std::string cursor_query(const Cursor& cursor, const std::optional<CursorPosition>& after, std::uint64_t limit) {
  LODESTONE_ASSERT(!cursor.order.empty(), "table {}", cursor.table);
  LODESTONE_ASSERT(!after || after->size() == cursor.order.size(), "{} values for {} columns of table {}", after->size(),
                   cursor.order.size(), cursor.table);
  return fmt::format("SELECT {} FROM {}{} ORDER BY {} LIMIT {}", cursor.columns.empty() ? "*" : joined(cursor.columns),
                     quoted_name(cursor.table), after ? " WHERE " + condition(cursor, *after) : "", joined(cursor.order), limit);
}

std::string literal_of(std::string_view column, std::string_view data_type) {
  constexpr std::array<std::string_view, 7> kBinary = {"binary",     "varbinary", "tinyblob", "blob",
                                                       "mediumblob", "longblob",  "bit"};
  const std::string name = quoted_name(column);
  if (std::find(kBinary.begin(), kBinary.end(), data_type) == kBinary.end()) return fmt::format("QUOTE({})", name);
  return fmt::format("IFNULL(CONCAT('x''', HEX({}), ''''), 'NULL')", name);
}

}  // namespace lodestone::sources
