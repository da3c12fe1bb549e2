// Arbitrary bytes as the body of an admin request: an order or a sentence, never anything else.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/error.hpp"
#include "bundle/bundle.hpp"
#include "serving/reload_order.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace lodestone;
  try {
    const serving::ReloadOrder order = serving::parse_reload_order({reinterpret_cast<const char*>(data), size});
    if (order.source && !bundle::is_bundle_id(*order.source)) std::abort();
  } catch (const Error& error) {
    if (error.message().empty()) std::abort();
  }
  return 0;
}
