#pragma once
// The process_* metrics that every Prometheus client library exports, read from /proc at each scrape.

#include "metrics/registry.hpp"

namespace lodestone::metrics {

/// Registers them; they are refreshed before each scrape.
void register_process_metrics(Registry& registry);

}  // namespace lodestone::metrics
