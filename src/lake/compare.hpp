#pragma once
// Comparing a table of the lake with its source whole, by digests of key ranges, and reading only the ranges that differ: deleted rows and edits
// that no change column tells of. Internal to this folder.

#include <string>

#include "lake/table_merge.hpp"
#include "sources/change.hpp"

namespace lodestone::lake {

/// Makes the lake's table equal to the source's, commits it with its new digests, and returns the number of ranges that were read. `schema` is
/// that of the source's table `name`.
std::size_t compare_table(sources::PagedSource& source, const std::string& name, const table::Schema& schema,
                          const fs::path& lake, TableMerge& merge, const Clock& clock);

}  // namespace lodestone::lake
