#include "sources/mysql/index_measure.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>

#include "base/error.hpp"
#include "base/json.hpp"

namespace lodestone::sources {
namespace {

using std::chrono::steady_clock;

std::uint64_t to_number(const std::optional<std::string>& text) {
  std::uint64_t value = 0;
  if (text) std::from_chars(text->data(), text->data() + text->size(), value);
  return value;
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

/// Walks through the document: MariaDB and MySQL nest the one table differently, and name some things differently.
void read_plan(const json::Value& value, QueryPlan& plan) {
  if (const json::Array* array = value.as_array()) {
    for (const json::Value& one : *array) read_plan(one, plan);
  }
  const json::Object* object = value.as_object();
  if (object == nullptr) return;
  for (const json::Member& member : *object) {
    if (member.key == "filesort" || member.key == "read_sorted_file") plan.sorts = true;
    if (const bool* flag = member.value.as_bool(); flag != nullptr && member.key == "using_filesort")
      plan.sorts = plan.sorts || *flag;
    read_plan(member.value, plan);
  }
  const json::Value* access = value.find("access_type");
  if (value.find("table_name") == nullptr || access == nullptr) return;
  if (const std::string* text = access->as_string()) plan.access = *text;
  if (const json::Value* key = value.find("key"); key != nullptr && key->as_string() != nullptr) plan.key = *key->as_string();
  for (const char* name : {"rows", "rows_examined_per_scan"}) {
    const json::Value* rows = value.find(name);
    if (rows != nullptr && rows->as_number()) plan.n_rows = static_cast<std::uint64_t>(*rows->as_number());
  }
}

}  // namespace

QueryPlan explain(Connection& connection, const std::string& query, const Purpose& purpose) {
  const auto rows = connection.query("EXPLAIN FORMAT=JSON " + query, purpose);
  QueryPlan plan;
  if (!rows.empty() && rows[0][0]) read_plan(json::parse(*rows[0][0], "EXPLAIN"), plan);
  return plan;
}

std::optional<CursorPosition> find_position(Connection& connection, const TableFacts& facts, const Cursor& cursor,
                                            std::uint64_t n) {
  std::string literals;
  std::string order;
  for (const std::string& name : cursor.order) {
    const TableColumn* column = facts.find_column(name);
    LODESTONE_ASSERT(column != nullptr, "table {} has no column {}", facts.table, name);
    literals += (literals.empty() ? "" : ", ") + literal_of(name, column->data_type);
    order += (order.empty() ? "" : ", ") + quoted_name(name) + " DESC";
  }
  const auto rows = connection.query(
      fmt::format("SELECT {} FROM {} ORDER BY {} LIMIT 1 OFFSET {}", literals, quoted_name(cursor.table), order, n),
      {fmt::format("read table {}", cursor.table), cursor.table, 0});
  if (rows.empty()) return std::nullopt;
  CursorPosition position;
  for (const auto& value : rows[0]) position.push_back(value.value_or("NULL"));
  return position;
}

std::uint64_t rows_to_read(const TableFacts& facts) { return std::clamp<std::uint64_t>(facts.n_rows / 10, 1, 1000); }

ReadingCost measure_reading(Connection& connection, const Cursor& cursor, const CursorPosition& after, std::uint64_t n_rows) {
  const Purpose purpose{fmt::format("read table {}", cursor.table), cursor.table, 0};
  const std::string query = cursor_query(cursor, after, n_rows);
  ReadingCost cost{explain(connection, query, purpose), 0};
  std::vector<double> times;
  for (int round = 0; round < 3; ++round) {
    const auto start = steady_clock::now();
    connection.query(query, purpose);
    times.push_back(std::chrono::duration<double, std::milli>(steady_clock::now() - start).count());
  }
  cost.milliseconds = median(times);
  return cost;
}

Result<std::vector<IndexUse>> read_index_use(Connection& connection) {
  const Purpose purpose{"ask for the use of indexes", "", 0};
  const auto setting = connection.query("SELECT @@GLOBAL.performance_schema", purpose);
  if (setting.empty() || setting[0][0].value_or("0") != "1") {
    return Reason{
        "the server does not count the use of indexes; put performance_schema=ON below [mysqld] of its configuration and restart "
        "it"};
  }
  const std::string query = fmt::format(
      "SELECT OBJECT_NAME, INDEX_NAME, COUNT_READ, COUNT_WRITE FROM performance_schema.table_io_waits_summary_by_index_usage "
      "WHERE "
      "OBJECT_SCHEMA = {} AND INDEX_NAME IS NOT NULL",
      quoted_text(connection.options().url.database));
  if (const auto refusal = connection.try_execute(query + " LIMIT 1", purpose)) {
    return Reason{
        fmt::format("the server does not tell this account ({}); an administrator must run GRANT SELECT ON "
                    "performance_schema.table_io_waits_summary_by_index_usage TO it",
                    refusal->message)};
  }
  std::vector<IndexUse> use;
  for (const auto& row : connection.query(query, purpose))
    use.push_back({row[0].value_or(""), row[1].value_or(""), to_number(row[2]), to_number(row[3])});
  return use;
}

}  // namespace lodestone::sources
