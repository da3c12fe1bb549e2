#pragma once
// The exposure logs of the config, as a source of the lake.

#include "base/config.hpp"
#include "lake/append.hpp"
#include "lake/contract.hpp"
#include "lake/extract.hpp"

namespace lodestone::app {

/// source.exposures, else serving.exposure_folder; "" where nothing was ever shown, so that there is no such folder. Throws not_found when
/// source.exposures names none.
fs::path exposure_folder(const Config& config);

/// Reads what is new in the logs into raw/exposures/exposures, in pieces that are committed one by one. A log is read once: older files go, so
/// what the lake has of them is all there is, and an extraction in full keeps it.
void extract_exposures(const Config& config, const lake::Contracts& contracts, table::Engine& engine, const Clock& clock,
                       const lake::ReportCallback& on_table, const lake::LakeLock& lock);

}  // namespace lodestone::app
