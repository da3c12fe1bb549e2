#include "simulation/tables.hpp"

#include <fmt/format.h>

#include <span>

#include "base/error.hpp"

namespace lodestone::simulation {
namespace {

using table::ColumnType;

struct ColumnText {
  const char* name;
  ColumnType type;
  const char* sql;
};

TableSpec make(std::string name, Database database, std::span<const ColumnText> columns, std::vector<std::string> key) {
  TableSpec spec{std::move(name), database, {}, {}, std::move(key)};
  for (const ColumnText& column : columns) {
    spec.schema.push_back({column.name, column.type, 10, 2});
    spec.sql_types.emplace_back(column.sql);
  }
  return spec;
}

constexpr const char* kId = "int(11) NOT NULL";
constexpr const char* kInt = "int(11) DEFAULT NULL";
constexpr const char* kFlag = "tinyint(1) NOT NULL DEFAULT 0";
constexpr const char* kText255 = "varchar(255) DEFAULT NULL";
constexpr const char* kMoney = "decimal(10,2) DEFAULT NULL";
constexpr const char* kTime = "datetime DEFAULT NULL";
constexpr const char* kTimeNotNull = "datetime NOT NULL";
constexpr const char* kBigUnsigned = "bigint(10) unsigned NOT NULL";
constexpr const char* kUnsigned = "int(10) unsigned NOT NULL";
constexpr const char* kUnsignedNull = "int(10) unsigned DEFAULT NULL";
constexpr const char* kVisitor = "binary(8) NOT NULL";
constexpr auto kInt32 = ColumnType::kInt32;
constexpr auto kInt64 = ColumnType::kInt64;
constexpr auto kDouble = ColumnType::kDouble;
constexpr auto kDecimal = ColumnType::kDecimal;
constexpr auto kTextType = ColumnType::kText;
constexpr auto kBytes = ColumnType::kBytes;
constexpr auto kTimestamp = ColumnType::kTimestamp;

constexpr ColumnText kUserColumns[] = {
    {"id", kInt32, kId},
    {"user_name", kTextType, kText255},
    {"company_id", kInt32, kInt},
    {"company_name", kTextType, kText255},
    {"role", kTextType, "varchar(32) DEFAULT NULL"},
    {"province", kTextType, "varchar(64) DEFAULT NULL"},
    {"city", kTextType, "varchar(64) DEFAULT NULL"},
    {"is_consumption", kInt32, kFlag},
    {"is_valid", kInt32, kFlag},
    {"create_time", kTimestamp, kTimeNotNull},
    {"last_login_time", kTimestamp, kTime},
    {"modify_time", kTimestamp, kTime},
};

constexpr ColumnText kCompanyColumns[] = {
    {"id", kInt32, kId},
    {"company_name", kTextType, kText255},
    {"industry", kTextType, kText255},
    {"create_time", kTimestamp, kTime},
};

constexpr ColumnText kDictColumns[] = {
    {"id", kInt32, kId},
    {"data_value", kTextType, kText255},
};

constexpr ColumnText kDatasetColumns[] = {
    {"id", kInt32, kId},
    {"dataset_name", kTextType, "varchar(1024) NOT NULL"},
    {"description", kTextType, "mediumtext DEFAULT NULL"},
    {"tag", kTextType, "text DEFAULT NULL"},
    {"price", kDecimal, kMoney},
    {"original_price", kDecimal, kMoney},
    {"create_company_name", kTextType, kText255},
    {"cover_id", kInt32, kInt},
    {"type_id", kInt32, kInt},
    {"data_format", kTextType, "varchar(64) DEFAULT NULL"},
    {"amount", kInt64, "bigint(20) DEFAULT NULL"},
    {"dataset_size", kInt64, "bigint(20) DEFAULT NULL"},
    {"sales_volume", kInt32, "int(11) NOT NULL DEFAULT 0"},
    {"clout", kDouble, "double DEFAULT NULL"},
    {"status", kInt32, kInt},
    {"publish_status", kInt32, kInt},
    {"is_delete", kInt32, kFlag},
    {"create_time", kTimestamp, kTimeNotNull},
    {"update_time", kTimestamp, kTimeNotNull},
    {"external_id", kTextType, kText255},
};

constexpr ColumnText kImageColumns[] = {
    {"id", kInt32, kId},           {"dataset_id", kInt32, kId},        {"image_url", kTextType, "varchar(512) DEFAULT NULL"},
    {"image_order", kInt32, kInt}, {"create_time", kTimestamp, kTime}, {"update_time", kTimestamp, kTime},
};

constexpr ColumnText kOrderColumns[] = {
    {"id", kInt32, kId},
    {"dataset_id", kInt32, kId},
    {"create_user", kInt32, kId},
    {"price", kDecimal, kMoney},
    {"pay_status", kInt32, "int(11) NOT NULL DEFAULT 0"},
    {"is_delete", kInt32, kFlag},
    {"create_time", kTimestamp, kTimeNotNull},
    {"update_time", kTimestamp, kTimeNotNull},
    {"pay_time", kTimestamp, kTime},
};

constexpr ColumnText kApiOrderColumns[] = {
    {"id", kInt32, kId},
    {"api_id", kInt32, kId},
    {"creator_id", kInt32, kId},
    {"price", kDecimal, kMoney},
    {"api_price", kDecimal, kMoney},
    {"frequency", kInt32, kInt},
    {"pay_status", kInt32, "int(11) NOT NULL DEFAULT 0"},
    {"is_delete", kInt32, kFlag},
    {"create_time", kTimestamp, kTimeNotNull},
    {"update_time", kTimestamp, kTimeNotNull},
    {"pay_time", kTimestamp, kTime},
};

constexpr ColumnText kVisitColumns[] = {
    {"idvisit", kInt64, kBigUnsigned},
    {"idsite", kInt64, kUnsigned},
    {"idvisitor", kBytes, kVisitor},
    {"visit_last_action_time", kTimestamp, kTimeNotNull},
    {"user_id", kTextType, "varchar(200) DEFAULT NULL"},
    {"visit_first_action_time", kTimestamp, kTimeNotNull},
    {"config_device_type", kInt32, "tinyint(3) unsigned DEFAULT NULL"},
    {"location_country", kTextType, "char(3) DEFAULT NULL"},
    {"location_region", kTextType, "char(3) DEFAULT NULL"},
    {"location_city", kTextType, kText255},
};

constexpr ColumnText kActionColumns[] = {
    {"idaction", kInt64, kUnsigned},
    {"name", kTextType, "varchar(4096) DEFAULT NULL"},
    {"type", kInt32, "tinyint(3) unsigned DEFAULT NULL"},
    {"url_prefix", kInt32, "tinyint(2) DEFAULT NULL"},
};

constexpr ColumnText kLinkColumns[] = {
    {"idlink_va", kInt64, kBigUnsigned},
    {"idsite", kInt64, kUnsigned},
    {"idvisitor", kBytes, kVisitor},
    {"idvisit", kInt64, kBigUnsigned},
    {"server_time", kTimestamp, kTimeNotNull},
    {"idpageview", kTextType, "char(6) DEFAULT NULL"},
    {"idaction_name", kInt64, kUnsignedNull},
    {"idaction_url", kInt64, kUnsignedNull},
    {"idaction_product_sku", kInt64, kUnsignedNull},
    {"idaction_event_action", kInt64, kUnsignedNull},
    {"idaction_event_category", kInt64, kUnsignedNull},
    {"custom_float", kDouble, "double DEFAULT NULL"},
    {"custom_dimension_1", kTextType, kText255},
    {"custom_dimension_2", kTextType, kText255},
    {"custom_dimension_3", kTextType, kText255},
    {"custom_dimension_4", kTextType, kText255},
    {"custom_dimension_5", kTextType, kText255},
};

constexpr ColumnText kConversionColumns[] = {
    {"idvisit", kInt64, kBigUnsigned},
    {"idsite", kInt64, kUnsigned},
    {"idvisitor", kBytes, kVisitor},
    {"server_time", kTimestamp, kTimeNotNull},
    {"idaction_url", kInt64, kUnsignedNull},
    {"idgoal", kInt32, "int(10) NOT NULL"},
    {"buster", kInt64, kUnsigned},
    {"idorder", kTextType, "varchar(100) DEFAULT NULL"},
    {"url", kTextType, "varchar(4096) NOT NULL"},
    {"revenue", kDouble, "float DEFAULT NULL"},
    {"custom_dimension_1", kTextType, kText255},
    {"custom_dimension_2", kTextType, kText255},
    {"custom_dimension_3", kTextType, kText255},
    {"custom_dimension_4", kTextType, kText255},
    {"custom_dimension_5", kTextType, kText255},
};

}  // namespace

const std::vector<TableSpec>& marketplace_tables() {
  static const std::vector<TableSpec> tables = {
      make("user", Database::kBusiness, kUserColumns, {"id"}),
      make("company", Database::kBusiness, kCompanyColumns, {"id"}),
      make("dict", Database::kBusiness, kDictColumns, {"id"}),
      make("dataset", Database::kBusiness, kDatasetColumns, {"id"}),
      make("dataset_image", Database::kBusiness, kImageColumns, {"id"}),
      make("order_tab", Database::kBusiness, kOrderColumns, {"id"}),
      make("api_order", Database::kBusiness, kApiOrderColumns, {"id"}),
      make("matomo_log_visit", Database::kMatomo, kVisitColumns, {"idvisit"}),
      make("matomo_log_action", Database::kMatomo, kActionColumns, {"idaction"}),
      make("matomo_log_link_visit_action", Database::kMatomo, kLinkColumns, {"idlink_va"}),
      make("matomo_log_conversion", Database::kMatomo, kConversionColumns, {"idvisit", "idgoal", "buster"}),
  };
  return tables;
}

std::string create_statement(const TableSpec& table) {
  std::string sql = fmt::format("CREATE TABLE IF NOT EXISTS `{}` (", table.name);
  for (std::size_t i = 0; i < table.schema.size(); ++i) {
    sql += fmt::format("`{}` {}, ", table.schema[i].name, table.sql_types[i]);
  }
  sql += "PRIMARY KEY (";
  for (std::size_t i = 0; i < table.primary_key.size(); ++i) {
    sql += fmt::format("{}`{}`", i == 0 ? "" : ",", table.primary_key[i]);
  }
  return sql + ")) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4";
}

}  // namespace lodestone::simulation
