#include "training/vocabulary.hpp"

#include <algorithm>
#include <string>
#include <string_view>
#include <unordered_map>

#include "features/text/segmenter.hpp"

namespace lodestone::training {
namespace {

bool is_number(std::string_view word) { return word.find_first_not_of("0123456789.,%") == std::string_view::npos; }

}  // namespace

std::vector<features::WeightedWord> build_vocabulary(std::span<const models::Item> items, std::size_t max_words) {
  struct Count {
    std::size_t items = 0;
    std::size_t last = 0;  // item that was counted last, from 1
  };
  std::unordered_map<std::string, Count> counts;
  const features::Segmenter segmenter(features::built_in_words());
  features::SegmenterScratch scratch;
  std::vector<features::WordSpan> words;
  std::string folded;
  for (std::size_t i = 0; i < items.size(); ++i) {
    const auto add = [&](std::string_view text) {
      words.clear();
      segmenter.segment(text, scratch, words);
      for (const features::WordSpan& span : words) {
        const std::string_view word = text.substr(span.begin, span.end - span.begin);
        if (span.kind != features::WordKind::kWord || word.size() < 2 || is_number(word)) continue;
        folded.clear();
        features::fold_text(word, folded);
        Count& count = counts[folded];
        if (count.last == i + 1) continue;
        count.last = i + 1;
        ++count.items;
      }
    };
    add(items[i].title);
    for (const std::string& tag : items[i].tags) add(tag);
  }
  std::vector<features::WeightedWord> out;
  out.reserve(counts.size());
  for (const auto& [word, count] : counts) out.push_back({word, static_cast<float>(count.items)});
  std::sort(out.begin(), out.end(), [](const features::WeightedWord& a, const features::WeightedWord& b) {
    return a.weight != b.weight ? a.weight > b.weight : a.word < b.word;
  });
  if (out.size() > max_words) out.resize(max_words);
  return out;
}

}  // namespace lodestone::training
