#pragma once
// Text to words, Chinese and other, by the cheapest path over the words that the dictionary allows (the unigram model of jieba, which takes
// the most probable path over the graph of all words), with what a dictionary cannot hold added as edges: runs of letters or digits, numbers
// in Chinese digits, dates. Measured in docs/decisions/0014-words-by-own-segmenter.md.
//
// - Letters and digits that stand together are one word ("GDP2024", "3.5", "1,024", "50%"), except where the dictionary knows a longer one
//   that begins or ends with them ("B超"). Kana are runs of their own.
// - A number with 年 (four digits), 月 (1 to 12), 日 (1 to 31) or 时 (0 to 24) may be one word, in both kinds of digits: 2000年, 二十四日.
// - A run of equal dashes or dots (——, ……) is one mark; every other punctuation character is a mark of its own. Blanks belong to nothing.
// - Width and case are folded for look-ups only; places are those of the text given.

#include <cstdint>
#include <string_view>
#include <vector>

#include "features/text/word_dictionary.hpp"

namespace lodestone::features {

enum class WordKind : std::uint8_t { kWord, kMark };

/// Bytes [begin, end) of the text.
struct WordSpan {
  std::uint32_t begin = 0;
  std::uint32_t end = 0;
  WordKind kind = WordKind::kWord;

  bool operator==(const WordSpan&) const = default;
};

/// Memory of one caller, so that a warm call allocates nothing but the growth of its result. Not for two threads at once.
class SegmenterScratch {
 private:
  friend class Segmenter;
  struct Character {
    std::uint32_t offset = 0;
    std::uint16_t code = 0;  ///< the dictionary's letter
    std::uint8_t kind = 0;   ///< of segmenter.cpp
    std::uint8_t role = 0;   ///< value of a digit, or what it is in a number or date; of segmenter.cpp
  };

  /// Takes the word [begin, end) into the cheapest path from `begin` on, if `end` can be reached and the path gets no dearer by it.
  void offer(std::size_t begin, std::size_t end, std::uint32_t word_cost) {
    const std::uint32_t rest = cost_[end];
    if (rest == kUnreached || word_cost + rest > cost_[begin]) return;
    cost_[begin] = word_cost + rest;
    next_[begin] = static_cast<std::uint32_t>(end);
  }

  static constexpr std::uint32_t kUnreached = 0xFFFFFFFF;
  std::vector<Character> characters_;
  std::vector<std::uint32_t> cost_;  ///< of the cheapest path from a character to the end
  std::vector<std::uint32_t> next_;  ///< where the first word of that path ends
};

/// Const, safe from many threads with a scratch each. Cost linear in the text.
class Segmenter {
 public:
  explicit Segmenter(const WordDictionary& dictionary) : dictionary_(dictionary) {}

  /// Appends the words of `text` (any bytes) in order; together they are the text without its blanks. Bytes that are no UTF-8 are marks.
  /// Throws invalid_argument for texts of 4 GiB and more.
  void segment(std::string_view text, SegmenterScratch& scratch, std::vector<WordSpan>& out) const;

 private:
  /// A piece of text without marks and blanks.
  void cut(SegmenterScratch& scratch, std::uint32_t end_offset, std::vector<WordSpan>& out) const;
  void offer_words(SegmenterScratch& scratch, std::size_t begin) const;
  void offer_run(SegmenterScratch& scratch, std::size_t begin) const;
  void offer_numerals(SegmenterScratch& scratch, std::size_t begin) const;

  const WordDictionary& dictionary_;
};

}  // namespace lodestone::features
