#pragma once
// Which indexes the incremental reading of a source needs, and which of them are there. Reads the server's own description of its
// tables; changes nothing.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sources/mysql/connection.hpp"
#include "sources/mysql/cursor_query.hpp"

namespace lodestone::sources {

/// Names of the indexes that we make begin so.
inline constexpr std::string_view kIndexPrefix = "lodestone_";

/// A table that is followed by its change column.
struct FollowedTable {
  std::string table = {};                ///< its name in the database
  std::vector<std::string> change = {};  ///< the first of these that the table has counts
  std::vector<std::string> primary_key = {};
};

/// An index that somebody else asked for.
struct WishedIndex {
  std::string table;
  std::string name;
  std::vector<std::string> columns;
};

struct ExistingIndex {
  std::string name;
  std::vector<std::string> columns;
  bool is_plain = true;  ///< a B-tree over whole columns, ascending, that the optimizer may use
};

struct TableColumn {
  std::string name;
  std::string data_type;  ///< "int", "datetime"
};

/// What the server says of one table.
struct TableFacts {
  std::string table = {};
  std::string kind = {};         ///< "BASE TABLE", "VIEW"
  std::string engine = {};       ///< "InnoDB"
  std::uint64_t n_rows = 0;      ///< the server's estimate
  std::uint64_t data_bytes = 0;  ///< likewise
  std::vector<TableColumn> columns = {};
  std::vector<ExistingIndex> indexes = {};

  [[nodiscard]] const TableColumn* find_column(std::string_view name) const;
  [[nodiscard]] const ExistingIndex* find_index(std::string_view name) const;
};

enum class IndexState {
  kMissing,     ///< to be made
  kOurs,        ///< there, and made by us
  kServed,      ///< an index of the database's own does it
  kSkipped,     ///< no query of ours would use it
  kImpossible,  ///< needed, but the table cannot have it
};
std::string_view state_name(IndexState state);

struct PlannedIndex {
  std::string table = {};
  std::string name = {};  ///< the index that is meant; of kServed the database's own
  std::vector<std::string> columns = {};
  IndexState state = IndexState::kMissing;
  std::string reason = {};            ///< why it is so, a sentence's part
  std::optional<Cursor> cursor = {};  ///< of all but kSkipped and kImpossible
  TableFacts facts = {};              ///< of a wish, nothing
};

/// Throws not_found for a table that is not there, unavailable with the GRANT to run for one that may not be read.
TableFacts get_table_facts(Connection& connection, const std::string& table);

/// The index that serves reading in that order: its columns, followed by those of the primary key that InnoDB appends to every
/// index, begin with it. nullptr when there is none.
const ExistingIndex* find_serving_index(const TableFacts& facts, std::span<const std::string> order);

/// "lodestone_update_time", at most 64 bytes.
std::string index_name(std::string_view change);

/// One entry for each table, and one for each wish that no query of ours would use (wishes for the first column of a cursor are
/// met by that cursor's index). Throws like get_table_facts().
std::vector<PlannedIndex> plan_indexes(Connection& connection, std::span<const FollowedTable> tables,
                                       std::span<const WishedIndex> wishes);

/// Indexes of ours that are there: of those tables, with the name and the columns that plan_indexes() gives for any of their
/// change columns. `others` gets the names with our prefix that are none of these.
struct OurIndexes {
  std::vector<PlannedIndex> ours;
  std::vector<std::string> others;  ///< "table.index"
};
OurIndexes find_our_indexes(Connection& connection, std::span<const FollowedTable> tables);

}  // namespace lodestone::sources
