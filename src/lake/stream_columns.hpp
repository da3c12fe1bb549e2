#pragma once
// Does a database's table fit its contract, and how are its columns cast? Internal to this folder.

#include <string>

#include "lake/contract.hpp"

namespace lodestone::lake {

/// The select list over `stream_rows` that yields every column of `schema`, those of the contract with the contract's type. Throws contract with all
/// missing columns and wrong types at once; `table` names the source's table in the sentence.
std::string stream_select_list(const Contract& contract, const table::Schema& schema, const std::string& table);

}  // namespace lodestone::lake
