#pragma once
// SQL as text: safe quoting, the queries of sql/ that are built into the binary, and the parameters they declare.
//
// A query file says in its header comment what it needs:
//   -- param: half_life_days number = 90     a value that stands as {{half_life_days}} in the text; without "= ..." it must be given
//   -- unique: items(item_id)                a key that the query joins on, checked before it runs

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.hpp"
#include "table/batch.hpp"

namespace lodestone::table {

/// `"name"`, with quotes inside doubled.
std::string quote_identifier(std::string_view name);
/// `'text'`, with quotes inside doubled.
std::string quote_literal(std::string_view text);
/// Identifiers, quoted and joined by ", ".
std::string quote_identifiers(const std::vector<std::string>& names);

/// The engine's name of a type: BIGINT, DECIMAL(18,2), ...
std::string sql_type(const Column& column);

/// What a parameter may hold: text and time become quoted literals, number and integer are checked to be such, name must be a plain
/// identifier (letters, digits, underscore) and stands unquoted.
enum class ParameterKind { kText, kNumber, kInteger, kTime, kName };

/// Values by name, as text ("90", "Asia/Shanghai", "2026-01-01T00:00:00Z").
using Parameters = std::map<std::string, std::string>;

/// A key that must be unique before a query joins on it.
struct UniqueKey {
  std::string table;
  std::vector<std::string> columns;
};

/// One query of sql/. Const after load(), safe from many threads.
class SqlFile {
 public:
  /// `name` without ".sql", for example "mapping/items". A file of that name below `override_folder` wins over the built-in one; an empty
  /// folder means none. Throws not_found with the nearest name, and invalid_argument for a malformed header, naming file and line.
  static SqlFile load(const fs::path& override_folder, const std::string& name);
  /// The same from a text; `origin` names it in errors.
  static SqlFile parse(std::string text, std::string origin);

  [[nodiscard]] const std::string& origin() const { return origin_; }
  [[nodiscard]] const std::vector<UniqueKey>& unique_keys() const { return unique_keys_; }
  /// Names of the declared parameters, in their order.
  [[nodiscard]] std::vector<std::string> parameters() const;
  /// The text with each {{name}} replaced by a literal. Given values of other names are left aside, so that one set serves many
  /// queries. Throws invalid_argument for a value of the wrong kind and for a parameter without a value.
  [[nodiscard]] std::string render(const Parameters& values) const;

 private:
  struct Declared {
    std::string name;
    ParameterKind kind = ParameterKind::kText;
    bool has_fallback = false;
    std::string fallback;
  };
  [[nodiscard]] std::string literal(const Declared& declared, const Parameters& values) const;
  void parse_header_line(std::string_view line, std::size_t line_number);

  std::string origin_;
  std::string text_;
  std::vector<Declared> declared_;
  std::vector<UniqueKey> unique_keys_;
};

/// Names of all built-in queries, sorted.
std::vector<std::string> built_in_queries();

}  // namespace lodestone::table
