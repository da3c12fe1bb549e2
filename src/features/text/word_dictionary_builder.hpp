#pragma once
// Makes the block of word_dictionary.hpp from a list of words with their counts; runs once, when the program is built.

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace lodestone::features {

struct CountedWord {
  std::string word;  ///< UTF-8
  std::uint64_t count = 0;
  std::string tag;  ///< part of speech as jieba names it; "m" = number, "" = unknown
};

/// A word of n characters costs ln(sum of counts) - ln(count) + long_penalty * max(0, n - kFreeLength). The second part is ours: the
/// dictionary's long entries are mostly compounds (基础设施), which would win against their parts by being counted at all; with it, a compound
/// must be e^long_penalty times as frequent as its parts by chance for each further character, which idioms are and compounds are not.
struct WordDictionaryOptions {
  double long_penalty = 3;  ///< in nats; larger cuts more compounds
};

/// Characters of a word that cost nothing extra.
inline constexpr std::size_t kFreeLength = 3;

/// Reads lines "word count tag" parted by blanks, as jieba's dictionary has them; the tag may be missing. Throws corrupt with name and line.
std::vector<CountedWord> parse_counted_words(std::string_view text, std::string_view name);

/// The block. Words fold as fold_width_and_case says; of words that become the same the counts are added. Left out are words that no
/// segmentation can hold because their parts always cost less, numbers with a measure word (一个, 三天: number and measure are words of their
/// own), and words beyond the basic plane. Throws invalid_argument when no word is left.
std::string build_word_dictionary(std::span<const CountedWord> words, const WordDictionaryOptions& options);

}  // namespace lodestone::features
