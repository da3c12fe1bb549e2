// Answers of whatever stands where a remote channel should be, cut in pieces of the size that the first byte names.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "http/response_parser.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using lodestone::http::ResponseParser;
  if (size == 0) return 0;
  const std::size_t step = data[0] % 32U + 1U;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  ResponseParser parser({.head_bytes = 4'096, .body_bytes = 10'000});
  for (std::size_t at = 0; at < text.size(); at += step) {
    if (parser.feed(text.substr(at, step)) == ResponseParser::State::kBroken) break;
  }
  const ResponseParser::State state = parser.end();
  if (state == ResponseParser::State::kNeedMore || parser.body().size() > 10'000) std::abort();
  if (state == ResponseParser::State::kDone && (parser.status() < 100 || parser.status() > 999)) std::abort();
  return 0;
}
