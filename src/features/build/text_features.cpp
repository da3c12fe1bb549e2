#include "features/build/text_features.hpp"

#include <algorithm>

#include "features/text/markup.hpp"
#include "features/text/tokenizer.hpp"

namespace lodestone::features {
namespace {

constexpr std::string_view kHasDescription = "item_has_description";
constexpr std::string_view kTextLength = "item_text_length";
constexpr std::string_view kWordCount = "item_word_count";

std::size_t count_code_points(std::string_view text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

std::string_view without_margins(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t\r\n");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\r\n") + 1 - begin);
}

}  // namespace

bool is_text_feature(std::string_view name) { return name == kHasDescription || name == kTextLength || name == kWordCount; }

void fill_text_features(table::Engine& engine, FeatureTable& items) {
  const auto place_of = [](std::string_view name) { return find_feature(Group::kItem, name).value(); };
  const std::size_t has_description = place_of(kHasDescription);
  const std::size_t text_length = place_of(kTextLength);
  const std::size_t word_count = place_of(kWordCount);
  std::string text;
  std::vector<std::uint64_t> tokens;
  engine.query("SELECT item_id, coalesce(title, ''), coalesce(description, '') FROM items", [&](const table::Chunk& chunk) {
    for (std::size_t r = 0; r < chunk.n_rows(); ++r) {
      const std::optional<std::size_t> row = items.find(chunk.int_at(0, r));
      if (!row) continue;
      text.clear();
      strip_markup(chunk.text_at(2, r), text);
      tokens.clear();
      tokenize(chunk.text_at(1, r), tokens);
      tokenize(chunk.text_at(2, r), tokens);
      const std::size_t length = count_code_points(without_margins(text));
      float* out = items.values.data() + *row * items.n_features();
      out[has_description] = length > 0 ? 1.0F : 0.0F;
      out[text_length] = static_cast<float>(length);
      out[word_count] = static_cast<float>(tokens.size());
    }
  });
}

}  // namespace lodestone::features
