#include "sources/mysql/index_plan.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>

#include "base/error.hpp"

namespace lodestone::sources {
namespace {

std::uint64_t to_number(const std::optional<std::string>& text) {
  std::uint64_t value = 0;
  if (text) std::from_chars(text->data(), text->data() + text->size(), value);
  return value;
}

/// The column of information_schema.STATISTICS that tells whether the optimizer may use an index, as a condition: MariaDB and
/// MySQL name it differently, and old servers have none.
std::string usable_condition(Connection& connection) {
  const auto rows = connection.query(
      "SELECT COLUMN_NAME FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = 'information_schema' AND TABLE_NAME = "
      "'STATISTICS' "
      "AND COLUMN_NAME IN ('IGNORED', 'IS_VISIBLE')",
      {"list the columns of information_schema", "", 0});
  if (rows.empty()) return "1";
  return rows[0][0].value() == "IGNORED" ? "IGNORED = 'NO'" : "IS_VISIBLE = 'YES'";
}

std::vector<ExistingIndex> read_indexes(Connection& connection, const std::string& where, const Purpose& purpose) {
  std::vector<ExistingIndex> indexes;
  const auto rows = connection.query(
      fmt::format("SELECT INDEX_NAME, COLUMN_NAME, SUB_PART IS NULL AND INDEX_TYPE = 'BTREE' AND COLLATION = 'A' AND {} "
                  "FROM information_schema.STATISTICS WHERE {} ORDER BY INDEX_NAME, SEQ_IN_INDEX",
                  usable_condition(connection), where),
      purpose);
  for (const auto& row : rows) {
    if (indexes.empty() || indexes.back().name != row[0].value()) indexes.push_back({row[0].value(), {}});
    // The part of an index over an expression has no name.
    indexes.back().columns.push_back(row[1].value_or(""));
    if (row[2].value_or("0") != "1") indexes.back().is_plain = false;
  }
  return indexes;
}

std::string list(const std::vector<std::string>& columns) { return fmt::format("{}", fmt::join(columns, ", ")); }

/// The first change column that the table has, or "".
std::string change_of(const FollowedTable& table, const TableFacts& facts) {
  for (const std::string& column : table.change) {
    if (facts.find_column(column) != nullptr) return column;
  }
  return "";
}

PlannedIndex plan_one(Connection& connection, const FollowedTable& table) {
  PlannedIndex out{.table = table.table, .facts = get_table_facts(connection, table.table)};
  const auto because = [&](IndexState state, std::string reason) {
    out.state = state;
    out.reason = std::move(reason);
    return out;
  };
  if (table.change.empty()) return because(IndexState::kSkipped, "its contract names no change column, so it is read whole");
  const std::string change = change_of(table, out.facts);
  if (change.empty())
    return because(IndexState::kSkipped,
                   fmt::format("it has no column {}, so it is read whole", fmt::join(table.change, " or ")));
  const Cursor cursor = make_cursor(table.table, change, table.primary_key);
  out.name = index_name(change);
  out.columns = cursor.order;
  if (out.facts.kind == "VIEW")
    return because(IndexState::kImpossible, "it is a view, and a view has no index; add this one to the table behind it");
  for (const std::string& column : cursor.order) {
    if (out.facts.find_column(column) == nullptr)
      return because(IndexState::kImpossible,
                     fmt::format("it lacks column {}, which its contract names as part of the key", column));
  }
  out.cursor = cursor;
  if (const ExistingIndex* same = out.facts.find_index(out.name)) {
    if (find_serving_index(out.facts, cursor.order) == same) return because(IndexState::kOurs, "made by lodestone indexes apply");
    if (same->columns != cursor.order) {
      out.cursor.reset();
      return because(IndexState::kImpossible,
                     fmt::format("an index of that name is there over ({}); run lodestone indexes drop, or drop it by hand",
                                 list(same->columns)));
    }
  }
  if (const ExistingIndex* serving = find_serving_index(out.facts, cursor.order)) {
    out.name = serving->name;
    out.columns = serving->columns;
    return because(IndexState::kServed, "an index of the database does it");
  }
  return because(IndexState::kMissing, fmt::format("changes are read in the order ({})", list(cursor.order)));
}

}  // namespace

const TableColumn* TableFacts::find_column(std::string_view name) const {
  const auto at = std::find_if(columns.begin(), columns.end(), [&](const TableColumn& column) { return column.name == name; });
  return at == columns.end() ? nullptr : &*at;
}

const ExistingIndex* TableFacts::find_index(std::string_view name) const {
  const auto at = std::find_if(indexes.begin(), indexes.end(), [&](const ExistingIndex& index) { return index.name == name; });
  return at == indexes.end() ? nullptr : &*at;
}

std::string_view state_name(IndexState state) {
  switch (state) {
    case IndexState::kMissing: return "missing";
    case IndexState::kOurs: return "ours";
    case IndexState::kServed: return "served";
    case IndexState::kSkipped: return "skipped";
    case IndexState::kImpossible: return "impossible";
  }
  return "";
}

TableFacts get_table_facts(Connection& connection, const std::string& table) {
  const Purpose purpose{fmt::format("look into table {}", table), table, 0};
  // information_schema shows nothing of what may not be read; asking the table itself tells why.
  connection.execute(fmt::format("SELECT * FROM {} LIMIT 0", quoted_name(table)), purpose);
  const std::string where =
      fmt::format("TABLE_SCHEMA = {} AND TABLE_NAME = {}", quoted_text(connection.options().url.database), quoted_text(table));
  const auto rows = connection.query(
      "SELECT TABLE_TYPE, ENGINE, TABLE_ROWS, DATA_LENGTH FROM information_schema.TABLES WHERE " + where, purpose);
  LODESTONE_ASSERT(rows.size() == 1, "{} descriptions of table {}", rows.size(), table);
  TableFacts facts{table, rows[0][0].value_or(""), rows[0][1].value_or(""), to_number(rows[0][2]), to_number(rows[0][3]), {}, {}};
  for (const auto& row : connection.query(
           "SELECT COLUMN_NAME, LOWER(DATA_TYPE) FROM information_schema.COLUMNS WHERE " + where + " ORDER BY ORDINAL_POSITION",
           purpose)) {
    facts.columns.push_back({row[0].value(), row[1].value()});
  }
  facts.indexes = read_indexes(connection, where, purpose);
  return facts;
}

const ExistingIndex* find_serving_index(const TableFacts& facts, std::span<const std::string> order) {
  const ExistingIndex* primary = facts.find_index("PRIMARY");
  for (const ExistingIndex& index : facts.indexes) {
    if (!index.is_plain) continue;
    std::vector<std::string> columns = index.columns;
    if (facts.engine == "InnoDB" && primary != nullptr && &index != primary) {
      for (const std::string& column : primary->columns) {
        if (std::find(columns.begin(), columns.end(), column) == columns.end()) columns.push_back(column);
      }
    }
    if (columns.size() >= order.size() && std::equal(order.begin(), order.end(), columns.begin())) return &index;
  }
  return nullptr;
}

std::string index_name(std::string_view change) { return (std::string(kIndexPrefix) + std::string(change)).substr(0, 64); }

std::vector<PlannedIndex> plan_indexes(Connection& connection, std::span<const FollowedTable> tables,
                                       std::span<const WishedIndex> wishes) {
  std::vector<PlannedIndex> plan;
  for (const FollowedTable& table : tables) plan.push_back(plan_one(connection, table));
  const std::size_t n_tables = plan.size();
  for (const WishedIndex& wish : wishes) {
    const auto end = plan.begin() + static_cast<std::ptrdiff_t>(n_tables);
    const auto of = std::find_if(plan.begin(), end, [&](const PlannedIndex& index) { return index.table == wish.table; });
    if (of == end) continue;
    if (of->cursor && of->cursor->order[0] == wish.columns[0]) continue;
    std::string reason = "no query of ours filters by " + wish.columns[0];
    if (of->cursor) reason += fmt::format("; changes are read in the order ({})", list(of->cursor->order));
    plan.push_back(
        {.table = wish.table, .name = wish.name, .columns = wish.columns, .state = IndexState::kSkipped, .reason = reason});
  }
  return plan;
}

OurIndexes find_our_indexes(Connection& connection, std::span<const FollowedTable> tables) {
  OurIndexes out;
  for (const FollowedTable& table : tables) {
    const TableFacts facts = get_table_facts(connection, table.table);
    for (const ExistingIndex& index : facts.indexes) {
      if (!index.name.starts_with(kIndexPrefix)) continue;
      const auto change = std::find_if(table.change.begin(), table.change.end(), [&](const std::string& column) {
        return index.name == index_name(column) && index.columns == make_cursor("", column, table.primary_key).order;
      });
      if (change == table.change.end()) {
        out.others.push_back(table.table + "." + index.name);
        continue;
      }
      out.ours.push_back({table.table, index.name, index.columns, IndexState::kOurs, "made by lodestone indexes apply",
                          make_cursor(table.table, *change, table.primary_key), facts});
    }
  }
  return out;
}

}  // namespace lodestone::sources
