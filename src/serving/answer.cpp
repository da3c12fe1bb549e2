#include "serving/answer.hpp"

#include <array>
#include <charconv>

namespace lodestone::serving {

namespace {

template <typename Number>
void append_number(std::string& out, Number value) {
  std::array<char, 32> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value);
  out.append(digits.data(), end.ptr);
}

void append_channels(std::string& out, const engine::PageItem& item) {
  out += ",\"channels\":{";
  bool first = true;
  for (std::size_t c = 0; c < engine::kChannels; ++c) {
    if (item.contributions[c].rank == 0) continue;
    out += first ? "\"" : ",\"";
    first = false;
    out.append(engine::channel_name(static_cast<engine::Channel>(c))).append("\":{\"rank\":");
    append_number(out, item.contributions[c].rank);
    out += ",\"score\":";
    append_number(out, item.contributions[c].score);
    out += '}';
  }
  out += '}';
}

}  // namespace

void append_items(std::string& out, const models::Release& release, const engine::Page& page, Detail detail) {
  out += '[';
  bool first = true;
  for (const engine::PageItem& item : page.items) {
    out += first ? "{" : ",{";
    first = false;
    out += release.catalog.card(item.item);
    if (detail == Detail::kScored || detail == Detail::kExplained) {
      out += ",\"score\":";
      append_number(out, item.score);
    }
    if (detail != Detail::kCard) {
      out += ",\"reason\":\"";
      engine::append_reason(out, item.channels);
      out += '"';
    }
    if (detail == Detail::kExplained) append_channels(out, item);
    out += '}';
  }
  out += ']';
}

}  // namespace lodestone::serving
