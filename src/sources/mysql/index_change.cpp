#include "sources/mysql/index_change.hpp"

#include <fmt/format.h>
#include <mysql.h>
#include <mysqld_error.h>

#include "base/error.hpp"

namespace lodestone::sources {
namespace {

// MySQL's number that MariaDB's header lacks.
constexpr unsigned kReadOnlyMode = 1836;

std::string column_list(const std::vector<std::string>& columns) {
  std::string out;
  for (const std::string& column : columns) out += (out.empty() ? "" : ", ") + quoted_name(column);
  return out;
}

bool is_read_only(unsigned number) {
  return number == ER_OPTION_PREVENTS_STATEMENT || number == kReadOnlyMode || number == ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION;
}

bool is_not_online(unsigned number) {
  return number == ER_ALTER_OPERATION_NOT_SUPPORTED || number == ER_ALTER_OPERATION_NOT_SUPPORTED_REASON;
}

[[noreturn]] void fail_change(Connection& connection, const Refusal& refusal, const Purpose& purpose) {
  const std::string address = format_mysql_url(connection.options().url);
  if (is_read_only(refusal.number)) {
    fail(ErrorCode::kUnavailable,
         "{}: cannot {}: the server only reads ({}); give the address of the server that it copies from, whose changes come over",
         address, purpose.what, refusal.message);
  }
  if (refusal.number == ER_LOCK_WAIT_TIMEOUT) {
    fail(
        ErrorCode::kUnavailable,
        "{}: cannot {}: a transaction held table {} too long, and others would have waited behind this change; run it again when "
        "no long transaction is open",
        address, purpose.what, purpose.table);
  }
  connection.fail_statement(refusal.number, refusal.message, purpose, std::chrono::seconds(0));
}

[[noreturn]] void fail_not_online(Connection& connection, const PlannedIndex& index, std::string_view why,
                                  const Purpose& purpose) {
  fail(ErrorCode::kUnavailable,
       "{}: cannot {} while others write ({}); it would copy the table (about {} rows, {} MiB) and hold off every write to it "
       "until "
       "that is done; choose a calm hour and give --allow-lock",
       format_mysql_url(connection.options().url), purpose.what, why, index.facts.n_rows, index.facts.data_bytes >> 20U);
}

}  // namespace

std::string create_statement(const PlannedIndex& index, Locking locking) {
  return fmt::format("CREATE INDEX {} ON {} ({}) {}", quoted_name(index.name), quoted_name(index.table),
                     column_list(index.columns),
                     locking == Locking::kRefuse ? "ALGORITHM=INPLACE LOCK=NONE" : "ALGORITHM=COPY LOCK=SHARED");
}

std::string drop_statement(const PlannedIndex& index) {
  return fmt::format("DROP INDEX {} ON {}", quoted_name(index.name), quoted_name(index.table));
}

void limit_lock_waits(Connection& connection, std::chrono::seconds longest) {
  connection.execute(fmt::format("SET SESSION lock_wait_timeout = {}", longest.count()), {"set up the session", "", 0});
}

ChangeResult create_index(Connection& connection, const PlannedIndex& index, Locking locking) {
  const Purpose purpose{fmt::format("add index {} to table {}", index.name, index.table), index.table, 0, "INDEX"};
  ChangeResult result = ChangeResult::kOnline;
  std::optional<Refusal> refusal = connection.try_execute(create_statement(index), purpose);
  if (refusal && is_not_online(refusal->number)) {
    if (locking == Locking::kRefuse) fail_not_online(connection, index, refusal->message, purpose);
    result = ChangeResult::kLocking;
    refusal = connection.try_execute(create_statement(index, Locking::kAllow), purpose);
  }
  if (!refusal) return result;
  if (refusal->number == ER_DUP_KEYNAME) return ChangeResult::kThere;
  fail_change(connection, *refusal, purpose);
}

ChangeResult drop_index(Connection& connection, const PlannedIndex& index, Locking locking) {
  const Purpose purpose{fmt::format("drop index {} of table {}", index.name, index.table), index.table, 0, "INDEX"};
  // MariaDB's DROP INDEX cannot be told to be online; with InnoDB it always is.
  const bool is_online = index.facts.engine == "InnoDB";
  if (!is_online && locking == Locking::kRefuse)
    fail_not_online(connection, index, fmt::format("its engine is {}", index.facts.engine), purpose);
  const std::optional<Refusal> refusal = connection.try_execute(drop_statement(index), purpose);
  if (!refusal) return is_online ? ChangeResult::kOnline : ChangeResult::kLocking;
  if (refusal->number == ER_CANT_DROP_FIELD_OR_KEY) return ChangeResult::kThere;
  fail_change(connection, *refusal, purpose);
}

}  // namespace lodestone::sources
