#include "tests/support/mariadb.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <thread>
#include <vector>

#include "base/error.hpp"

namespace lodestone::test {
namespace {

constexpr std::array kFolders = {"/usr/sbin", "/usr/bin", "/usr/local/sbin", "/usr/local/bin", "/opt/mariadb/bin"};

std::string program(const std::string& name) {
  for (const char* folder : kFolders) {
    if (fs::path path = fs::path(folder) / name; fs::exists(path)) return path;
  }
  fail(ErrorCode::kUnavailable,
       "{} is not installed, and the tests of the mysql source need a real server; run ./run setup --test", name);
}

enum class Lifetime { kOurs, kItsOwn };

/// Starts a program with its output in `log`. One that lives as long as we do ends with this process, however that ends.
pid_t spawn(const std::vector<std::string>& command, const fs::path& log, Lifetime lifetime) {
  std::vector<char*> arguments;
  for (const std::string& argument : command) arguments.push_back(const_cast<char*>(argument.c_str()));
  arguments.push_back(nullptr);
  const pid_t child = ::fork();
  if (child < 0) fail(ErrorCode::kUnavailable, "{} cannot be started", command[0]);
  if (child > 0) return child;
  if (lifetime == Lifetime::kOurs) ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  const int null = ::open("/dev/null", O_RDONLY);
  const int out = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644);
  ::dup2(null, 0);
  ::dup2(out, 1);
  ::dup2(out, 2);
  ::execv(arguments[0], arguments.data());
  ::_exit(127);
}

std::uint16_t free_port() {
  const int probe = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  const bool bound = ::bind(probe, reinterpret_cast<sockaddr*>(&address), size) == 0 &&
                     ::getsockname(probe, reinterpret_cast<sockaddr*>(&address), &size) == 0;
  ::close(probe);
  if (!bound) fail(ErrorCode::kUnavailable, "no free port on loopback");
  return ntohs(address.sin_port);
}

bool is_kept() {
  const char* keep = std::getenv("LODESTONE_KEEP_TEST_DB");
  return keep != nullptr && std::string_view(keep) == "1";
}

std::string tail(const fs::path& log) {
  const std::string text = read_file(log);
  return text.size() > 2000 ? text.substr(text.size() - 2000) : text;
}

}  // namespace

MariaDb::MariaDb(std::vector<std::string> options) : options_(std::move(options)) {
  // Short, because the path of a socket is limited to 107 bytes.
  std::string pattern = (fs::temp_directory_path() / "lodestone-db.XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr) fail(ErrorCode::kUnavailable, "{}: no folder can be made there", pattern);
  folder_ = pattern;
  socket_ = folder_ / "socket";
  install();
  start();
  wait_until_ready();
}

MariaDb::~MariaDb() {
  root_.reset();
  if (is_kept()) {
    std::fprintf(stderr, "kept: process %d, %s\n", static_cast<int>(server_), socket_url("mysql").c_str());
    return;
  }
  stop();
  std::error_code ignored;
  fs::remove_all(folder_, ignored);
}

void MariaDb::install() const {
  std::vector<std::string> command = {program("mariadb-install-db"),
                                      "--no-defaults",
                                      "--datadir=" + (folder_ / "data").string(),
                                      "--skip-test-db",
                                      "--auth-root-authentication-method=normal",
                                      "--tmpdir=" + folder_.string()};
  if (::geteuid() == 0) command.emplace_back("--user=root");
  const pid_t child = spawn(command, folder_ / "install.log", Lifetime::kOurs);
  int status = 0;
  ::waitpid(child, &status, 0);
  if (status != 0) fail(ErrorCode::kUnavailable, "mariadb-install-db failed: {}", tail(folder_ / "install.log"));
}

void MariaDb::start() {
  if (port_ == 0) port_ = free_port();
  std::vector<std::string> command = {program("mariadbd"),
                                      "--no-defaults",
                                      "--datadir=" + (folder_ / "data").string(),
                                      "--tmpdir=" + folder_.string(),
                                      "--socket=" + socket_.string(),
                                      fmt::format("--port={}", port_),
                                      "--bind-address=127.0.0.1",
                                      "--skip-name-resolve",
                                      "--pid-file=" + (folder_ / "pid").string(),
                                      "--innodb-buffer-pool-size=128M",
                                      "--innodb-log-file-size=96M",
                                      "--innodb-flush-log-at-trx-commit=0",
                                      "--innodb-doublewrite=0",
                                      "--innodb-flush-method=nosync",
                                      "--performance-schema=OFF",
                                      "--character-set-server=utf8mb4",
                                      "--sql-mode=STRICT_TRANS_TABLES"};
  command.insert(command.end(), options_.begin(), options_.end());
  if (::geteuid() == 0) command.emplace_back("--user=root");
  server_ = spawn(command, folder_ / "server.log", is_kept() ? Lifetime::kItsOwn : Lifetime::kOurs);
}

void MariaDb::wait_until_ready() {
  // The socket appears a moment before the server listens on it; until then a connection is refused.
  for (int attempt = 0; attempt < 1200; ++attempt) {
    int status = 0;
    if (::waitpid(server_, &status, WNOHANG) == server_) {
      server_ = -1;
      fail(ErrorCode::kUnavailable, "mariadbd ended before it was ready: {}", tail(folder_ / "server.log"));
    }
    if (fs::exists(socket_)) {
      try {
        root();
        return;
      } catch (const Error&) {
        // not yet
      }
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  fail(ErrorCode::kTimeout, "mariadbd is not ready after 60 s: {}", tail(folder_ / "server.log"));
}

void MariaDb::stop() {
  if (server_ <= 0) return;
  ::kill(server_, SIGTERM);
  for (int attempt = 0; attempt < 600; ++attempt) {
    if (::waitpid(server_, nullptr, WNOHANG) == server_) {
      server_ = -1;
      return;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  kill();
}

void MariaDb::kill() {
  if (server_ <= 0) return;
  root_.reset();
  ::kill(server_, SIGKILL);
  ::waitpid(server_, nullptr, 0);
  server_ = -1;
}

void MariaDb::restart() {
  root_.reset();
  stop();
  start();
  wait_until_ready();
}

std::string MariaDb::socket_url(const std::string& database) const {
  return fmt::format("mysql://root@/{}?socket={}", database, socket_.string());
}

std::string MariaDb::url(const std::string& database, const std::string& user) const {
  return fmt::format("mysql://{}@127.0.0.1:{}/{}", user, port_, database);
}

sources::Connection& MariaDb::root() {
  if (!root_)
    root_ =
        std::make_unique<sources::Connection>(sources::ConnectionOptions{.url = sources::parse_mysql_url(socket_url("mysql"))});
  return *root_;
}

void MariaDb::execute(const std::string& sql) { root().execute(sql, {"run a statement of the test", "", 0}); }

std::string MariaDb::value(const std::string& sql) {
  const auto rows = root().query(sql, {"run a query of the test", "", 0});
  return rows.empty() ? "" : rows[0][0].value_or("");
}

MariaDb& shared_mariadb() {
  static MariaDb server;
  return server;
}

}  // namespace lodestone::test
