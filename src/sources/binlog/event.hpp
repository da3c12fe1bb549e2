#pragma once
// Events of the binary log of MariaDB and MySQL: the frame that all share (header, checksum), and the small ones. No I/O: bytes
// in, values out, and damaged bytes are errors. docs/formats/binlog.md tells what is read, and where its layout is documented.

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "sources/binlog/gtid.hpp"

namespace lodestone::sources {

/// The events that mean something here; all others are skipped.
enum class EventType : std::uint8_t {
  kQuery = 2,
  kRotate = 4,
  kFormatDescription = 15,
  kXid = 16,
  kExecuteLoadQuery = 18,
  kTableMap = 19,
  kWriteRowsV1 = 23,
  kUpdateRowsV1 = 24,
  kDeleteRowsV1 = 25,
  kHeartbeat = 27,
  kWriteRows = 30,
  kUpdateRows = 31,
  kDeleteRows = 32,
  kMysqlGtid = 33,
  kMysqlAnonymousGtid = 34,
  kXaPrepare = 38,
  kPartialUpdateRows = 39,
  kMysqlTransactionPayload = 40,
  kMysqlGtidTagged = 42,
  kAnnotateRows = 160,
  kGtid = 162,
  kGtidList = 163,
  kStartEncryption = 164,
  kQueryCompressed = 165,
  kWriteRowsCompressedV1 = 166,
  kUpdateRowsCompressedV1 = 167,
  kDeleteRowsCompressedV1 = 168,
  kWriteRowsCompressed = 169,
  kUpdateRowsCompressed = 170,
  kDeleteRowsCompressed = 171,
};

/// "TABLE_MAP"; "event 99" for one without a name here.
std::string event_name(EventType type);
bool is_rows_event(EventType type);

/// The first 19 bytes of each event.
struct EventHeader {
  static constexpr std::size_t kSize = 19;
  std::uint32_t timestamp = 0;  ///< seconds since 1970
  EventType type{};
  std::uint32_t server_id = 0;
  std::uint32_t size = 0;          ///< of the whole event
  std::uint32_t end_position = 0;  ///< in the log's file; 0 for an event that only the line has
  std::uint16_t flags = 0;
};

/// An event in the caller's bytes.
struct Event {
  EventHeader header;
  std::string_view body;  ///< without header and checksum
};

enum class EventChecksum : std::uint8_t { kNone = 0, kCrc32 = 1 };

/// Takes events out of their frames, in the order of the log: a FORMAT_DESCRIPTION event tells how those after it are laid out.
/// One thread.
class EventFramer {
 public:
  /// `checksum` of the events before the first FORMAT_DESCRIPTION event.
  explicit EventFramer(EventChecksum checksum = EventChecksum::kNone) : checksum_(checksum) {}

  /// `bytes` is one whole event. Throws corrupt: too short, another length than its header says, a wrong checksum.
  Event open(std::string_view bytes);

  /// Bytes of the fixed part of an event of a type, 0 when the log did not say.
  [[nodiscard]] unsigned post_header_size(EventType type) const { return post_header_sizes_[static_cast<std::uint8_t>(type)]; }
  /// Version of the server that wrote the log, "" before the first FORMAT_DESCRIPTION event.
  [[nodiscard]] const std::string& server_version() const { return server_version_; }

 private:
  void read_format(const Event& event, EventChecksum checksum);

  EventChecksum checksum_;
  std::string server_version_;
  std::array<std::uint8_t, 256> post_header_sizes_{};
};

struct GtidEvent {
  Gtid gtid;
  bool is_standalone = false;  ///< the group is one statement and has no end event
  bool is_ddl = false;
  bool is_prepared_xa = false;  ///< the group ends with XA PREPARE: a later group commits or rolls back what it changed
};

struct QueryEvent {
  std::string_view database;  ///< the default one of the statement
  std::string sql;
};

struct RotateEvent {
  std::uint64_t position = 0;
  std::string_view file;
};

/// A transaction of MySQL: the server's UUID and a number.
struct MysqlGtidEvent {
  std::string uuid;
  std::uint64_t sequence = 0;
};

/// Each throws corrupt when the body is damaged.
GtidEvent parse_gtid(const Event& event);
GtidPosition parse_gtid_list(const Event& event);
/// Also of the compressed form and of LOAD DATA statements.
QueryEvent parse_query(const Event& event);
RotateEvent parse_rotate(const Event& event);
std::uint64_t parse_xid(const Event& event);
MysqlGtidEvent parse_mysql_gtid(const Event& event);

/// Throws contract, with what to set, for an event whose content cannot be read: encrypted logs, partial JSON updates, compressed
/// transactions and tagged GTIDs of MySQL.
void refuse_unreadable(EventType type);

}  // namespace lodestone::sources
