// Any text as a filter: it is refused with a sentence, or asked of every item of a small catalogue.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/error.hpp"
#include "engine/filter.hpp"
#include "engine/query.hpp"
#include "tests/support/sample_release.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const lodestone::test::SampleBundle sample(lodestone::test::sample_release({.n_items = 10}));
  static lodestone::engine::BoundFilter bound;
  static std::vector<std::uint64_t> tokens;
  static volatile std::size_t sink = 0;  // keeps the work
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  lodestone::engine::query_tokens(text, tokens);
  LODESTONE_ASSERT(tokens.size() <= lodestone::engine::kMaxQueryTokens, "{} tokens", tokens.size());
  try {
    const lodestone::engine::Filter filter = lodestone::engine::Filter::parse(text);
    bound.bind(filter, sample.release().catalog);
    for (lodestone::ItemIndex item = 0; item < 10; ++item) sink = sink + (bound.matches(item) ? 1U : 0U);
  } catch (const lodestone::Error& error) {
    LODESTONE_ASSERT(error.code() == lodestone::ErrorCode::kInvalidArgument && error.message().starts_with("filter"), "{}",
                     error.message());
  }
  return 0;
}
