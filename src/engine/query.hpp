#pragma once
// The text of a search as PageRequest takes it.

#include <cstdint>
#include <string_view>
#include <vector>

namespace lodestone::engine {

/// Replaces `tokens` by the token hashes of `query` (UTF-8, any bytes), cut by the same tokenizer as the items' texts; each once, at most
/// kMaxQueryTokens.
inline constexpr std::size_t kMaxQueryTokens = 64;
void query_tokens(std::string_view query, std::vector<std::uint64_t>& tokens);

}  // namespace lodestone::engine
