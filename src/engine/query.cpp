#include "engine/query.hpp"

#include <algorithm>
#include <array>

#include "features/text/tokenizer.hpp"

namespace lodestone::engine {

/// A completion must be in so many items for each of the most frequent one's: a rare word scores high and is seldom what is meant.
constexpr float kLeastShare = 0.25F;

void query_tokens(std::string_view query, std::vector<std::uint64_t>& tokens) {
  tokens.clear();
  features::tokenize(query, tokens);
  std::sort(tokens.begin(), tokens.end());
  tokens.erase(std::unique(tokens.begin(), tokens.end()), tokens.end());
  if (tokens.size() > kMaxQueryTokens) tokens.resize(kMaxQueryTokens);
}

void search_tokens(const models::Release& release, std::string_view query, std::vector<std::uint64_t>& tokens) {
  const std::size_t blank = query.find_last_of(" \t\n,;/()\"'");
  const std::string_view last = blank == std::string_view::npos ? query : query.substr(blank + 1);
  const auto is_known = [&](std::uint64_t token) {
    return std::binary_search(release.text.tokens.begin(), release.text.tokens.end(), token);
  };
  query_tokens(last, tokens);
  const bool finished = last.empty() || std::any_of(tokens.begin(), tokens.end(), is_known);
  query_tokens(query, tokens);
  if (finished) return;
  std::array<features::Completion, kCompletions> found{};
  const std::size_t n = release.words.complete(last, found);
  for (std::size_t k = 0; k < n && found[k].weight >= kLeastShare * found[0].weight; ++k)
    features::tokenize(release.words.word(found[k].number), tokens);
  std::sort(tokens.begin(), tokens.end());
  tokens.erase(std::unique(tokens.begin(), tokens.end()), tokens.end());
  if (tokens.size() > kMaxQueryTokens) tokens.resize(kMaxQueryTokens);
}

}  // namespace lodestone::engine
