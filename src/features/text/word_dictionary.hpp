#pragma once
// The dictionary of the segmenter: words and their costs in a double-array trie (Aoe, IEEE Transactions on Software Engineering 15(9),
// 1989) over code points, in one flat block that is used where it is mapped. The layout is told in docs/formats/words.md; the
// builder is word_dictionary_builder.hpp.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace lodestone::features {

/// A cost is -ln(probability) in steps of 1 / kCostUnit, so that sums are whole numbers and the same on every machine.
inline constexpr std::uint32_t kCostUnit = 1024;

/// A view of the block; the bytes must stay where they are. Const after construction, safe from many threads. No content of the block
/// makes a look-up leave it.
class WordDictionary {
 public:
  static constexpr std::uint32_t kRoot = 0;
  static constexpr std::uint32_t kNoNode = 0xFFFFFF;
  static constexpr std::uint32_t kNoWord = 0xFFFF;
  static constexpr std::uint32_t kVersion = 1;
  static constexpr std::string_view kMagic = "lodwords";
  static constexpr std::size_t kHeaderBytes = 64;
  static constexpr std::size_t kCodes = 0x10000;

  /// `bytes` must be aligned to 8. `name` is said in errors. Reads the header alone, so that no page is touched that no word needs; throws
  /// corrupt when magic, version or size are not those of a dictionary.
  WordDictionary(std::span<const std::byte> bytes, std::string_view name);

  /// Reads everything and throws corrupt when the checksum is not that of the header; for files that come from elsewhere.
  void verify() const;

  [[nodiscard]] std::size_t n_words() const { return n_words_; }
  /// What a character costs that is no word.
  [[nodiscard]] std::uint32_t unknown_cost() const { return unknown_cost_; }

  /// The trie's letter for a folded code point; 0 = occurs in no word.
  [[nodiscard]] std::uint16_t code(std::uint32_t code_point) const { return code_point < kCodes ? codes_[code_point] : 0; }

  /// The node reached from `node` by a letter, or kNoNode.
  [[nodiscard]] std::uint32_t step(std::uint32_t node, std::uint16_t code) const {
    const std::uint64_t at = (nodes_[node] & 0xFFFFFFU) + code;
    if (code == 0 || at >= n_nodes_) return kNoNode;
    return ((nodes_[at] >> 24U) & 0xFFFFFFU) == node ? static_cast<std::uint32_t>(at) : kNoNode;
  }

  /// The cost of the word that ends at the node, or kNoWord.
  [[nodiscard]] std::uint32_t cost(std::uint32_t node) const { return static_cast<std::uint32_t>(nodes_[node] >> 48U); }

 private:
  std::string_view name_;
  std::string_view payload_;
  const std::uint16_t* codes_ = nullptr;  ///< [kCodes]
  const std::uint64_t* nodes_ = nullptr;  ///< [n_nodes_]: base | parent << 24 | cost << 48
  std::uint32_t n_nodes_ = 0;
  std::uint32_t n_words_ = 0;
  std::uint32_t unknown_cost_ = 0;
  std::uint64_t checksum_ = 0;
};

/// The dictionary that is built into the program.
const WordDictionary& built_in_words();

}  // namespace lodestone::features
