#pragma once
// The tables that a simulated marketplace writes: names, columns, their types in the lake and in MariaDB, primary keys. Columns are
// those of the business database and of Matomo that a recommender reads, as those systems name and type them.
//
// Codes. order_tab.pay_status: 0 unpaid, 1 paid, 2 cancelled, 3 refunded, 5 paid by invoice; api_order.pay_status: 0, 1, 2, 3 alike.
// dataset.status 1 = approved, 0 = taken back; dataset.publish_status 1 = on the shelf, 0 = off it. log_action.type: 1 URL, 4 page title,
// 5 product SKU, 8 search keyword, 10 event category, 11 event action, 12 event name. log_conversion.idgoal: 0 order, -1 cart update,
// 1 a goal ("sample downloaded"); idorder is "D" + order_tab.id or "A" + api_order.id.

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "table/batch.hpp"

namespace lodestone::simulation {

/// Which of the two databases a table lies in.
enum class Database { kBusiness, kMatomo };

struct TableSpec {
  std::string name;  ///< as in the database; Matomo's with the prefix matomo_
  Database database = Database::kBusiness;
  table::Schema schema;
  std::vector<std::string> sql_types;  ///< one a column, for example "bigint(10) unsigned NOT NULL"
  std::vector<std::string> primary_key;
};

/// Indexes into marketplace_tables().
enum Table : std::size_t {
  kUser,
  kCompany,
  kDict,
  kDataset,
  kDatasetImage,
  kOrderTab,
  kApiOrder,
  kLogVisit,
  kLogAction,
  kLogLinkVisitAction,
  kLogConversion,
  kTableCount
};

/// All tables, in the order of `Table`.
const std::vector<TableSpec>& marketplace_tables();

/// "CREATE TABLE IF NOT EXISTS `name` (...) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4": columns and primary key, no further index.
std::string create_statement(const TableSpec& table);

}  // namespace lodestone::simulation
