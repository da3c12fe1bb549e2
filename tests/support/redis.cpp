#include "tests/support/redis.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <thread>

#include "base/error.hpp"

namespace lodestone::test {
namespace {

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  return address;
}

}  // namespace

std::uint16_t free_port() {
  const int probe = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address = loopback(0);
  socklen_t size = sizeof address;
  ::bind(probe, reinterpret_cast<sockaddr*>(&address), size);
  ::getsockname(probe, reinterpret_cast<sockaddr*>(&address), &size);
  ::close(probe);
  return ntohs(address.sin_port);
}

Redis::Redis(std::vector<std::string> options) : options_(std::move(options)), port_(free_port()) { start(); }

Redis::~Redis() {
  if (server_ > 0) kill();
}

cache::RedisUrl Redis::url(int database) const {
  cache::RedisUrl out;
  out.host = "127.0.0.1";
  out.port = port_;
  out.database = database;
  return out;
}

void Redis::start() {
  std::vector<std::string> words = {
      "redis-server", "--port", std::to_string(port_), "--bind", "127.0.0.1",  "--save",  "",          "--appendonly", "no",
      "--dir",        "/tmp",   "--daemonize",         "no",     "--loglevel", "warning", "--logfile", "/dev/null"};
  words.insert(words.end(), options_.begin(), options_.end());
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  server_ = ::fork();
  if (server_ == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // a test that ends badly leaves none behind
    ::execvp(arguments[0], arguments.data());
    ::_exit(127);
  }
  for (int i = 0; i < 1'000; ++i) {
    int status = 0;
    if (::waitpid(server_, &status, WNOHANG) == server_) {
      server_ = -1;
      fail(ErrorCode::kUnavailable, "redis-server ended with status {}; ./run setup --test installs one", status);
    }
    if (command({"PING"}).kind != cache::RespValue::Kind::kNull) return;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  fail(ErrorCode::kUnavailable, "redis-server does not answer on port {} after 20 s", port_);
}

cache::RespValue Redis::command(const std::vector<std::string>& parts) const {
  std::string text = "*" + std::to_string(parts.size()) + "\r\n";
  for (const std::string& part : parts) text += "$" + std::to_string(part.size()) + "\r\n" + part + "\r\n";
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in address = loopback(port_);
  cache::RespParser parser;
  cache::RespValue out;
  if (::connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 &&
      ::send(socket, text.data(), text.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(text.size())) {
    char bytes[4096];
    for (ssize_t n = 0; (n = ::recv(socket, bytes, sizeof bytes, 0)) > 0;) {
      const auto fed = parser.feed({bytes, static_cast<std::size_t>(n)});
      if (fed.state == cache::RespParser::State::kNeedMore) continue;
      if (fed.state == cache::RespParser::State::kValue) out = parser.take();
      break;
    }
  }
  ::close(socket);
  return out;
}

void Redis::kill() {
  ::kill(server_, SIGKILL);
  ::waitpid(server_, nullptr, 0);
  server_ = -1;
}

void Redis::pause() const { ::kill(server_, SIGSTOP); }
void Redis::resume() const { ::kill(server_, SIGCONT); }

}  // namespace lodestone::test
