#pragma once
// What was counted, as tables of the SQL engine for the queries of sql/features/. Internal to this folder.

#include "features/build/taste.hpp"
#include "table/engine.hpp"

namespace lodestone::features {

/// Makes the temporary tables feature_user_events (one row a user of the events), feature_item_events (one row an item of the events or the
/// catalogue) and feature_buyers (user_id, item_id: one row an account and an item it ordered). A count is 0, anything else null where there is none.
void make_event_tables(table::Engine& engine, const EventCounts& counts, const Catalogue& catalogue, const Tastes& tastes);

}  // namespace lodestone::features
