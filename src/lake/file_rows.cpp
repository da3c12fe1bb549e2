#include "lake/file_rows.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "base/error.hpp"
#include "base/nearest.hpp"
#include "lake/csv_stream.hpp"

namespace lodestone::lake {
namespace {

using table::ColumnType;
using table::quote_identifier;
using table::quote_literal;

bool ends_with_any(const std::string& name, std::initializer_list<std::string_view> suffixes) {
  return std::any_of(suffixes.begin(), suffixes.end(), [&](std::string_view suffix) { return name.ends_with(suffix); });
}

std::string compression(const fs::path& path) { return path.extension() == ".gz" ? "gzip" : "uncompressed"; }

std::vector<std::string> read_json_keys(table::Engine& engine, const fs::path& path) {
  std::vector<std::string> names;
  // Sorted: an order that does not depend on which thread saw a key first.
  const std::string sql = fmt::format(
      "SELECT DISTINCT unnest(json_keys(json)) AS k FROM read_json_objects({}, format = 'array', compression = '{}') "
      "WHERE json_type(json) = 'OBJECT' AND tally(CAST(NULL AS VARCHAR)) ORDER BY k",
      quote_literal(path.string()), compression(path));
  Progress progress("columns of " + path.filename().string(), 0);
  engine.with_progress(progress, [&] {
    engine.query(sql, [&](const table::Chunk& chunk) {
      for (std::size_t row = 0; row < chunk.n_rows(); ++row) names.emplace_back(chunk.text_at(0, row));
    });
  });
  return names;
}

std::string join(const std::vector<std::string>& names) { return fmt::format("{}", fmt::join(names, ", ")); }

}  // namespace

// Text to a value of the contract, null when it is none. Stricter than the engine's own casts, which round 12.7 to 13, take "inf" for a
// number and shift times that carry a zone. The usual notation is told by cheap tests; what is not it goes the slow way.
std::string value_of_text(const std::string& text, const ContractColumn& column) {
  const std::string type = column.sql_type();
  switch (column.column.type) {
    case ColumnType::kText: return text;
    case ColumnType::kInt32:
    case ColumnType::kInt64:
      return fmt::format(
          "CASE WHEN contains({0}, '.') OR contains({0}, 'e') OR contains({0}, 'E') "
          "THEN TRY_CAST(regexp_extract(trim({0}), '^([+-]?[0-9]+)[.]0*$', 1) AS {1}) ELSE TRY_CAST({0} AS {1}) END",
          text, type);
    case ColumnType::kDouble:
      return fmt::format("CASE WHEN isfinite(TRY_CAST({0} AS DOUBLE)) THEN TRY_CAST({0} AS DOUBLE) END", text);
    case ColumnType::kTimestamp:
    case ColumnType::kDate:
      return fmt::format(
          "CASE WHEN length({0}) = 19 AND substr({0}, 17, 1) = ':' THEN TRY_CAST({0} AS {1}) "
          "WHEN regexp_full_match(trim({0}), '[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}([ "
          "T][0-9]{{2}}:[0-9]{{2}}(:[0-9]{{2}}([.][0-9]*)?)?)?') "
          "THEN TRY_CAST(trim({0}) AS {1}) END",
          text, type);
    case ColumnType::kBytes: return fmt::format("CASE WHEN length({0}) % 2 = 0 THEN TRY(unhex({0})) END", text);
    case ColumnType::kBool:
    case ColumnType::kDecimal: break;
  }
  return fmt::format("TRY_CAST({} AS {})", text, type);
}

// MySQL's "no time" and blank text in a column that is no text mean null.
std::string is_blank(const std::string& text, const ContractColumn& column) {
  const bool is_time = column.column.type == ColumnType::kTimestamp || column.column.type == ColumnType::kDate;
  return fmt::format("(trim({0}) = ''{1})", text, is_time ? fmt::format(" OR starts_with({}, '0000-00-00')", text) : "");
}

FileFormat file_format(const fs::path& path) {
  const std::string name = path.filename().string();
  if (ends_with_any(name, {".csv", ".csv.gz"})) return FileFormat::kCsv;
  if (ends_with_any(name, {".json", ".json.gz"})) return FileFormat::kJson;
  if (ends_with_any(name, {".parquet"})) return FileFormat::kParquet;
  fail(ErrorCode::kInvalidArgument, "{}: is no table file; it must end in .csv, .csv.gz, .json, .json.gz or .parquet",
       path.string());
}

FileRows::FileRows(table::Engine& engine, fs::path path, const Contract& contract)
    : path_(std::move(path)), format_(file_format(path_)) {
  if (format_ == FileFormat::kParquet) {
    for (const table::ColumnDescription& column :
         engine.describe_types(fmt::format("SELECT * FROM read_parquet({})", quote_literal(path_.string())))) {
      columns_.push_back({column.name, column.sql_type, contract.find(column.name)});
    }
  } else {
    const std::vector<std::string> names =
        format_ == FileFormat::kCsv ? CsvStream(path_).header() : read_json_keys(engine, path_);
    for (const std::string& name : names) columns_.push_back({name, "VARCHAR", contract.find(name)});
  }
  for (FileColumn& column : columns_) {
    if (column.contract != nullptr) column.sql_type = column.contract->sql_type();
  }
  check_columns(contract);
}

void FileRows::check_columns(const Contract& contract) const {
  std::vector<std::string> names;
  std::set<std::string> seen;
  for (const FileColumn& column : columns_) {
    names.push_back(column.name);
    if (!seen.insert(column.name).second) {
      fail(ErrorCode::kContract, "{}: column {} occurs twice; give each column a name of its own", path_.string(), column.name);
    }
  }
  // An array without any record has no keys; it is an empty table.
  if (format_ == FileFormat::kJson && columns_.empty()) return;
  std::vector<std::string> missing;
  std::string hint;
  for (const ContractColumn& column : contract.columns) {
    if (column.is_optional || seen.contains(column.column.name)) continue;
    missing.push_back(fmt::format("{} ({})", column.column.name, column.type_text()));
    const std::string near = nearest_name(column.column.name, names);
    if (!near.empty() && hint.empty()) hint = fmt::format("; is {} meant by {}?", column.column.name, near);
  }
  if (missing.empty()) return;
  fail(ErrorCode::kContract,
       "{}: table {} lacks the column{} {}{} It has {}. Correct the file, or say in contracts/{}.yaml that it is optional",
       path_.string(), contract.table, missing.size() == 1 ? "" : "s", join(missing), hint.empty() ? "." : hint, join(names),
       contract.table);
}

std::unique_ptr<table::RowStream> FileRows::open_stream() const {
  return format_ == FileFormat::kCsv ? std::make_unique<CsvStream>(path_) : nullptr;
}

std::string FileRows::from(Order order) const {
  const std::string_view number = order == Order::kInFile ? ", row_number() OVER () AS row_in_file" : "";
  if (format_ == FileFormat::kCsv)
    return fmt::format("(SELECT *{} FROM stream_rows)", order == Order::kInFile ? ", line AS row_in_file" : "");
  if (format_ == FileFormat::kParquet)
    return fmt::format("(SELECT *{} FROM read_parquet({}))", number, quote_literal(path_.string()));
  // All paths in one call: each call parses the record anew.
  std::string paths;
  for (const FileColumn& column : columns_) {
    std::string escaped;
    for (const char c : column.name) escaped += c == '"' ? std::string("\\\"") : std::string(1, c);
    paths += (paths.empty() ? "" : ", ") + quote_literal("$.\"" + escaped + "\"");
  }
  return fmt::format(
      "(SELECT json_extract_string(json, [{}]) AS v{} FROM read_json_objects({}, format = 'array', compression = '{}'))", paths,
      number, quote_literal(path_.string()), compression(path_));
}

std::string FileRows::original(std::size_t column) const {
  switch (format_) {
    case FileFormat::kCsv: return fmt::format("c{}", column);
    case FileFormat::kJson: return fmt::format("v[{}]", column + 1);
    case FileFormat::kParquet: break;
  }
  return quote_identifier(columns_[column].name);
}

std::string FileRows::value(std::size_t column) const {
  const FileColumn& c = columns_[column];
  std::string original = fmt::format("o{}", column);
  if (c.contract == nullptr) return original;
  if (format_ != FileFormat::kParquet) return value_of_text(original, *c.contract);
  return fmt::format("TRY_CAST({} AS {})", original, c.sql_type);
}

std::string FileRows::reason() const {
  std::string cases = format_ == FileFormat::kCsv ? " WHEN fault IS NOT NULL THEN concat('line ', line, ' ', fault)" : "";
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    const ContractColumn* contract = columns_[i].contract;
    if (contract == nullptr) continue;
    const std::string name = quote_literal(columns_[i].name);
    const bool is_text = contract->column.type == ColumnType::kText;
    const std::string blank = format_ == FileFormat::kParquet || is_text ? "false" : is_blank(fmt::format("o{}", i), *contract);
    if (!is_text) {
      cases += fmt::format(
          " WHEN t{0} IS NULL AND o{0} IS NOT NULL AND NOT {1} THEN concat('column ', {2}, ': \"', left(CAST(o{0} AS VARCHAR), "
          "100), "
          "'\" is no ', {3})",
          i, blank, name, quote_literal(contract->type_text()));
    }
    if (!contract->is_nullable) cases += fmt::format(" WHEN t{} IS NULL THEN concat('column ', {}, ' is null')", i, name);
  }
  return cases.empty() ? "CAST(NULL AS VARCHAR)" : "CASE" + cases + " END";
}

