#pragma once
// From raw tables to the canonical ones of the lake, by the queries of sql/mapping/: items, users, item_images, visitor_users, events,
// attributions.

#include <span>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "lake/contract.hpp"
#include "lake/extract.hpp"
#include "table/engine.hpp"

namespace lodestone::lake {

struct CanonicalOptions {
  fs::path lake;
  fs::path sql_folder;  ///< its mapping/NAME.sql replace the built-in ones; "" = none
  table::Parameters
      parameters;  ///< of the queries, for example zone, stitch_days, robot_actions_per_day; what is missing has a default there
};

/// Their names, in the order in which they are made.
std::span<const std::string_view> canonical_tables();

/// Makes all canonical tables, one after another, each atomically, and leaves the views of all tables in `engine`. A column `dropped` of
/// a query says why a row is left out; such rows are counted by reason. `on_table` is called after each table.
///
/// Throws not_found when a required raw table is missing, contract when a key that a query joins on is not unique, when a query lacks a column of
/// its table's contract, or when its primary key is null or not unique. Tables done before stay new, the others stay old.
std::vector<TableReport> build_canonical(const Contracts& contracts, table::Engine& engine, const CanonicalOptions& options,
                                         const Clock& clock, const ReportCallback& on_table);

/// Names in the SQL of text prefixes that stand before a data set's number in a page address ("dataDetail/"), in the order in which they are
/// tried: the parameters url_pattern_1 .. url_pattern_5. Throws invalid_argument for more than five.
table::Parameters url_pattern_parameters(const std::vector<std::string>& prefixes);

}  // namespace lodestone::lake
