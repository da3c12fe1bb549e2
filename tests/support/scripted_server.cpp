#include "tests/support/scripted_server.hpp"

#include <arpa/inet.h>
#include <fmt/core.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <list>
#include <stdexcept>
#include <vector>

namespace lodestone::test {
namespace {

using Steady = std::chrono::steady_clock;

struct Saying {
  Steady::time_point at;
  std::string text;
  bool closes = false;
};

struct Peer {
  int socket = -1;
  std::string input;
  std::list<Saying> sayings;
  bool is_gone = false;
};

}  // namespace

ScriptedServer::ScriptedServer(Script script)
    : script_(std::move(script)), listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 || ::listen(listener_, 512) != 0 ||
      ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0)
    throw std::runtime_error("no port for a scripted server");
  port_ = ntohs(address.sin_port);
  thread_ = std::thread([this] { run(); });
}

ScriptedServer::~ScriptedServer() {
  is_stopping_.store(true);
  thread_.join();
  ::close(listener_);
}

void ScriptedServer::run() {
  std::list<Peer> peers;
  std::vector<pollfd> polled;
  while (!is_stopping_.load()) {
    polled.assign(1, {listener_, POLLIN, 0});
    for (const Peer& peer : peers) polled.push_back({peer.socket, POLLIN, 0});
    ::poll(polled.data(), polled.size(), 1);
    if ((polled[0].revents & POLLIN) != 0) {
      ++n_connections_;
      peers.push_back({::accept(listener_, nullptr, nullptr), {}, {}, false});
    }
    std::size_t p = 1;
    for (Peer& peer : peers) {
      if (p < polled.size() && (polled[p++].revents & (POLLIN | POLLHUP)) != 0) {
        char bytes[4096];
        const ssize_t n = ::recv(peer.socket, bytes, sizeof bytes, MSG_DONTWAIT);
        peer.is_gone = n == 0;
        if (n > 0) peer.input.append(bytes, static_cast<std::size_t>(n));
        while (!peer.input.empty()) {
          Act act = script_(peer.input);
          if (act.consumed == 0) break;
          ++n_requests_;
          peer.input.erase(0, act.consumed);
          peer.sayings.push_back({Steady::now() + act.after, std::move(act.answer), act.closes});
        }
      }
      while (!peer.is_gone && !peer.sayings.empty() && peer.sayings.front().at <= Steady::now()) {
        const Saying& saying = peer.sayings.front();
        static_cast<void>(::send(peer.socket, saying.text.data(), saying.text.size(), MSG_NOSIGNAL));
        peer.is_gone = saying.closes;
        peer.sayings.pop_front();
      }
      if (peer.is_gone) ::close(peer.socket);
    }
    peers.remove_if([](const Peer& peer) { return peer.is_gone; });
  }
  for (const Peer& peer : peers) ::close(peer.socket);
}

ScriptedServer::Act ScriptedServer::answer_http(std::string_view bytes, int status, std::string_view body,
                                                std::chrono::milliseconds after) {
  const std::size_t end = bytes.find("\r\n\r\n");
  if (end == std::string_view::npos) return {};
  return {
      end + 4,
      fmt::format("HTTP/1.1 {} X\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{}", status, body.size(), body),
      after, false};
}

std::string ScriptedServer::http_target(std::string_view bytes) {
  if (bytes.find("\r\n\r\n") == std::string_view::npos) return "";
  const std::size_t begin = bytes.find(' ') + 1;
  return std::string(bytes.substr(begin, bytes.find(' ', begin) - begin));
}

}  // namespace lodestone::test
