// Arbitrary bytes as the body of a request, of the admin port and of POST /recommend/page: an order or a sentence, never anything else.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/error.hpp"
#include "bundle/bundle.hpp"
#include "serving/page_order.hpp"
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
  return 0;
}
