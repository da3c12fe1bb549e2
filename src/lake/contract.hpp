#pragma once
// Table contracts: what a table of a source, or a canonical one, must look like. One YAML file a table, built into the binary and
// replaceable one by one by a folder of the user's; docs/formats/contract.md describes the file.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.hpp"
#include "table/batch.hpp"

namespace lodestone::lake {

struct ContractColumn {
  table::Column column;
  bool is_list = false;      ///< a list of text ("texts"); column.type is kText then
  bool is_nullable = true;   ///< else a row with null here is quarantined
  bool is_optional = false;  ///< may be missing from the source; it reads as null then

  /// As the file spells it: "int64", "decimal(18,4)", "texts".
  [[nodiscard]] std::string type_text() const;
  /// As the SQL engine spells it: "BIGINT", "VARCHAR[]".
  [[nodiscard]] std::string sql_type() const;
};

struct Contract {
  std::string source;              ///< business, matomo, exposures, events or canonical
  std::string table;               ///< its name in the lake
  std::vector<std::string> names;  ///< other names that the table may have in a source
  bool is_optional = false;        ///< the source may lack the table; it reads as empty then
  std::uint64_t min_rows = 0;      ///< fewer rows than this are refused
  std::vector<std::string> primary_key;
  std::vector<std::string> change;  ///< columns that tell when a row was changed; the first that the source has counts
  bool is_append_only = false;      ///< rows are only ever added, with ascending keys: the key tells what is new
  std::vector<ContractColumn> columns;

  [[nodiscard]] const ContractColumn* find(std::string_view column) const;
  /// The name among `available` that is this table's, or "".
  [[nodiscard]] std::string find_name(const std::vector<std::string>& available) const;
};

/// Reads one contract. Throws invalid_argument with every error at once, each with its key path and, for a mistyped key or type, the
/// nearest good one.
Contract parse_contract(std::string_view text, const std::string& file);

/// All contracts. Const after load(), safe from many threads.
class Contracts {
 public:
  /// The built-in contracts, each replaced by TABLE.yaml of `override_folder` where there is one; an empty folder means none.
  static Contracts load(const fs::path& override_folder);

  /// Contracts of "business", "matomo", "exposures", "events" or "canonical".
  [[nodiscard]] std::vector<const Contract*> of(std::string_view source) const;
  /// nullptr when there is none.
  [[nodiscard]] const Contract* find(std::string_view source, std::string_view table) const;

 private:
  std::vector<Contract> contracts_;
};

}  // namespace lodestone::lake
