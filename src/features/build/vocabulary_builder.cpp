#include "features/build/vocabulary_builder.hpp"

#include <absl/strings/string_view.h>

#include <algorithm>
#include <numeric>

#include "base/error.hpp"

namespace lodestone::features {

std::uint32_t VocabularyBuilder::add(std::string_view text) {
  const auto found = numbers_.find(absl::string_view(text.data(), text.size()));
  if (found != numbers_.end()) {
    ++counts_[found->second];
    return found->second;
  }
  constexpr std::size_t kLimit = 1U << 24U;
  if (texts_.size() == kLimit)
    fail(ErrorCode::kContract, "a category feature has more than {} different texts, the last is \"{}\"; it is no category",
         kLimit, text);
  const auto number = static_cast<std::uint32_t>(texts_.size());
  numbers_.emplace(std::string(text), number);
  texts_.emplace_back(text);
  counts_.push_back(1);
  return number;
}

VocabularyBuilder::Codes VocabularyBuilder::finish(std::size_t max_categories, const std::vector<std::string>& known) const {
  std::vector<std::uint32_t> order(texts_.size());
  std::iota(order.begin(), order.end(), 0U);
  std::sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) {
    return counts_[a] != counts_[b] ? counts_[a] > counts_[b] : texts_[a] < texts_[b];
  });
  Codes out;
  out.texts = known;
  if (out.texts.empty()) out.texts.emplace_back();
  out.codes.resize(texts_.size());
  for (std::size_t code = 1; code < known.size(); ++code) {
    const auto found = numbers_.find(absl::string_view(known[code]));
    if (found != numbers_.end()) out.codes[found->second] = static_cast<std::uint32_t>(code);
  }
  for (const std::uint32_t number : order) {
    if (out.texts.size() > max_categories) break;
    if (out.codes[number] != 0) continue;
    out.codes[number] = static_cast<std::uint32_t>(out.texts.size());
    out.texts.push_back(texts_[number]);
  }
  return out;
}

}  // namespace lodestone::features
