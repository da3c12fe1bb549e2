#pragma once
// The text of the incremental reading of a table: rows behind a position in the order (change column, primary key). Extraction
// runs it, `lodestone indexes` finds out which index it needs; so both speak of the same query.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace lodestone::sources {

/// The order in which a table is followed. It must be total: no two rows agree in all columns of `order`.
struct Cursor {
  std::string table;                      ///< its name in the database
  std::vector<std::string> order;         ///< the change column, then the primary key; at least one
  std::vector<std::string> columns = {};  ///< what is read; none means all
};

/// The order (change, primary key), in which a change column that is part of the key stands once.
Cursor make_cursor(std::string table, const std::string& change, std::span<const std::string> primary_key);

/// A place in that order: one SQL literal for each column of Cursor::order, as literal_of() gives them. The first may be NULL.
using CursorPosition = std::vector<std::string>;

/// At most `limit` rows that come after `after`, in order; without it from the start. NULL stands before all else, as the server
/// sorts it. The condition leads with a range of the first column, which is what lets the server enter an index there: it does
/// not do so for a comparison of rows or a plain chain of OR.
std::string cursor_query(const Cursor& cursor, const std::optional<CursorPosition>& after, std::uint64_t limit);

/// An SQL expression whose value is the literal of a column, to be read along with a row: hexadecimal for binary types, else
/// quoted text. `data_type` as information_schema.COLUMNS names it ("int", "varbinary").
std::string literal_of(std::string_view column, std::string_view data_type);

}  // namespace lodestone::sources
