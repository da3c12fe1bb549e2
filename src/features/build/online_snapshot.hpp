#pragma once
// Where the online state of a release begins: the events that make its features, counted by the same pass, as totals.

#include "base/clock.hpp"
#include "base/file.hpp"
#include "features/online_state.hpp"
#include "table/engine.hpp"

namespace lodestone::features {

/// Totals of all events up to a time (event_counts.hpp), and the events of the 30 days before it. `engine` knows the table events. Throws contract for
/// an event of those days whose kind is none. No query of `sql_folder` takes part.
OnlineSnapshot read_online_snapshot(table::Engine& engine, const fs::path& sql_folder, TimePoint as_of);

}  // namespace lodestone::features
