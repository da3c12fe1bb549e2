#pragma once
// What the reports over the lake have in common.

#include "base/config.hpp"
#include "table/engine.hpp"
#include "table/sql_text.hpp"
#include "verbs.hpp"

namespace lodestone::app {

/// since and until, where they are given. Throws invalid_argument naming the one that is no time.
table::Parameters report_times(const ReportArguments& arguments);

/// Attaches the lake; not_found when nothing was shown yet.
void attach_exposures(table::Engine& engine, const Config& config);

}  // namespace lodestone::app
