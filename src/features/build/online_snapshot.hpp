#pragma once
// Where the online state of a release begins: the same queries that make its features, read as totals.

#include "base/clock.hpp"
#include "base/file.hpp"
#include "features/online_state.hpp"
#include "table/engine.hpp"

namespace lodestone::features {

/// Totals of features/user_activity and features/item_activity as of a time, and the events of the 30 days before it. `engine` knows the
/// table events; `sql_folder` replaces the built-in queries, "" = none. Times come back from ages in days, to the microsecond for those of
/// the last 35 years. Throws contract for an event of a kind that is none.
OnlineSnapshot read_online_snapshot(table::Engine& engine, const fs::path& sql_folder, TimePoint as_of);

}  // namespace lodestone::features
