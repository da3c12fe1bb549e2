#include "sources/mysql/connection.hpp"

#include <errmsg.h>
#include <fmt/format.h>
#include <mysql.h>
#include <mysqld_error.h>
#include <sys/socket.h>

#include <memory>
#include <mutex>

#include "base/error.hpp"

namespace lodestone::sources {
namespace {

using std::chrono::seconds;
using std::chrono::steady_clock;

// MariaDB's numbers that the header lacks.
constexpr unsigned kConnectionKilled = 1927;

std::string way_to_password(const ConnectionOptions& options) {
  if (options.password.empty()) return "no password was given; give it by an environment variable or a password file";
  return "check the user name and the password that the environment variable or the password file gives";
}

/// The databases that this account may see, for the sentence about one it may not.
std::string visible_databases(const ConnectionOptions& options) {
  Connection connection(options, Connection::Select::kNone);
  std::string names;
  for (const auto& row : connection.query("SHOW DATABASES", {"list databases", "", 0})) {
    if (row[0] && *row[0] != "information_schema") names += (names.empty() ? "" : ", ") + *row[0];
  }
  return names.empty() ? "none" : names;
}

[[noreturn]] void fail_connect(unsigned number, std::string_view message, const ConnectionOptions& options) {
  const MysqlUrl& url = options.url;
  const std::string address = format_mysql_url(url);
  switch (number) {
    case ER_ACCESS_DENIED_ERROR:
      fail(ErrorCode::kUnavailable, "{}: the server refuses user \"{}\" at {} (access denied); {}", address, url.user,
           url.host.empty() ? url.socket : url.host, way_to_password(options));
    case ER_DBACCESS_DENIED_ERROR:
      fail(ErrorCode::kUnavailable,
           "{}: user \"{}\" may not use database \"{}\"; an administrator must run GRANT SELECT ON {}.* TO its account", address,
           url.user, url.database, quoted_name(url.database));
    case ER_BAD_DB_ERROR:
      fail(ErrorCode::kNotFound, "{}: the server has no database \"{}\"; this account sees: {}", address, url.database,
           visible_databases(options));
    case ER_HOST_NOT_PRIVILEGED:
    case ER_HOST_IS_BLOCKED:
      fail(ErrorCode::kUnavailable, "{}: the server does not let this machine in ({}); an administrator must allow it", address,
           message);
    case ER_CON_COUNT_ERROR:
    case ER_TOO_MANY_USER_CONNECTIONS:
    case ER_USER_LIMIT_REACHED:
      fail(ErrorCode::kUnavailable,
           "{}: the server has no room for another connection ({}); lower source.pool_size and source.pool_max_overflow, or an "
           "administrator must raise the limit",
           address, message);
    case CR_UNKNOWN_HOST: fail(ErrorCode::kUnavailable, "{}: there is no host \"{}\"; correct the name", address, url.host);
    case CR_CONNECTION_ERROR:
    case CR_CONN_HOST_ERROR: {
      // The library's own text names the system's error of the moment before, not of the failure.
      const std::string place = url.socket.empty() ? fmt::format("{}:{}", url.host, url.port) : url.socket;
      fail(ErrorCode::kUnavailable, "{}: no server answers at {}; start it, or correct host, port or socket", address, place);
    }
    default: fail(ErrorCode::kUnavailable, "{}: the connection failed ({}, error {})", address, message, number);
  }
}

/// The library sets itself up at the first handle, and not safely when two threads ask at once.
MYSQL* new_handle() {
  static std::once_flag once;
  std::call_once(once, [] { mysql_library_init(0, nullptr, nullptr); });
  return mysql_init(nullptr);
}

bool is_gone(unsigned number) {
  return number == CR_SERVER_GONE_ERROR || number == CR_SERVER_LOST || number == CR_MALFORMED_PACKET ||
         number == kConnectionKilled || number == ER_SERVER_SHUTDOWN || number == ER_QUERY_INTERRUPTED;
}

}  // namespace

std::string quoted_name(std::string_view name) {
  std::string out = "`";
  for (const char c : name) {
    if (c == '`') out.push_back('`');
    out.push_back(c);
  }
  return out + "`";
}

std::string quoted_text(std::string_view text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'' || c == '\\') out.push_back('\\');
    out.push_back(c);
  }
  return out + "'";
}

