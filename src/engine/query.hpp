#pragma once
// The text of a search as PageRequest takes it.

#include <cstdint>
#include <string_view>
#include <vector>

#include "models/release.hpp"

namespace lodestone::engine {

/// Replaces `tokens` by the token hashes of `query` (UTF-8, any bytes), cut by the same tokenizer as the items' texts; each once, at most
/// kMaxQueryTokens.
inline constexpr std::size_t kMaxQueryTokens = 64;
void query_tokens(std::string_view query, std::vector<std::uint64_t>& tokens);

/// The same for somebody who is still typing: where the last word is none of the release's, the tokens of the words that begin with it join, the
/// most frequent kCompletions of them. A word that ends with a blank is finished.
inline constexpr std::size_t kCompletions = 8;
void search_tokens(const models::Release& release, std::string_view query, std::vector<std::uint64_t>& tokens);

}  // namespace lodestone::engine
