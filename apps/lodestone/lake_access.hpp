#pragma once
// The lake as the verbs use it: the SQL engine with the budget of the config, the values that queries take from it, and the
// sources.

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/config.hpp"
#include "base/json.hpp"
#include "lake/manifest.hpp"
#include "lake/reader.hpp"
#include "sources/change.hpp"
#include "sources/mysql/mysql_source.hpp"
#include "sources/mysql/pool.hpp"
#include "table/engine.hpp"

namespace lodestone::app {

/// Options of the SQL engine from pipeline.memory_mib, pipeline.threads and pipeline.temp_folder.
table::Engine::Options engine_options(const Config& config);

/// Indexes of Matomo's custom dimensions.
struct Dimensions {
  int request = 0;  ///< carries the request id
  int click = 0;    ///< click_POSITION_DATASET of an older front end
};
/// From the config; throws invalid_argument when both are the same one.
Dimensions dimensions_of(const Config& config);
/// A sentence for each configured dimension that the tracked actions in the lake have no column for.
std::vector<std::string> missing_dimensions(const Config& config);

/// Values that the queries of sql/ take from the config, by parameter name.
table::Parameters query_parameters(const Config& config);

/// A source of the config and the tables it is asked for: "business" or "matomo".
struct NamedSource {
  std::string name;
  std::unique_ptr<sources::Source> source;
};

/// The connections to each source that is a database, by its name. Kept for as long as sources are opened again and again.
using SourcePools = std::map<std::string, sources::ConnectionPool, std::less<>>;

/// The sources that are configured: "business", and "matomo" if there is one.
std::vector<std::string> source_names(const Config& config);
/// Whether a source is a database.
bool is_database(const Config& config, const std::string& name);
/// Makes the pool of each source that is one. After that, opening sources changes `pools` no more, so that threads may share it.
void make_pools(const Config& config, SourcePools& pools);
/// Opens a source that is one; throws contract for a Matomo of another prefix.
std::unique_ptr<sources::MysqlSource> open_database(const Config& config, const std::string& name, SourcePools& pools);

/// Opens source.business and, if there is one, source.matomo; a database takes its connection from its pool, which is made at its
/// first use and must outlive the source. Throws invalid_argument when no source is configured or its address is none, else what
/// opening it throws.
std::vector<NamedSource> open_sources(const Config& config, SourcePools& pools);
/// One of them.
NamedSource open_source(const Config& config, const std::string& name, SourcePools& pools);

/// Throws not_found, with the command that makes it, when the lake lacks a table that training reads.
void require_training_tables(const lake::Reader& reader);

/// What a bundle's manifest says about a table it was made from.
json::Value describe_table(const lake::Manifest& table);

}  // namespace lodestone::app