Connection::Connection(ConnectionOptions options, Select select)
    : options_(std::move(options)), handle_(new_handle(), mysql_close) {
  LODESTONE_ASSERT(handle_ != nullptr, "mysql_init");
  const MysqlUrl& url = options_.url;
  const auto connect_seconds = static_cast<unsigned>(options_.connect_timeout.count());
  const auto read_seconds = static_cast<unsigned>(options_.read_timeout.count());
  mysql_options(handle_.get(), MYSQL_OPT_CONNECT_TIMEOUT, &connect_seconds);
  mysql_options(handle_.get(), MYSQL_OPT_READ_TIMEOUT, &read_seconds);
  mysql_options(handle_.get(), MYSQL_OPT_WRITE_TIMEOUT, &read_seconds);
  mysql_options(handle_.get(), MYSQL_SET_CHARSET_NAME, "utf8mb4");
  // The library would take "localhost" for the default socket whatever the port.
  const unsigned protocol = url.socket.empty() ? MYSQL_PROTOCOL_TCP : MYSQL_PROTOCOL_SOCKET;
  mysql_options(handle_.get(), MYSQL_OPT_PROTOCOL, &protocol);
  const char* socket = url.socket.empty() ? nullptr : url.socket.c_str();
  const char* database = select == Select::kDatabase ? url.database.c_str() : nullptr;
  if (mysql_real_connect(handle_.get(), url.host.empty() ? nullptr : url.host.c_str(), url.user.c_str(),
                         options_.password.c_str(), database, url.port, socket, 0) == nullptr) {
    const std::string message = mysql_error(handle_.get());
    fail_connect(mysql_errno(handle_.get()), message, options_);
  }
  set_up_session();
}

Connection::~Connection() = default;

void Connection::set_up_session() {
  // The long timeouts are for us: the server must not hang up while what it sent is being written to disk.
  const Purpose purpose{"set up the session", "", 0};
  execute(fmt::format("SET SESSION time_zone = {}, SESSION net_write_timeout = 3600, SESSION net_read_timeout = 3600",
                      quoted_text(options_.time_zone)),
          purpose);
  // A consistent snapshot exists at this level only.
  execute("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ", purpose);
}

void Connection::check_not_abandoned(const Purpose& purpose) const {
  if (!abandoned_) return;
  fail(ErrorCode::kUnavailable, "{}: cannot {}: the reading of an earlier table was broken off; open the source anew",
       format_mysql_url(options_.url), purpose.what);
}

void Connection::execute(const std::string& sql, const Purpose& purpose) { query(sql, purpose); }

std::optional<Refusal> Connection::try_execute(const std::string& sql, const Purpose& purpose) {
  check_not_abandoned(purpose);
  if (mysql_real_query(handle_.get(), sql.data(), sql.size()) == 0) {
    mysql_free_result(mysql_store_result(handle_.get()));
    return std::nullopt;
  }
  Refusal refusal{mysql_errno(handle_.get()), mysql_error(handle_.get())};
  if (is_gone(refusal.number)) fail_statement(refusal.number, refusal.message, purpose, seconds(0));
  return refusal;
}

std::vector<Connection::Row> Connection::query(const std::string& sql, const Purpose& purpose) {
  check_not_abandoned(purpose);
  const auto start = steady_clock::now();
  const auto raise = [&] {
    const std::string message = mysql_error(handle_.get());
    fail_statement(mysql_errno(handle_.get()), message, purpose,
                   std::chrono::duration_cast<seconds>(steady_clock::now() - start));
  };
  if (mysql_real_query(handle_.get(), sql.data(), sql.size()) != 0) raise();
  const std::unique_ptr<MYSQL_RES, void (*)(MYSQL_RES*)> result(mysql_store_result(handle_.get()),
                                                                [](MYSQL_RES* r) { mysql_free_result(r); });
  std::vector<Row> rows;
  if (result == nullptr) {
    if (mysql_field_count(handle_.get()) != 0) raise();
    return rows;
  }
  const unsigned n_columns = mysql_num_fields(result.get());
  while (MYSQL_ROW row = mysql_fetch_row(result.get())) {
    const unsigned long* lengths = mysql_fetch_lengths(result.get());
    Row& out = rows.emplace_back();
    for (unsigned i = 0; i < n_columns; ++i) {
      out.push_back(row[i] == nullptr ? std::nullopt : std::optional<std::string>(std::in_place, row[i], lengths[i]));
    }
  }
  return rows;
}

