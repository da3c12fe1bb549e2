#pragma once
// Column types of MySQL and MariaDB in the lake.

#include <optional>
#include <string>

#include "table/batch.hpp"

namespace lodestone::sources {

/// A column as information_schema.COLUMNS describes it.
struct ColumnDescription {
  std::string name;
  std::string data_type;    ///< DATA_TYPE: "bigint", "varchar"
  std::string column_type;  ///< COLUMN_TYPE: "bigint(10) unsigned", "varchar(255)"
  std::optional<int> precision;
  std::optional<int> scale;
  std::string character_set = {};  ///< CHARACTER_SET_NAME: "utf8mb4", "" for none; only the binary log needs it
};

/// | source | lake |
/// | tinyint (also tinyint(1)), smallint, mediumint, int, year, and the first three unsigned | int32 |
/// | int unsigned, bigint, bit; bigint unsigned, whose values beyond int64 are errors when they come | int64 |
/// | decimal with up to 38 digits; wider ones are text | decimal |
/// | float (its shortest decimal form), double | double |
/// | char, varchar, text, enum, set, json, time, uuid, inet4, inet6, and any type not known here | text |
/// | binary, varbinary, blob, geometry | bytes |
/// | datetime, timestamp | timestamp |
/// | date | date |
table::Column map_column(const ColumnDescription& column);

}  // namespace lodestone::sources
