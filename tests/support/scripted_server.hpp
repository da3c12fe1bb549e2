#pragma once
// A server on loopback that says what a test tells it to: another Redis, a remote channel, or something that is neither.

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <thread>

namespace lodestone::test {

class ScriptedServer {
 public:
  /// What it does once it has read something.
  struct Act {
    std::size_t consumed = 0;  ///< of the bytes; 0 = wait for more
    std::string answer;
    std::chrono::milliseconds after{0};  ///< the answer is sent so much later
    bool closes = false;                 ///< after the answer
  };
  /// Gets the bytes of a connection that are not consumed yet. On the server's thread.
  using Script = std::function<Act(std::string_view bytes)>;

  explicit ScriptedServer(Script script);
  ~ScriptedServer();
  ScriptedServer(const ScriptedServer&) = delete;
  ScriptedServer& operator=(const ScriptedServer&) = delete;

  [[nodiscard]] std::uint16_t port() const { return port_; }
  /// Accepted so far.
  [[nodiscard]] int n_connections() const { return n_connections_.load(); }
  /// Acts that consumed something so far.
  [[nodiscard]] int n_requests() const { return n_requests_.load(); }

  /// Consumes one HTTP request without a body and answers it so.
  static Act answer_http(std::string_view bytes, int status, std::string_view body, std::chrono::milliseconds after = {});
  /// The target of that request, "" while it is not complete.
  static std::string http_target(std::string_view bytes);

 private:
  void run();

  Script script_;
  int listener_ = -1;
  std::uint16_t port_ = 0;
  std::atomic<bool> is_stopping_{false};
  std::atomic<int> n_connections_{0};
  std::atomic<int> n_requests_{0};
  std::thread thread_;
};

}  // namespace lodestone::test
