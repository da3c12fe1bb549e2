#pragma once
// One connection to a MySQL or MariaDB server, over MariaDB's Connector/C. What goes wrong comes out as a sentence with its way out.

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sources/mysql/mysql_url.hpp"

struct st_mysql;  // the client library's

namespace lodestone::sources {

struct ConnectionOptions {
  MysqlUrl url;
  std::string password = {};                 ///< from an environment variable or a file; never printed
  std::chrono::seconds connect_timeout{10};  ///< larger waits longer for a slow network, and for a dead one
  std::chrono::seconds read_timeout{300};    ///< how long the server may keep silent before it counts as gone
  /// Offset in which the server shows columns of type TIMESTAMP. DATETIME columns have none and are read as they are; give the offset of
  /// the source's naive times ("+08:00"), so that both mean the same.
  std::string time_zone = "+00:00";
};

/// What a statement is for, in case it fails.
struct Purpose {
  std::string what = {};         ///< "read table order_tab", as in "cannot read table order_tab"
  std::string table = {};        ///< the table it needs rights for, "" for none
  std::uint64_t n_rows = 0;      ///< rows of it that have come so far
  std::string right = "SELECT";  ///< the right it needs, for the GRANT that a sentence names
};

/// What a server said when it did not do a statement.
struct Refusal {
  unsigned number = 0;  ///< its error number
  std::string message;
};

/// utf8mb4, no automatic reconnect, finite timeouts. One thread at a time.
class Connection {
 public:
  /// Whether the session stands in the database of the URL from the start.
  enum class Select { kDatabase, kNone };

  /// Throws unavailable: no server there, wrong password, no right to enter; not_found: no such database.
  explicit Connection(ConnectionOptions options, Select select = Select::kDatabase);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  using Row = std::vector<std::optional<std::string>>;

  /// Runs a statement whose rows do not matter.
  void execute(const std::string& sql, const Purpose& purpose);
  /// The same, for a statement that the server may well refuse: nothing when it was done. Throws when the server is gone.
  std::optional<Refusal> try_execute(const std::string& sql, const Purpose& purpose);
  /// All rows as text; for small results.
  std::vector<Row> query(const std::string& sql, const Purpose& purpose);
  /// False when the server does not answer.
  bool ping();

  [[nodiscard]] const ConnectionOptions& options() const { return options_; }
  /// The server's number of this connection, for KILL and PROCESSLIST.
  [[nodiscard]] std::uint64_t id() const;
  /// "10.11.19-MariaDB".
  [[nodiscard]] std::string server_version() const;
  /// 'user'@'host' as GRANT wants it.
  [[nodiscard]] std::string account();

  /// The library's handle, for the other files of this folder.
  [[nodiscard]] st_mysql* handle() { return handle_.get(); }
  /// Throws the sentence for the library's error `number` with `message`; `waited` is how long the server had been silent.
  [[noreturn]] void fail_statement(unsigned number, std::string_view message, const Purpose& purpose,
                                   std::chrono::seconds waited);
  /// Cuts the line without reading what is still to come. Nothing works afterwards.
  void abandon();
  [[nodiscard]] bool abandoned() const { return abandoned_; }
  /// Whether somebody else may use it next: the line is up as far as this side knows, no result is under way, no transaction is
  /// open.
  [[nodiscard]] bool is_clean() const;
  /// Ends a transaction, if one is open, without keeping anything. What goes wrong shows in is_clean().
  void roll_back() noexcept;

 private:
  void set_up_session();
  void check_not_abandoned(const Purpose& purpose) const;

  ConnectionOptions options_;
  std::unique_ptr<st_mysql, void (*)(st_mysql*)> handle_;
  bool abandoned_ = false;
};

/// `name` in backticks.
std::string quoted_name(std::string_view name);
/// 'text' as a literal of the standard SQL mode.
std::string quoted_text(std::string_view text);

}  // namespace lodestone::sources
