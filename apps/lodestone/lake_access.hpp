#pragma once
// The lake as the verbs use it: an SQL engine with the budget of the config, and the lake's tables as its views.

#include "base/config.hpp"
#include "table/engine.hpp"

namespace lodestone::app {

/// Options of the SQL engine from pipeline.memory_mib, pipeline.threads and pipeline.temp_folder.
table::Engine::Options engine_options(const Config& config);

/// Values that the queries of sql/ take from the config, by parameter name.
table::Parameters query_parameters(const Config& config);

}  // namespace lodestone::app
