#pragma once
// The line of a replica: asks a server for its log and takes the events as they come, undecoded.

#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "sources/binlog/event.hpp"
#include "sources/mysql/connection.hpp"

namespace lodestone::sources {

struct BinlogOptions;

/// Over a connection of its own. One thread but for cancel().
class ReplicaLine {
 public:
  /// Throws as the constructor of BinlogStream does.
  explicit ReplicaLine(const BinlogOptions& options);

  enum class Got : std::uint8_t { kEvent, kEnd, kCancelled };
  /// Waits for an event, a heartbeat at the latest. Its bytes are event() until the next call.
  Got receive();
  [[nodiscard]] std::string_view event() const { return event_; }

  [[nodiscard]] EventChecksum checksum() const { return checksum_; }
  [[nodiscard]] std::uint32_t server_id() const { return server_id_; }
  /// From any thread: receive() returns kCancelled at once, now and ever after.
  void cancel() noexcept;

 private:
  void choose_server_id(const BinlogOptions& options);
  void open(const BinlogOptions& options);
  [[noreturn]] void fail_line(std::chrono::seconds waited);

  Connection connection_;
  std::string start_;
  EventChecksum checksum_ = EventChecksum::kNone;
  std::uint32_t server_id_ = 0;
  std::string_view event_;
  std::atomic<bool> cancelled_ = false;
};

}  // namespace lodestone::sources
