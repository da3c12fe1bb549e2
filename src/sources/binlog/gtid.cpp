#include "sources/binlog/gtid.hpp"

#include <fmt/format.h>

#include <charconv>
#include <optional>

#include "base/error.hpp"

namespace lodestone::sources {
namespace {

/// Reads a number from the start of `text` and removes it with the `end` behind it ('\0': the text ends there).
template <typename T>
std::optional<T> take_number(std::string_view& text, char end) {
  T value = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{}) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(stop - text.data()));
  if (end == '\0') return text.empty() ? std::optional(value) : std::nullopt;
  if (text.empty() || text.front() != end) return std::nullopt;
  text.remove_prefix(1);
  return value;
}

std::optional<Gtid> parse_one(std::string_view text) {
  const auto domain = take_number<std::uint32_t>(text, '-');
  const auto server = domain ? take_number<std::uint32_t>(text, '-') : std::nullopt;
  const auto sequence = server ? take_number<std::uint64_t>(text, '\0') : std::nullopt;
  return sequence ? std::optional(Gtid{*domain, *server, *sequence}) : std::nullopt;
}

}  // namespace

std::string format_gtid(const Gtid& gtid) { return fmt::format("{}-{}-{}", gtid.domain, gtid.server, gtid.sequence); }

GtidPosition GtidPosition::parse(std::string_view text) {
  GtidPosition position;
  std::string_view rest = text;
  while (!rest.empty()) {
    const std::size_t comma = rest.find(',');
    const std::optional<Gtid> gtid = parse_one(rest.substr(0, comma));
    const bool is_cut = comma != std::string_view::npos && comma + 1 == rest.size();
    if (!gtid || is_cut) {
      fail(ErrorCode::kInvalidArgument,
           "\"{}\" is no position in a binary log; expected DOMAIN-SERVER-NUMBER, several by commas, as SELECT @@gtid_binlog_pos "
           "gives it",
           text);
    }
    if (!position.last_.emplace(gtid->domain, *gtid).second) {
      fail(ErrorCode::kInvalidArgument, "\"{}\" is no position in a binary log: it names domain {} twice; keep the later one",
           text, gtid->domain);
    }
    rest = comma == std::string_view::npos ? std::string_view() : rest.substr(comma + 1);
  }
  return position;
}

std::string GtidPosition::format() const {
  std::string text;
  for (const auto& [domain, gtid] : last_) text += (text.empty() ? "" : ",") + format_gtid(gtid);
  return text;
}

bool GtidPosition::covers(const Gtid& gtid) const {
  const auto found = last_.find(gtid.domain);
  return found != last_.end() && gtid.sequence <= found->second.sequence;
}

GtidPosition GtidPosition::common(const GtidPosition& a, const GtidPosition& b) {
  GtidPosition out;
  for (const auto& [domain, gtid] : a.last_) {
    const auto other = b.last_.find(domain);
    if (other != b.last_.end()) out.last_[domain] = gtid.sequence <= other->second.sequence ? gtid : other->second;
  }
  return out;
}

void GtidPosition::advance(const Gtid& gtid) { last_[gtid.domain] = gtid; }

}  // namespace lodestone::sources
