#include "tests/support/http_client.hpp"

#include <arpa/inet.h>
#include <fmt/core.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>
#include <cctype>
#include <cerrno>
#include <stdexcept>

namespace lodestone::test {

namespace {

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return result;
}

HttpAnswer parse_head(std::string_view head) {
  HttpAnswer answer;
  answer.status = std::stoi(std::string(head.substr(9, 3)));
  std::size_t at = head.find("\r\n") + 2;
  while (at < head.size()) {
    const std::size_t end = head.find("\r\n", at);
    const std::string_view line = head.substr(at, end - at);
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) throw std::runtime_error("header line without a colon");
    const std::size_t value = line.find_first_not_of(' ', colon + 1);
    answer.headers[lower(line.substr(0, colon))] = value == std::string_view::npos ? "" : std::string(line.substr(value));
    at = end + 2;
  }
  return answer;
}

}  // namespace

std::string HttpAnswer::header(const std::string& lower_case_name) const {
  const auto found = headers.find(lower_case_name);
  return found == headers.end() ? std::string() : found->second;
}

HttpConnection::HttpConnection(std::uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  const timeval patience{60, 0};
  setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  setsockopt(socket_, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (TEMP_FAILURE_RETRY(connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address)) != 0) {
    close(socket_);
    throw std::runtime_error(fmt::format("cannot connect to port {}", port));
  }
}

HttpConnection::~HttpConnection() { close(socket_); }

bool HttpConnection::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = TEMP_FAILURE_RETRY(::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL));
    if (n <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

void HttpConnection::finish_sending() { shutdown(socket_, SHUT_WR); }

bool HttpConnection::fill() {
  std::array<char, 65536> bytes{};
  const ssize_t n = TEMP_FAILURE_RETRY(recv(socket_, bytes.data(), bytes.size(), 0));
  if (n < 0 && errno == EAGAIN) throw std::runtime_error("no answer within 60 s");
  if (n <= 0) return false;
  input_.append(bytes.data(), static_cast<std::size_t>(n));
  return true;
}

std::optional<HttpAnswer> HttpConnection::read(Body body) {
  std::size_t end = 0;
  while ((end = input_.find("\r\n\r\n")) == std::string::npos) {
    if (!fill()) return std::nullopt;
  }
  HttpAnswer answer = parse_head(std::string_view(input_).substr(0, end + 2));
  input_.erase(0, end + 4);
  const std::string length = answer.header("content-length");
  const std::size_t n = body == Body::kNone || length.empty() ? 0 : std::stoul(length);
  while (input_.size() < n) {
    if (!fill()) return std::nullopt;
  }
  answer.body = input_.substr(0, n);
  input_.erase(0, n);
  return answer;
}

bool HttpConnection::is_closed_by_peer() { return input_.empty() && !fill(); }

HttpAnswer HttpConnection::request(std::string_view method, std::string_view target, std::string_view headers,
                                   std::string_view body) {
  std::string text = fmt::format("{} {} HTTP/1.1\r\nHost: localhost\r\n{}", method, target, headers);
  if (!body.empty()) text += fmt::format("Content-Length: {}\r\n", body.size());
  text.append("\r\n").append(body);
  send(text);
  auto answer = read(method == "HEAD" ? Body::kNone : Body::kFollows);
  if (!answer) throw std::runtime_error(fmt::format("{} {}: the connection closed without an answer", method, target));
  return *std::move(answer);
}

HttpAnswer http_get(std::uint16_t port, std::string_view target, std::string_view headers) {
  return HttpConnection(port).get(target, headers);
}

std::string percent_encode(std::string_view text) {
  std::string result;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte) != 0 || c == '-' || c == '.' || c == '_' || c == '~') {
      result += c;
    } else {
      result += fmt::format("%{:02X}", byte);
    }
  }
  return result;
}

}  // namespace lodestone::test
