#pragma once
// The WHERE, ORDER BY and LIMIT that yield one piece of a table, written so that an index over the ordering columns serves them.

#include <string>
#include <vector>

#include "sources/change.hpp"

namespace lodestone::sources {

/// " WHERE `t` >= '2026-11-25 09:30:00' AND (`t` > '2026-11-25 09:30:00' OR (`t` = '2026-11-25 09:30:00' AND `id` > 42)) ORDER BY `t`, `id`
/// LIMIT 100". The plain condition on the first column is implied by the other one; servers use it for a range of the index. Requires
/// as many values in `after` as there are ordering columns, or none.
std::string page_clauses(const RowPage& page);

/// " WHERE (`a` = 1 AND `b` = 'x') OR (...)": the rows of these keys. Requires a key.
std::string keys_clause(const std::vector<std::string>& key, const std::vector<std::vector<OrderValue>>& keys);

/// A value as a literal of the server's SQL: numbers bare, texts and times in quotes, bytes as x'..'.
std::string order_literal(const OrderValue& value);

}  // namespace lodestone::sources
