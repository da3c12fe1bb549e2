#include "sources/binlog/row_plan.hpp"

#include <fmt/format.h>
#include <mysql.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include "base/error.hpp"

namespace lodestone::sources {
namespace {

/// The types under which a column of a DATA_TYPE can lie in the log.
struct Kinship {
  std::string_view data_type;
  std::array<LogType, 4> types;
};

constexpr LogType kNo{};
constexpr std::array kBlobTypes = {LogType::kBlob, LogType::kTinyBlob, LogType::kMediumBlob, LogType::kLongBlob};

constexpr std::array kKinships = {
    Kinship{"tinyint", {LogType::kTiny}},
    Kinship{"smallint", {LogType::kShort}},
    Kinship{"mediumint", {LogType::kInt24}},
    Kinship{"int", {LogType::kLong}},
    Kinship{"bigint", {LogType::kLongLong}},
    Kinship{"year", {LogType::kYear}},
    Kinship{"bit", {LogType::kBit}},
    Kinship{"decimal", {LogType::kDecimal}},
    Kinship{"float", {LogType::kFloat}},
    Kinship{"double", {LogType::kDouble}},
    Kinship{"char", {LogType::kString}},
    Kinship{"binary", {LogType::kString}},
    Kinship{"uuid", {LogType::kString}},
    Kinship{"inet4", {LogType::kString}},
    Kinship{"inet6", {LogType::kString}},
    Kinship{"varchar", {LogType::kVarchar, LogType::kVarcharCompressed, LogType::kVarString}},
    Kinship{"varbinary", {LogType::kVarchar, LogType::kVarcharCompressed, LogType::kVarString}},
    Kinship{"enum", {LogType::kEnum}},
    Kinship{"set", {LogType::kSet}},
    Kinship{"json", {LogType::kJson}},
    Kinship{"date", {LogType::kDate, LogType::kNewDate}},
    Kinship{"time", {LogType::kTime2, LogType::kTime}},
    Kinship{"datetime", {LogType::kDateTime2, LogType::kDateTime}},
    Kinship{"timestamp", {LogType::kTimestamp2, LogType::kTimestamp}},
};
constexpr std::array<std::string_view, 8> kBlobs = {"tinytext", "text", "mediumtext", "longtext",
                                                    "tinyblob", "blob", "mediumblob", "longblob"};
constexpr std::array<std::string_view, 9> kGeometries = {"geometry",     "point",          "linestring",
                                                         "polygon",      "multipoint",     "multilinestring",
                                                         "multipolygon", "geomcollection", "geometrycollection"};

template <typename Range, typename T>
bool contains(const Range& range, const T& value) {
  return std::find(range.begin(), range.end(), value) != range.end();
}

/// Whether a column so described can be what the log shows; nothing when the description's type is not known here.
std::optional<bool> is_kin(const ColumnDescription& column, LogType type) {
  if (contains(kBlobs, column.data_type)) return contains(kBlobTypes, type) || type == LogType::kBlobCompressed;
  if (contains(kGeometries, column.data_type)) return type == LogType::kGeometry;
  const auto* found =
      std::find_if(kKinships.begin(), kKinships.end(), [&](const Kinship& k) { return k.data_type == column.data_type; });
  if (found == kKinships.end()) return std::nullopt;
  return type != kNo && contains(found->types, type);
}

/// Digits of the fraction in "datetime(3) /* mariadb-5.3 */".
unsigned digits_of(const std::string& column_type) {
  unsigned digits = 0;
  const std::size_t open = column_type.find('(');
  if (open != std::string::npos) std::from_chars(column_type.data() + open + 1, column_type.data() + column_type.size(), digits);
  return std::min(digits, 6U);
}

/// The name of a collation's character set, or the description's where the library does not know the number.
std::string charset_of(const LogColumn& logged, const ColumnDescription& described) {
  const MARIADB_CHARSET_INFO* info = logged.collation ? mariadb_get_charset_by_nr(*logged.collation) : nullptr;
  return info != nullptr && info->csname != nullptr ? info->csname : described.character_set;
}

void plan_integer(const LogColumn& logged, const ColumnDescription& described, unsigned size, CellPlan& cell) {
  const bool is_unsigned = logged.is_unsigned.value_or(described.column_type.find("unsigned") != std::string::npos);
  cell.form = is_unsigned ? CellForm::kUint : CellForm::kInt;
  cell.size = size;
}

void plan_string(const LogColumn& logged, const ColumnDescription& described, CellPlan& cell) {
  cell.form = CellForm::kText;
  cell.size = logged.metadata > 255 ? 2 : 1;
  if (logged.type != LogType::kString) return;
  if (described.data_type == "binary") cell.padded_size = logged.metadata;
  if (described.data_type == "uuid") cell.form = CellForm::kUuid;
  if (described.data_type == "inet4") cell.form = CellForm::kInet4;
  if (described.data_type == "inet6") cell.form = CellForm::kInet6;
}

void plan_time(const LogColumn& logged, const ColumnDescription& described, CellPlan& cell) {
  cell.scale = logged.metadata;
  switch (logged.type) {
    case LogType::kTime2: cell.form = CellForm::kTime; return;
    case LogType::kDateTime2: cell.form = CellForm::kDateTime; return;
    case LogType::kTimestamp2: cell.form = CellForm::kTimestamp; return;
    default: break;
  }
  // The old formats: the log does not tell their fraction.
  cell.scale = digits_of(described.column_type);
  switch (logged.type) {
    case LogType::kTime: cell.form = cell.scale == 0 ? CellForm::kTimeInt : CellForm::kTimeShifted; return;
    case LogType::kDateTime: cell.form = cell.scale == 0 ? CellForm::kDateTimeInt : CellForm::kDateTimePacked; return;
    default: cell.form = cell.scale == 0 ? CellForm::kTimestampInt : CellForm::kTimestampBig; return;
  }
}

void plan_form(const LogColumn& logged, const ColumnDescription& described, CellPlan& cell) {
  switch (logged.type) {
    case LogType::kTiny: plan_integer(logged, described, 1, cell); return;
    case LogType::kShort: plan_integer(logged, described, 2, cell); return;
    case LogType::kInt24: plan_integer(logged, described, 3, cell); return;
    case LogType::kLong: plan_integer(logged, described, 4, cell); return;
    case LogType::kLongLong: plan_integer(logged, described, 8, cell); return;
    case LogType::kYear: cell.form = CellForm::kYear; return;
    case LogType::kFloat: cell.form = CellForm::kFloat; return;
    case LogType::kDouble: cell.form = CellForm::kDouble; return;
    case LogType::kDecimal:
      cell.form = CellForm::kDecimal;
      cell.size = logged.metadata >> 8U;
      cell.scale = logged.metadata & 0xffU;
      cell.is_zero_filled = described.column_type.find("zerofill") != std::string::npos;
      return;
    case LogType::kBit:
      cell.form = CellForm::kBit;
      cell.size = (logged.metadata >> 8U) + ((logged.metadata & 0xffU) != 0 ? 1U : 0U);
      return;
    case LogType::kEnum:
    case LogType::kSet:
      cell.form = logged.type == LogType::kEnum ? CellForm::kEnum : CellForm::kSet;
      cell.size = logged.metadata;
      return;
    case LogType::kDate:
    case LogType::kNewDate: cell.form = CellForm::kDate; return;
    case LogType::kTime:
    case LogType::kTime2:
    case LogType::kDateTime:
    case LogType::kDateTime2:
    case LogType::kTimestamp:
    case LogType::kTimestamp2: plan_time(logged, described, cell); return;
    case LogType::kString:
    case LogType::kVarchar:
    case LogType::kVarString: plan_string(logged, described, cell); return;
    case LogType::kVarcharCompressed:
      cell.form = CellForm::kPacked;
      cell.size = logged.metadata > 255 ? 2 : 1;
      return;
    case LogType::kBlobCompressed:
      cell.form = CellForm::kPacked;
      cell.size = logged.metadata;
      return;
    case LogType::kJson:
      cell.form = CellForm::kMysqlJson;
      cell.size = logged.metadata;
      return;
    case LogType::kVector:
    case LogType::kTinyBlob:
    case LogType::kMediumBlob:
    case LogType::kLongBlob:
    case LogType::kBlob:
    case LogType::kGeometry:
      cell.form = CellForm::kText;
      cell.size = logged.metadata;
      return;
  }
}

/// Nothing when the sizes that the log gives can be those of such a column.
bool has_possible_size(const CellPlan& cell) {
  switch (cell.form) {
    case CellForm::kDecimal: return cell.size > 0 && cell.size <= 65 && cell.scale <= cell.size;
    case CellForm::kBit:
    case CellForm::kSet: return cell.size > 0 && cell.size <= 8;
    case CellForm::kEnum: return cell.size > 0 && cell.size <= 2;
    case CellForm::kText:
    case CellForm::kPacked:
    case CellForm::kMysqlJson: return cell.size > 0 && cell.size <= 4;
    default: return cell.scale <= 6;
  }
}

/// Why the column of the log is not the one described; "" when it is.
std::string difference(const LogColumn& logged, const ColumnDescription& described) {
  if (!logged.name.empty() && logged.name != described.name) return fmt::format("it is named {} there", logged.name);
  if (!*is_kin(described, logged.type)) return fmt::format("it is of type {} there", static_cast<unsigned>(logged.type));
  if (logged.type == LogType::kDecimal) {
    const int precision = logged.metadata >> 8;
    const int scale = logged.metadata & 0xff;
    if (precision != described.precision.value_or(10) || scale != described.scale.value_or(0)) {
      return fmt::format("it is decimal({},{}) there", precision, scale);
    }
  }
  const std::size_t fixed = described.data_type == "inet4"                                    ? 4
                            : described.data_type == "uuid" || described.data_type == "inet6" ? 16
                                                                                              : 0;
  if (fixed != 0 && logged.metadata != fixed) return fmt::format("it has {} bytes there", logged.metadata);
  return "";
}

void plan_texts(const LogColumn& logged, const ColumnDescription& described, const BinlogTable& table, CellPlan& cell) {
  if (cell.form == CellForm::kUuid || cell.form == CellForm::kInet4 || cell.form == CellForm::kInet6) return;
  if (cell.type != table::ColumnType::kText || cell.form == CellForm::kDecimal || cell.form == CellForm::kMysqlJson) return;
  try {
    cell.converter = std::make_unique<TextConverter>(charset_of(logged, described));
  } catch (const Error& error) {
    fail(error.code(), "table {}.{}: column {}: {}", table.database, table.name, described.name, error.message());
  }
  if (logged.type != LogType::kEnum && logged.type != LogType::kSet) return;
  if (logged.labels.empty()) {
    cell.labels = parse_labels(described.column_type);
    return;
  }
  std::string scratch;
  for (const std::string_view label : logged.labels) cell.labels.emplace_back(cell.converter->to_utf8(label, scratch));
}

}  // namespace

Result<RowPlan> plan_rows(const TableMap& map, const BinlogTable& table) {
  const auto& described = table.descriptions;
  if (map.columns.size() != described.size()) {
    return Reason{fmt::format("table {}.{}: the binary log shows {} columns, its description has {}", table.database, table.name,
                              map.columns.size(), described.size())};
  }
  RowPlan plan;
  for (std::size_t i = 0; i < described.size(); ++i) {
    const LogColumn& logged = map.columns[i];
    if (!is_kin(described[i], logged.type)) {
      fail(ErrorCode::kContract,
           "table {}.{}: column {} is of type {}, whose changes cannot be read from the binary log; leave the table to snapshots",
           table.database, table.name, described[i].name, described[i].data_type);
    }
    if (const std::string why = difference(logged, described[i]); !why.empty()) {
      return Reason{fmt::format("table {}.{}: column {} ({}) is another in the binary log: {}", table.database, table.name,
                                described[i].name, described[i].column_type, why)};
    }
    CellPlan cell;
    cell.type = table.schema[i].type;
    plan_form(logged, described[i], cell);
    if (!has_possible_size(cell)) {
      fail(ErrorCode::kCorrupt,
           "binary log: the TABLE_MAP event of table {}.{} is damaged: column {} has an impossible size; take a new snapshot",
           table.database, table.name, described[i].name);
    }
    plan_texts(logged, described[i], table, cell);
    plan.push_back(std::move(cell));
  }
  return plan;
}

}  // namespace lodestone::sources
