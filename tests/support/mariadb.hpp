#pragma once
// A private MariaDB server for tests: its own data folder, a socket and a free port of loopback, gone with the object.

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/file.hpp"
#include "sources/mysql/connection.hpp"

namespace lodestone::test {

/// Installs and starts a server (about two seconds) and waits until it answers. The account root needs no password. With
/// LODESTONE_KEEP_TEST_DB=1 the server and its data outlive the object, and their place is printed. Throws unavailable with what to install
/// when there is no MariaDB server on this machine.
class MariaDb {
 public:
  /// `options` are added to the server's command line ("--log-bin=bin").
  explicit MariaDb(std::vector<std::string> options = {});
  ~MariaDb();
  MariaDb(const MariaDb&) = delete;
  MariaDb& operator=(const MariaDb&) = delete;

  [[nodiscard]] std::uint16_t port() const { return port_; }
  [[nodiscard]] const fs::path& socket() const { return socket_; }
  /// "mysql://root@/DATABASE?socket=..." and "mysql://USER@127.0.0.1:PORT/DATABASE".
  [[nodiscard]] std::string socket_url(const std::string& database) const;
  [[nodiscard]] std::string url(const std::string& database, const std::string& user = "root") const;
  /// Runs one statement as root, outside any database.
  void execute(const std::string& sql);
  /// First value of the first row, "" for null.
  std::string value(const std::string& sql);
  /// Ends the server as a crash would (SIGKILL).
  void kill();
  /// Ends it in order and starts it again, at the same socket and port.
  void restart();

 private:
  void install() const;
  void start();
  void wait_until_ready();
  void stop();
  sources::Connection& root();

  std::vector<std::string> options_;
  fs::path folder_;
  fs::path socket_;
  std::uint16_t port_ = 0;
  pid_t server_ = -1;
  std::unique_ptr<sources::Connection> root_;
};

/// One server for all tests of a binary, started when it is first asked for and stopped at the end. Each suite uses databases and accounts
/// of its own.
MariaDb& shared_mariadb();

}  // namespace lodestone::test
