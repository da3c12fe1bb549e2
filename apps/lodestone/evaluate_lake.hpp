#pragma once
// `lodestone evaluate --lake`: the lake's own interactions as a data set, parted by time as training would have met them.

#include "base/config.hpp"
#include "evaluation/dataset.hpp"
#include "table/engine.hpp"
#include "training_input.hpp"

namespace lodestone::app {

/// The pairs of labels/interactions, cut at two times: of the time from the first to the last of them the last 20 % is test, the 10 % before
/// is for tuning. A pair counts once in each part in which it has an event, at its newest there; what comes later is not known to the part
/// before, because the query is run as of its end. Users come first, then guests; an item that a person had before cannot be listed. `lake`
/// names the set in errors. Throws contract when there are no interactions or all are of one moment, invalid_argument when the query declares
/// no parameter as_of (it could not be cut).
evaluation::Dataset build_lake_dataset(table::Engine& engine, const TrainingQueries& queries, const fs::path& lake);

/// The same of a lake's folder, by the config's queries. Throws not_found, with the command that makes it, when the lake lacks a table.
evaluation::Dataset load_lake_dataset(const Config& config, const fs::path& folder);

}  // namespace lodestone::app
