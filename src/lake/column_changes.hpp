#pragma once
// What a table's columns in the source mean for the lake's table: can its changes be put on top, or must it be read anew? Internal to this
// folder; docs/formats/contract.md has the rules as a table.

#include <string>
#include <vector>

#include "lake/contract.hpp"
#include "lake/manifest.hpp"

namespace lodestone::lake {

struct ColumnChanges {
  std::vector<ManifestColumn> columns;  ///< of the lake's table from now on
  std::string sentence;                 ///< what changed, for the log; "" = nothing did
  bool needs_rereading = false;         ///< rows that are here do not say what the source's rows say now
};

/// Compares the columns that the lake has with those that rows of `schema` come with (cast as the contract wants). A column that went is
/// dropped; one whose type was widened is widened; one that came, was renamed, narrowed or became another type needs a new reading.
ColumnChanges compare_columns(const std::vector<ManifestColumn>& here, const Contract& contract, const table::Schema& schema);

/// "name TYPE" of each column, to tell whether a table is still the same.
std::vector<std::string> describe_columns(const table::Schema& schema);

/// True when every value of type `from` is one of type `to`, as SQL spells them.
bool is_widening(const std::string& from, const std::string& to);

}  // namespace lodestone::lake
