#pragma once
// Rows that a database gives and the contract refuses, as SQL. Internal to this folder.

#include <string>

#include "base/clock.hpp"
#include "lake/contract.hpp"
#include "table/engine.hpp"

namespace lodestone::lake {

/// An expression over the rows of `select_sql` that says why a row does not fit its contract, else null; "" when every row fits by its type.
/// A database may allow null where the contract does not.
std::string refusal_sql(table::Engine& engine, const Contract& contract, const std::string& select_sql);

/// The query with the columns seen_at and file that every quarantined row has.
std::string quarantine_sql(const std::string& select_sql, const std::string& file, TimePoint now);

}  // namespace lodestone::lake
