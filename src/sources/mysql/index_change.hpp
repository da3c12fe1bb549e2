#pragma once
// Makes and drops the indexes of a plan while the shop goes on writing: online where the server can, else only with leave to
// lock.

#include <chrono>
#include <string>

#include "sources/mysql/index_plan.hpp"

namespace lodestone::sources {

enum class Locking {
  kRefuse,  ///< give up with a sentence when the server cannot do it online
  kAllow,   ///< then hold off writes to the table instead
};

enum class ChangeResult {
  kOnline,   ///< writes went on
  kLocking,  ///< writes to the table had to wait
  kThere,    ///< somebody else did it meanwhile
};

/// CREATE INDEX and DROP INDEX rather than ALTER TABLE, which do the same but do not need the right to change columns.
std::string create_statement(const PlannedIndex& index, Locking locking = Locking::kRefuse);
std::string drop_statement(const PlannedIndex& index);

/// How long the session waits for a table that a transaction holds: while a change waits for it, everybody else waits behind the
/// change.
void limit_lock_waits(Connection& connection, std::chrono::seconds longest = std::chrono::seconds(30));

/// Throws unavailable: no right (names the GRANT), a server that only reads, a table that is held by a transaction, or one that
/// can only be changed by locking it when that is not allowed (says what would wait).
ChangeResult create_index(Connection& connection, const PlannedIndex& index, Locking locking);
/// Likewise.
ChangeResult drop_index(Connection& connection, const PlannedIndex& index, Locking locking);

}  // namespace lodestone::sources
