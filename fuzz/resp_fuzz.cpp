// Replies of whatever answers where a Redis should be, cut at every place that the first byte names.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "cache/resp_parser.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::size_t step = data[0] % 32U + 1U;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  lodestone::cache::RespParser parser({.depth = 8, .values = 1'000, .bytes = 100'000, .line_bytes = 4'096});
  for (std::size_t at = 0; at < text.size(); at += step) {
    std::string_view piece = text.substr(at, step);
    while (!piece.empty()) {
      const auto fed = parser.feed(piece);
      if (fed.consumed > piece.size()) std::abort();
      piece.remove_prefix(fed.consumed);
      if (fed.state == lodestone::cache::RespParser::State::kBroken) return 0;
      if (fed.state == lodestone::cache::RespParser::State::kNeedMore) break;
      if (parser.take().items.size() > 1'000) std::abort();
    }
  }
  return 0;
}
