// Arbitrary bytes as the body of a request, of the admin port, of POST /recommend/page and POST /events: an order or a sentence, never anything else.
// An event that is taken reads back from the journal as it was.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "bundle/bundle.hpp"
#include "serving/page_order.hpp"
#include "serving/posted_event.hpp"
#include "serving/reload_order.hpp"

namespace {

template <typename Parse>
void expect_order_or_sentence(const Parse& parse) {
  try {
    parse();
  } catch (const lodestone::Error& error) {
    if (error.message().empty()) std::abort();
  }
}

void check_events(std::string_view body) {
  using namespace lodestone;
  const json::Value value = json::parse(body, "body");
  if (value.as_array() == nullptr) return;
  const TimePoint now = *parse_time("2026-11-24T09:30:00Z");
  for (const json::Value& one : *value.as_array()) {
    const Result<serving::PostedEvent> read = serving::read_event(one, now, {});
    if (!read) continue;
    const serving::PostedEvent& event = read.value();
    std::string line;
    serving::append_line(line, event);
    line.pop_back();  // its line end
    serving::PostedEvent back;
    if (!serving::parse_line(line, back) || back.event_id != event.event_id || back.at != event.at || back.item != event.item)
      std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace lodestone;
  const std::string_view body(reinterpret_cast<const char*>(data), size);
  expect_order_or_sentence([body] {
    const serving::ReloadOrder order = serving::parse_reload_order(body);
    if (order.source && !bundle::is_bundle_id(*order.source)) std::abort();
  });
  expect_order_or_sentence([body] {
    const serving::PageOrder order = serving::parse_page_order(body);
    if (order.slots.empty() || order.slots.size() > serving::kMaxSlots) std::abort();
  });
  expect_order_or_sentence([body] { check_events(body); });
  // A line of the journal may be damaged in any way.
  serving::PostedEvent damaged;
  (void)serving::parse_line(body, damaged);
  return 0;
}
