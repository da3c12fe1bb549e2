#include "engine/query.hpp"

#include <algorithm>

#include "features/text/tokenizer.hpp"

namespace lodestone::engine {

void query_tokens(std::string_view query, std::vector<std::uint64_t>& tokens) {
  tokens.clear();
  features::tokenize(query, tokens);
  std::sort(tokens.begin(), tokens.end());
  tokens.erase(std::unique(tokens.begin(), tokens.end()), tokens.end());
  if (tokens.size() > kMaxQueryTokens) tokens.resize(kMaxQueryTokens);
}

}  // namespace lodestone::engine
