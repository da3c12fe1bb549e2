#include "sources/binlog/statement.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <string>

namespace lodestone::sources {
namespace {

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
bool is_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '$' || (c & 0x80) != 0; }
char lower(char c) { return static_cast<char>(std::tolower(static_cast<unsigned char>(c))); }

void skip_blanks(std::string_view& sql) {
  while (!sql.empty()) {
    if (is_blank(sql.front())) {
      sql.remove_prefix(1);
    } else if (sql.starts_with("*/")) {
      sql.remove_prefix(2);
    } else if (sql.starts_with("/*!") || sql.starts_with("/*M!")) {
      // What stands in such a comment is executed; a version may stand in front.
      sql.remove_prefix(std::min(sql.find_first_not_of("0123456789", sql.find('!') + 1), sql.size()));
    } else if (sql.starts_with("/*")) {
      const std::size_t end = sql.find("*/", 2);
      sql.remove_prefix(end == std::string_view::npos ? sql.size() : end + 2);
    } else if (sql.starts_with("--") || sql.starts_with("#")) {
      sql.remove_prefix(std::min(sql.find('\n'), sql.size()));
    } else {
      return;
    }
  }
}

/// The next word in lower case.
std::string take_word(std::string_view& sql) {
  skip_blanks(sql);
  std::string word;
  while (!sql.empty() && is_word(sql.front())) {
    word += lower(sql.front());
    sql.remove_prefix(1);
  }
  return word;
}

constexpr std::array<std::string_view, 8> kChanges = {"insert", "update", "delete", "replace", "load", "with", "call", "do"};
constexpr std::array<std::string_view, 5> kDefinitions = {"create", "alter", "drop", "rename", "truncate"};

template <typename Range>
bool contains(const Range& range, std::string_view word) {
  return std::find(range.begin(), range.end(), word) != range.end();
}

}  // namespace

Statement statement_kind(std::string_view sql) {
  const std::string first = take_word(sql);
  if (first == "begin") return Statement::kBegin;
  if (first == "start") return take_word(sql) == "transaction" ? Statement::kBegin : Statement::kOther;
  if (first == "commit") return Statement::kCommit;
  if (first == "savepoint" || first == "release") return Statement::kSavepoint;
  if (first == "xa") return Statement::kXa;
  if (first == "rollback") return take_word(sql) == "to" ? Statement::kRollbackTo : Statement::kRollback;
  if (contains(kChanges, first)) return Statement::kChange;
  if (!contains(kDefinitions, first)) return Statement::kOther;
  std::string object = take_word(sql);
  while (object == "or" || object == "replace") object = take_word(sql);
  return object == "user" || object == "role" || object == "server" ? Statement::kOther : Statement::kDefinition;
}

bool names_table(std::string_view sql, std::string_view name) {
  const auto same = [](char a, char b) { return lower(a) == lower(b); };
  for (auto at = sql.begin(); (at = std::search(at, sql.end(), name.begin(), name.end(), same)) != sql.end(); ++at) {
    const auto end = at + static_cast<std::ptrdiff_t>(name.size());
    if ((at == sql.begin() || !is_word(*(at - 1))) && (end == sql.end() || !is_word(*end))) return true;
  }
  return false;
}

}  // namespace lodestone::sources
