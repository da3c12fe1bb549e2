#pragma once
// Completion of what is typed: the words of a catalogue that start with a text, the most weighted first. Arrays in order of the words' folded
// texts, and over them a tree of which word of a range weighs most, so that the k best of any range cost k steps of log n and no sort
// (the range-maximum way of Muthukrishnan, "Efficient algorithms for document retrieval problems", SODA 2002).

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace lodestone::features {

struct WeightedWord {
  std::string word;  ///< UTF-8, as it shall be shown
  float weight = 0;
};

/// What to complete to.
struct Completion {
  std::uint32_t number = 0;  ///< of the word, in order of folded texts
  float weight = 0;
};

/// Views of arrays that may lie in a mapped file. Word i has the folded text key_bytes[key_offsets[i] .. key_offsets[i + 1]).
struct PrefixArrays {
  std::span<const std::uint64_t> key_offsets;   ///< [n + 1]
  std::span<const std::uint8_t> key_bytes;      ///< UTF-8, ascending by bytes, no two equal
  std::span<const std::uint64_t> word_offsets;  ///< [n + 1]
  std::span<const std::uint8_t> word_bytes;     ///< as shown
  std::span<const float> weights;               ///< [n]
  std::span<const std::int32_t> heaviest;  ///< [n]: node i of the tree (from 1; children 2i, 2i + 1) the heaviest word below it
};

/// The arrays with their memory.
struct OwnedPrefixArrays {
  std::vector<std::uint64_t> key_offsets{0};
  std::vector<std::uint8_t> key_bytes;
  std::vector<std::uint64_t> word_offsets{0};
  std::vector<std::uint8_t> word_bytes;
  std::vector<float> weights;
  std::vector<std::int32_t> heaviest;

  [[nodiscard]] PrefixArrays view() const { return {key_offsets, key_bytes, word_offsets, word_bytes, weights, heaviest}; }
};

/// Words that fold to the same text become one, shown as its heaviest (of equal ones the first) with the sum of their weights. Empty words and
/// weights that are not above 0 (NaN too) are left out.
OwnedPrefixArrays build_prefix_arrays(std::span<const WeightedWord> words);

/// Const, safe from many threads.
class PrefixIndex {
 public:
  /// Most completions at once.
  static constexpr std::size_t kMaxCompletions = 64;

  /// An index without words.
  PrefixIndex() = default;
  /// The memory behind `arrays` must outlive the index. Throws corrupt, naming `name`, when lengths, offsets or the tree do not fit each
  /// other, so that no search leaves the arrays. Cost linear.
  PrefixIndex(const PrefixArrays& arrays, std::string_view name);

  [[nodiscard]] std::size_t size() const { return arrays_.weights.size(); }
  [[nodiscard]] std::string_view word(std::uint32_t number) const;

  /// Writes the heaviest words that start with `prefix` (UTF-8, any bytes; width and case are folded), best first, of equal weights the lower
  /// number first, and returns how many; at most out.size() and kMaxCompletions. An empty prefix asks for all words. Allocates nothing.
  std::size_t complete(std::string_view prefix, std::span<Completion> out) const;

 private:
  struct Range {
    std::uint32_t begin = 0;
    std::uint32_t end = 0;
    std::uint32_t heaviest = 0;
  };
  [[nodiscard]] std::string_view key(std::size_t i) const;
  [[nodiscard]] bool heavier(std::uint32_t a, std::uint32_t b) const;
  [[nodiscard]] std::uint32_t heaviest_of(std::size_t begin, std::size_t end) const;

  PrefixArrays arrays_;
};

/// Appends `text` with width and case folded (A-Z and full width alone), the form of keys.
void fold_text(std::string_view text, std::string& out);

}  // namespace lodestone::features