bool Connection::ping() { return !abandoned_ && mysql_ping(handle_.get()) == 0; }

std::uint64_t Connection::id() const { return mysql_thread_id(handle_.get()); }

std::string Connection::server_version() const { return mysql_get_server_info(handle_.get()); }

bool Connection::is_clean() const {
  constexpr unsigned kOpenTransaction = SERVER_STATUS_IN_TRANS | SERVER_STATUS_IN_TRANS_READONLY;
  return !abandoned_ && handle_->net.pvio != nullptr && handle_->status == MYSQL_STATUS_READY &&
         (handle_->server_status & kOpenTransaction) == 0;
}

void Connection::roll_back() noexcept {
  if (!abandoned_ && handle_->status == MYSQL_STATUS_READY) mysql_rollback(handle_.get());
}

void Connection::abandon() {
  abandoned_ = true;
  // Closing resets the line. Without this a server that waits for room to send would go on waiting for a minute, its snapshot open:
  // the system answers for a reader that is gone until its own timeout (tcp_fin_timeout).
  const linger reset{1, 0};
  ::setsockopt(mysql_get_socket(handle_.get()), SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
  mariadb_cancel(handle_.get());
}

std::string Connection::account() {
  const auto rows = query("SELECT CURRENT_USER()", {"ask for the account", "", 0});
  const std::string name = rows.empty() || !rows[0][0] ? options_.url.user : *rows[0][0];
  const std::size_t at = name.rfind('@');
  if (at == std::string::npos) return quoted_text(name);
  return quoted_text(name.substr(0, at)) + "@" + quoted_text(name.substr(at + 1));
}

void Connection::fail_statement(unsigned number, std::string_view message, const Purpose& purpose, seconds waited) {
  const std::string address = format_mysql_url(options_.url);
  if (is_gone(number)) {
    const bool is_timeout = number == CR_SERVER_LOST && waited >= options_.read_timeout;
    const std::string why = is_timeout ? fmt::format("the server kept silent for {} s", options_.read_timeout.count())
                                       : fmt::format("the server closed the connection ({})", message);
    if (purpose.table.empty()) {
      fail(is_timeout ? ErrorCode::kTimeout : ErrorCode::kUnavailable, "{}: cannot {}: {}; run the command again when it is back",
           address, purpose.what, why);
    }
    fail(is_timeout ? ErrorCode::kTimeout : ErrorCode::kUnavailable,
         "{}: cannot {}: {} after {} rows of table {}; nothing of this reading is kept, run the command again", address,
         purpose.what, why, purpose.n_rows, purpose.table);
  }
  switch (number) {
    case ER_TABLEACCESS_DENIED_ERROR:
    case ER_COLUMNACCESS_DENIED_ERROR:
      fail(ErrorCode::kUnavailable,
           "{}: cannot {}: user \"{}\" lacks the right; an administrator must run GRANT {} ON {}.{} TO {};", address,
           purpose.what, options_.url.user, purpose.right, quoted_name(options_.url.database),
           purpose.table.empty() ? "*" : quoted_name(purpose.table), account());
    case ER_DBACCESS_DENIED_ERROR:
      fail(ErrorCode::kUnavailable,
           "{}: cannot {}: user \"{}\" lacks the right on database \"{}\" ({}); an administrator must grant it", address,
           purpose.what, options_.url.user, options_.url.database, message);
    case ER_NO_SUCH_TABLE: fail(ErrorCode::kNotFound, "{}: cannot {}: the database has no such table", address, purpose.what);
    case ER_BAD_FIELD_ERROR:
      fail(ErrorCode::kContract, "{}: cannot {}: {}; its columns changed or are others than expected", address, purpose.what,
           message);
    default: fail(ErrorCode::kUnavailable, "{}: cannot {}: {} (error {})", address, purpose.what, message, number);
  }
}

}  // namespace lodestone::sources
