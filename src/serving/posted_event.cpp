#include "serving/posted_event.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <vector>

#include "base/hash.hpp"
#include "base/nearest.hpp"
#include "http/request_id.hpp"

namespace lodestone::serving {
namespace {

constexpr std::int64_t kMaxPosition = 10'000;
constexpr double kMaxValue = 1e12;
constexpr std::size_t kCheckDigits = 16;

/// Ids go as they are into the journal's lines, so they hold nothing that JSON would have to escape.
bool is_plain(std::string_view text) {
  return std::ranges::all_of(text, [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte >= 0x20 && byte != 0x7f && c != '"' && c != '\\';
  });
}

/// RFC 3339 wants the zone, where parse_time would take UTC for granted.
bool has_zone(std::string_view text) {
  if (text.size() < sizeof "2026-01-01T00:00:00") return false;
  if (text.ends_with('Z') || text.ends_with('z')) return true;
  const char sign = text[text.size() - 6];
  return sign == '+' || sign == '-';
}

/// One event while it is read; the first thing that does not fit is its problem.
class EventReader {
 public:
  EventReader(TimePoint now, const EventTimes& times) : times_(times) { event_.received_at = now; }

  Result<PostedEvent> read(const json::Value& value) {
    const json::Object* object = value.as_object();
    if (object == nullptr) return Reason{fmt::format("the event is {}, expected an object", shorten(value))};
    for (const json::Member& member : *object) {
      read_member(member);
      if (!problem_.empty()) return Reason{problem_};
    }
    for (const auto& [name, given] : {std::pair{"event_id", !event_.event_id.empty()}, std::pair{"kind", has_kind_},
                                      std::pair{"dataset_id", has_item_}, std::pair{"at", has_at_}}) {
      if (!given) return Reason{fmt::format("{} is missing", name)};
    }
    return std::move(event_);
  }

 private:
  static std::string shorten(const json::Value& value) {
    constexpr std::size_t kShown = 80;
    std::string text = json::format(value);
    if (text.size() <= kShown) return text;
    std::size_t end = kShown;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;  // not inside a character
    return text.substr(0, end) + "...";
  }

  void refuse(const json::Member& member, std::string_view expected) {
    problem_ = fmt::format("{} is {}, expected {}", member.key, shorten(member.value), expected);
  }

  void read_member(const json::Member& member) {
    const std::string& key = member.key;
    if (key == "event_id") return read_text(member, kMaxEventIdBytes, event_.event_id);
    if (key == "kind") return read_kind(member);
    if (key == "dataset_id") return read_item(member);
    if (key == "at") return read_at(member);
    // What is null is as good as not there: many clients write it so.
    const bool is_null = member.value.is_null();
    if (key == "user_id") return is_null ? void() : read_user(member);
    if (key == "visitor_id") return is_null ? void() : read_text(member, kMaxVisitorIdBytes, event_.visitor_id);
    if (key == "session_id") return is_null ? void() : read_text(member, kMaxVisitorIdBytes, event_.session_id);
    if (key == "value") return is_null ? void() : read_value(member);
    if (key == "request_id") return is_null ? void() : read_request_id(member);
    if (key == "position") return is_null ? void() : read_position(member);
    const std::vector<std::string> known = {"event_id",   "kind", "user_id", "visitor_id", "session_id",
                                            "dataset_id", "at",   "value",   "request_id", "position"};
    problem_ = fmt::format("unknown key {}{}", shorten(json::Value(key)), suggest(key, known));
  }

  void read_text(const json::Member& member, std::size_t most, std::string& out) {
    const std::string* text = member.value.as_string();
    if (text == nullptr || text->empty() || text->size() > most || !is_plain(*text)) {
      return refuse(member, fmt::format("a text of 1 to {} bytes without control characters, quotes and backslashes", most));
    }
    out = *text;
  }

  void read_kind(const json::Member& member) {
    const std::string* text = member.value.as_string();
    const auto kind = text == nullptr ? std::nullopt : features::find_event_kind(*text);
    if (!kind) return refuse(member, "one of exposure, view, click, cart, order, api_order, refund");
    event_.kind = *kind;
    has_kind_ = true;
  }

  void read_item(const json::Member& member) {
    const std::optional<std::int64_t> id = member.value.as_integer();
    if (!id || *id < 1) return refuse(member, "an integer from 1");
    event_.item = ItemId(*id);
    has_item_ = true;
  }

  void read_user(const json::Member& member) {
    const std::optional<std::int64_t> id = member.value.as_integer();
    if (!id || *id < 1) return refuse(member, "an integer from 1");
    event_.user = UserId(*id);
  }

  void read_at(const json::Member& member) {
    const std::string* text = member.value.as_string();
    const auto at = text != nullptr && has_zone(*text) ? parse_time(*text) : std::nullopt;
    if (!at) return refuse(member, "a time with its zone as in 2026-11-24T09:30:00Z (RFC 3339)");
    const TimePoint now = event_.received_at;
    if (*at > now + times_.ahead) {
      problem_ = fmt::format("at is {}, which is {} s ahead of this server's clock; at most {} are taken", *text,
                             seconds(*at - now), seconds(times_.ahead));
      return;
    }
    if (*at < now - times_.age) {
      problem_ = fmt::format("at is {}, which is {} s ago; at most {} are taken", *text, seconds(now - *at), seconds(times_.age));
      return;
    }
    event_.at = std::min(*at, now);
    has_at_ = true;
  }
  static std::int64_t seconds(std::chrono::microseconds time) {
    return std::chrono::duration_cast<std::chrono::seconds>(time).count();
  }

