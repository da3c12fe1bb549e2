#pragma once
// A private Redis for tests: a free port of loopback, nothing on the disk, gone with the object.

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "cache/redis_url.hpp"
#include "cache/resp_parser.hpp"

namespace lodestone::test {

/// A port of loopback that nobody listens on now.
std::uint16_t free_port();

class Redis {
 public:
  /// Starts a server and waits until it answers; `options` are added to its command line ("--maxmemory", "2mb"). Throws unavailable with what
  /// to install when there is none on this machine.
  explicit Redis(std::vector<std::string> options = {});
  ~Redis();
  Redis(const Redis&) = delete;
  Redis& operator=(const Redis&) = delete;

  [[nodiscard]] std::uint16_t port() const { return port_; }
  [[nodiscard]] cache::RedisUrl url(int database = 0) const;
  /// Runs one command on a connection of its own.
  cache::RespValue command(const std::vector<std::string>& parts) const;
  /// Ends it as a crash would (SIGKILL); what it held is gone.
  void kill();
  /// Again at the same port, empty.
  void start();
  /// It takes connections and answers nothing (SIGSTOP), until resume().
  void pause() const;
  void resume() const;

 private:
  std::vector<std::string> options_;
  std::uint16_t port_ = 0;
  pid_t server_ = -1;
};

}  // namespace lodestone::test
