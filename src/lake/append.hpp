#pragma once
// Tables that only grow, from a source that knows by itself how far it was read.

#include <functional>
#include <string>

#include "lake/contract.hpp"
#include "lake/extract.hpp"
#include "table/batch.hpp"
#include "table/engine.hpp"

namespace lodestone::lake {

/// How far the table has been read: the `position` of the last append(), "" before the first.
std::string position_of(const fs::path& lake, const Contract& contract);

/// Puts the rows of a stream behind those of a raw table and commits them together with the position, which is asked for when the stream has
/// ended: either all of it is in the lake or nothing, so what a killed run had read is read again and nothing twice. The source's keys are
/// unique, and none is in the table. A row that the contract refuses goes to quarantine. Requires the LakeLock on the raw tables.
TableReport append(table::RowStream& rows, const std::function<std::string()>& position, const Contract& contract,
                   const std::string& kind, const std::string& location, table::Engine& engine, const fs::path& lake,
                   const Clock& clock, const LakeLock& lock);

}  // namespace lodestone::lake