  void read_value(const json::Member& member) {
    const auto number = member.value.as_number();
    if (!number || !(*number >= 0 && *number <= kMaxValue)) return refuse(member, "a number from 0 to 1e12");
    event_.value = *number;
  }

  void read_request_id(const json::Member& member) {
    const std::string* text = member.value.as_string();
    if (text == nullptr || !http::is_request_id(*text)) return refuse(member, "the request_id of an answer, req_ and a UUID");
    event_.request_id = *text;
  }

  void read_position(const json::Member& member) {
    const std::optional<std::int64_t> position = member.value.as_integer();
    if (!position || *position < 1 || *position > kMaxPosition) return refuse(member, "an integer from 1 to 10000");
    event_.position = static_cast<std::int32_t>(*position);
  }

  const EventTimes& times_;
  PostedEvent event_;
  bool has_kind_ = false;
  bool has_item_ = false;
  bool has_at_ = false;
  std::string problem_;
};

void append_text(std::string& out, std::string_view key, std::string_view text) {
  if (!text.empty()) out.append(",\"").append(key).append("\":\"").append(text).append("\"");
}

void append_check(std::string& out, std::uint64_t check) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  for (std::size_t d = 0; d < kCheckDigits; ++d) out += kDigits[(check >> (60U - 4U * d)) & 15U];
}

/// Walks over a line whose members stand in the order in which append_line writes them.
class LineReader {
 public:
  explicit LineReader(std::string_view rest) : rest_(rest) {}

  /// Moves past `text` if it comes next.
  bool take(std::string_view text) {
    if (!rest_.starts_with(text)) return false;
    rest_.remove_prefix(text.size());
    return true;
  }
  /// The text up to the next quote, which is passed.
  bool text(std::string_view& out) {
    const std::size_t end = rest_.find('"');
    if (end == std::string_view::npos) return false;
    out = rest_.substr(0, end);
    rest_.remove_prefix(end + 1);
    return true;
  }
  bool text(std::string& out) {
    std::string_view found;
    if (!text(found)) return false;
    out = found;
    return true;
  }
  bool time(TimePoint& out) {
    std::string_view found;
    if (!text(found)) return false;
    const auto at = parse_time(found);
    if (at) out = *at;
    return at.has_value();
  }
  template <typename Number>
  bool number(Number& out) {
    const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), out);
    rest_.remove_prefix(static_cast<std::size_t>(end - rest_.data()));
    return error == std::errc();
  }

 private:
  std::string_view rest_;
};

bool read_line(LineReader line, PostedEvent& out) {
  std::string_view kind;
  std::int64_t number = 0;
  if (!line.take("{\"event_id\":\"") || !line.text(out.event_id) || !line.take(",\"kind\":\"") || !line.text(kind)) return false;
  const auto found = features::find_event_kind(kind);
  if (!found) return false;
  out.kind = *found;
  if (line.take(",\"user_id\":")) {
    if (!line.number(number)) return false;
    out.user = UserId(number);
  }
  if (line.take(",\"visitor_id\":\"") && !line.text(out.visitor_id)) return false;
  if (line.take(",\"session_id\":\"") && !line.text(out.session_id)) return false;
  if (!line.take(",\"dataset_id\":") || !line.number(number)) return false;
  out.item = ItemId(number);
  if (!line.take(",\"at\":\"") || !line.time(out.at)) return false;
  if (line.take(",\"value\":") && !line.number(out.value)) return false;
  if (line.take(",\"request_id\":\"") && !line.text(out.request_id)) return false;
  if (line.take(",\"position\":") && !line.number(out.position)) return false;
  return line.take(",\"received_at\":\"") && line.time(out.received_at);
}

}  // namespace

Result<PostedEvent> read_event(const json::Value& value, TimePoint now, const EventTimes& times) {
  return EventReader(now, times).read(value);
}

void append_line(std::string& out, const PostedEvent& event) {
  const std::size_t begin = out.size();
  out.append("{\"event_id\":\"")
      .append(event.event_id)
      .append("\",\"kind\":\"")
      .append(features::event_kind_name(event.kind))
      .append("\"");
  if (event.user) {
    out += ",\"user_id\":";
    json::append_number(out, raw(*event.user));
  }
  append_text(out, "visitor_id", event.visitor_id);
  append_text(out, "session_id", event.session_id);
  out += ",\"dataset_id\":";
  json::append_number(out, raw(event.item));
  append_text(out, "at", format_rfc3339(event.at));
  if (!std::isnan(event.value)) {
    out += ",\"value\":";
    json::append_number(out, event.value);
  }
  append_text(out, "request_id", event.request_id);
  if (event.position > 0) {
    out += ",\"position\":";
    json::append_number(out, std::int64_t{event.position});
  }
  append_text(out, "received_at", format_rfc3339(event.received_at));
  const std::uint64_t check = xxh3(std::string_view(out).substr(begin));
  out += ",\"check\":\"";
  append_check(out, check);
  out += "\"}\n";
}

bool parse_line(std::string_view line, PostedEvent& out) {
  constexpr std::size_t kTail = sizeof ",\"check\":\"\"}" - 1 + kCheckDigits;
  if (line.size() < kTail) return false;
  const std::string_view body = line.substr(0, line.size() - kTail);
  std::string check = ",\"check\":\"";
  append_check(check, xxh3(body));
  check += "\"}";
  if (line.substr(body.size()) != check) return false;
  out.user.reset();
  out.visitor_id.clear();
  out.session_id.clear();
  out.request_id.clear();
  out.value = std::numeric_limits<double>::quiet_NaN();
  out.position = 0;
  return read_line(LineReader(body), out);
}

}  // namespace lodestone::serving
