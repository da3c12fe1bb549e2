#pragma once
// One event of POST /events: read from a request, written as a line of the journal, and read back from it.

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/json.hpp"
#include "base/result.hpp"
#include "engine/page.hpp"

namespace lodestone::serving {

using features::EventKind;

/// A well-formed event. Ids of visitors and sessions are "" when they are not given.
struct PostedEvent {
  std::string event_id;
  EventKind kind = EventKind::kView;
  std::optional<UserId> user;
  std::string visitor_id;
  std::string session_id;
  ItemId item{};
  TimePoint at;  ///< never after received_at
  double value = std::numeric_limits<double>::quiet_NaN();
  std::string request_id;
  std::int32_t position = 0;  ///< from 1; 0 = not given
  TimePoint received_at;
};

/// What an event's time may be.
struct EventTimes {
  /// Clocks of browsers are wrong: an event so little ahead of us is taken to happen when it arrived.
  std::chrono::microseconds ahead = std::chrono::minutes(5);
  /// Older ones are refused: their ids are not remembered that long.
  std::chrono::microseconds age = std::chrono::days(7);
};

/// Longest texts taken, bytes.
inline constexpr std::size_t kMaxEventIdBytes = 128;
inline constexpr std::size_t kMaxVisitorIdBytes = 64;

/// Reads one element of the array; a sentence when it is none that can be counted.
Result<PostedEvent> read_event(const json::Value& value, TimePoint now, const EventTimes& times);

/// Appends the event as one line of the journal with its line end (docs/formats/event_journal.md): JSON whose last member, `check`, is the
/// XXH3 of all before it.
void append_line(std::string& out, const PostedEvent& event);

/// Reads a line back, without its line end; nothing when it is damaged. `out` keeps its memory.
bool parse_line(std::string_view line, PostedEvent& out);

}  // namespace lodestone::serving