std::string FileRows::checked_rows(Order order) const {
  std::string originals;
  std::string values;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    originals += fmt::format("{}{} AS o{}", i == 0 ? "" : ", ", original(i), i);
    values += fmt::format(", {} AS t{}", value(i), i);
  }
  if (format_ == FileFormat::kCsv) originals += ", line, fault, malformed_line";
  if (order == Order::kInFile) originals += ", row_in_file";
  return fmt::format("SELECT *, {} AS reason FROM (SELECT *{} FROM (SELECT {} FROM {}))", reason(), values, originals,
                     from(order));
}

std::string FileRows::value_list() const {
  std::string out;
  for (std::size_t i = 0; i < columns_.size(); ++i)
    out += fmt::format("{}t{} AS {}", i == 0 ? "" : ", ", i, quote_identifier(columns_[i].name));
  return out;
}

std::string FileRows::original_list() const {
  std::string out;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    // Our own columns of a quarantined row keep their names.
    const bool is_ours = columns_[i].name == "reason" || columns_[i].name == "seen_at" || columns_[i].name == "file";
    out += fmt::format("{}CAST(o{} AS VARCHAR) AS {}", i == 0 ? "" : ", ", i,
                       quote_identifier(columns_[i].name + (is_ours ? "_" : "")));
  }
  return format_ == FileFormat::kCsv ? out + ", malformed_line" : out;
}

}  // namespace lodestone::lake
