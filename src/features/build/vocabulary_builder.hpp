#pragma once
// Codes of categories: texts are numbered as they come, and put into the order of their counts at the end. Internal to this folder.

#include <absl/container/flat_hash_map.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace lodestone::features {

/// The texts of one domain. One thread.
class VocabularyBuilder {
 public:
  /// Counts a text and gives its number for now, below 2^24, so that a float holds it.
  std::uint32_t add(std::string_view text);

  /// The texts by code, and the code of each number: code 0 is for those beyond the `max_categories` most frequent ones, of equal ones the first
  /// by their bytes.
  struct Codes {
    std::vector<std::string> texts;
    std::vector<std::uint32_t> codes;
  };
  /// Texts of `known` (place = code, as an earlier finish() gave them) keep their codes; others come behind them while there is room.
  [[nodiscard]] Codes finish(std::size_t max_categories, const std::vector<std::string>& known = {}) const;

 private:
  absl::flat_hash_map<std::string, std::uint32_t> numbers_;
  std::vector<std::string> texts_;
  std::vector<std::uint64_t> counts_;
};

}  // namespace lodestone::features
