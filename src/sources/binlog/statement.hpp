#pragma once
// What a statement in the binary log is, by its first words.

#include <cstdint>
#include <string_view>

namespace lodestone::sources {

enum class Statement : std::uint8_t {
  kBegin,
  kCommit,
  kRollback,
  kRollbackTo,  ///< a savepoint
  kSavepoint,   ///< set or released
  kXa,
  kChange,      ///< INSERT, UPDATE and what else changes rows, logged as a statement
  kDefinition,  ///< CREATE, ALTER, DROP, RENAME, TRUNCATE of what is no account
  kOther        ///< accounts and rights, whose statements may hold secrets, and the like
};

/// Comments and blanks in front do not count.
Statement statement_kind(std::string_view sql);

/// Whether `sql` holds the name as a word, in any case.
bool names_table(std::string_view sql, std::string_view name);

}  // namespace lodestone::sources
