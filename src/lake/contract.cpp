#include "lake/contract.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "base/error.hpp"
#include "base/nearest.hpp"
#include "base/yaml.hpp"
#include "lake/embedded_contracts.hpp"
#include "table/sql_text.hpp"

namespace lodestone::lake {
namespace {

using table::ColumnType;

// "18,4" -> precision and scale; false when it is anything else.
bool parse_digits(std::string_view text, table::Column& column) {
  const char* end = text.data() + text.size();
  const auto precision = std::from_chars(text.data(), end, column.precision);
  if (precision.ec != std::errc() || precision.ptr == end || *precision.ptr != ',') return false;
  const auto scale = std::from_chars(precision.ptr + 1, end, column.scale);
  return scale.ec == std::errc() && scale.ptr == end && column.precision >= 1 && column.precision <= 38 && column.scale >= 0 &&
         column.scale <= column.precision;
}

void parse_type(const Yaml& node, ContractColumn& column) {
  const std::string text = node.text();
  const std::size_t open = text.find('(');
  const std::string name = text.substr(0, open);
  column.is_list = name == "texts";
  constexpr std::array kTypes = {ColumnType::kBool,   ColumnType::kInt32,     ColumnType::kInt64,
                                 ColumnType::kDouble, ColumnType::kDecimal,   ColumnType::kText,
                                 ColumnType::kBytes,  ColumnType::kTimestamp, ColumnType::kDate};
  const auto type = std::find_if(kTypes.begin(), kTypes.end(), [&](ColumnType t) { return table::type_name(t) == name; });
  if (column.is_list) {
    column.column.type = ColumnType::kText;
  } else if (type == kTypes.end()) {
    std::vector<std::string> names = {"texts"};
    for (const ColumnType known : kTypes) names.emplace_back(table::type_name(known));
    node.error(fmt::format("\"{}\" is no type{}", text, suggest(name, names)));
    return;
  } else {
    column.column.type = *type;
  }
  if (column.column.type == ColumnType::kDecimal) {
    const bool closed = open != std::string::npos && text.back() == ')';
    if (!closed || !parse_digits(std::string_view(text).substr(open + 1, text.size() - open - 2), column.column)) {
      node.error(
          fmt::format("\"{}\" must be written decimal(P,S), P digits in all (at most 38) and S of them after the point", text));
    }
  } else if (open != std::string::npos) {
    node.error(fmt::format("\"{}\": only decimal has digits in parentheses", text));
  }
}

ContractColumn parse_column(const std::string& name, const Yaml& node) {
  ContractColumn column;
  column.column.name = name;
  if (!node.is_map()) {
    node.error("a column is written {type: ..., nullable: ..., optional: ...}");
    return column;
  }
  node.only({"type", "nullable", "optional"});
  const Yaml type = node.require("type");
  if (type.is_defined()) parse_type(type, column);
  column.is_nullable = node.get("nullable").as_bool(true);
  column.is_optional = node.get("optional").as_bool(false);
  if (column.is_optional && !column.is_nullable) node.error("a column that may be missing must be nullable");
  return column;
}

void check_columns_exist(const Contract& contract, const std::vector<std::string>& columns, const Yaml& node) {
  std::vector<std::string> known;
  for (const ContractColumn& column : contract.columns) known.push_back(column.column.name);
  for (const std::string& name : columns) {
    if (contract.find(name) == nullptr)
      node.error(fmt::format("\"{}\" is no column of this contract{}", name, suggest(name, known)));
  }
}

}  // namespace

std::string ContractColumn::type_text() const {
  if (is_list) return "texts";
  if (column.type == ColumnType::kDecimal) return fmt::format("decimal({},{})", column.precision, column.scale);
  return std::string(table::type_name(column.type));
}

std::string ContractColumn::sql_type() const { return is_list ? "VARCHAR[]" : table::sql_type(column); }

const ContractColumn* Contract::find(std::string_view column) const {
  const auto found =
      std::find_if(columns.begin(), columns.end(), [&](const ContractColumn& c) { return c.column.name == column; });
  return found == columns.end() ? nullptr : &*found;
}

std::string Contract::find_name(const std::vector<std::string>& available) const {
  std::vector<std::string> wanted = {table};
  wanted.insert(wanted.end(), names.begin(), names.end());
  for (const std::string& name : wanted) {
    if (std::find(available.begin(), available.end(), name) != available.end()) return name;
  }
  return "";
}

Contract parse_contract(std::string_view text, const std::string& file) {
  YamlErrors errors(file);
  const Yaml root = Yaml::parse(text, errors);
  Contract contract;
  root.only({"version", "source", "table", "names", "optional", "min_rows", "primary_key", "change", "append_only", "on_extra",
             "columns"});
  const std::int64_t version = root.require("version").as_int(1, 0, INT64_MAX);
  if (version != 1)
    root.get("version").error(fmt::format("{} is no version of contracts that this program reads; it reads 1", version));
  contract.source = root.require("source").as_string("");
  const std::vector<std::string> sources = {"business", "matomo", "exposures", "events", "canonical"};
  if (std::find(sources.begin(), sources.end(), contract.source) == sources.end()) {
    root.get("source").error(fmt::format("\"{}\" is no source{}", contract.source, suggest(contract.source, sources)));
  }
  contract.table = root.require("table").as_string("");
  contract.names = root.get("names").as_strings();
  contract.is_optional = root.get("optional").as_bool(false);
  contract.min_rows = static_cast<std::uint64_t>(root.get("min_rows").as_int(0, 0, INT64_MAX));
  if (root.get("on_extra").as_string("keep") != "keep")
    root.get("on_extra").error("must be keep: the lake keeps every column of a source");
  const Yaml columns = root.require("columns");
  if (columns.is_defined() && !columns.is_map()) columns.error("must be a map of columns");
  if (columns.is_map()) {
    for (const std::string& name : columns.keys()) contract.columns.push_back(parse_column(name, columns.get(name)));
  }
  contract.primary_key = root.require("primary_key").as_strings();
  check_columns_exist(contract, contract.primary_key, root.get("primary_key"));
  for (const std::string& name : contract.primary_key) {
    const ContractColumn* column = contract.find(name);
    if (column != nullptr && column->is_nullable)
      columns.get(name).error("is part of the primary key and must be nullable: false");
  }
  contract.change = root.get("change").as_strings();
  check_columns_exist(contract, contract.change, root.get("change"));
  contract.is_append_only = root.get("append_only").as_bool(false);
  if (contract.is_append_only && !contract.change.empty())
    root.get("append_only").error("contradicts change: a table whose rows change is not only added to; leave one of them out");
  errors.throw_if_any();
  return contract;
}

Contracts Contracts::load(const fs::path& override_folder) {
  Contracts out;
  for (const EmbeddedFile& file : embedded_contracts()) {
    const fs::path path = override_folder / file.name;
    const bool overridden = !override_folder.empty() && fs::exists(path);
    Contract contract = overridden ? parse_contract(read_file(path), path.string())
                                   : parse_contract(file.text, "contracts/" + std::string(file.name));
    if (contract.table + ".yaml" != file.name) {
      fail(ErrorCode::kInvalidArgument, "{}: table is {}, the name of the file wants {}", path.string(), contract.table,
           file.name.substr(0, file.name.size() - 5));
    }
    out.contracts_.push_back(std::move(contract));
  }
  return out;
}

std::vector<const Contract*> Contracts::of(std::string_view source) const {
  std::vector<const Contract*> out;
  for (const Contract& contract : contracts_) {
    if (contract.source == source) out.push_back(&contract);
  }
  return out;
}

const Contract* Contracts::find(std::string_view source, std::string_view table) const {
  const auto found = std::find_if(contracts_.begin(), contracts_.end(),
                                  [&](const Contract& c) { return c.source == source && c.table == table; });
  return found == contracts_.end() ? nullptr : &*found;
}

}  // namespace lodestone::lake
