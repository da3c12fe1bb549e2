// Any bytes as a text: the words lie in order, none is empty, and what is between them is blank. The same bytes also stand for the nodes of
// a dictionary, which no look-up may leave.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "features/text/segmenter.hpp"
#include "features/text/word_dictionary_builder.hpp"

namespace {

using lodestone::features::Segmenter;
using lodestone::features::SegmenterScratch;
using lodestone::features::WordDictionary;
using lodestone::features::WordSpan;

void check(const WordDictionary& words, std::string_view text) {
  static SegmenterScratch scratch;
  static std::vector<WordSpan> spans;
  spans.clear();
  Segmenter(words).segment(text, scratch, spans);
  std::size_t end = 0;
  for (const WordSpan& s : spans) {
    LODESTONE_ASSERT(s.begin >= end && s.end > s.begin && s.end <= text.size(), "{} to {} after {}", s.begin, s.end, end);
    end = s.end;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  check(lodestone::features::built_in_words(), text);
  // Aligned, with a header that is right and content that is anything.
  static const std::string small = lodestone::features::build_word_dictionary(
      lodestone::features::parse_counted_words("数据 5\n数 3\n气象 2\nb超 1\n", "seed"), {});
  std::vector<std::uint64_t> block((small.size() + 7) / 8);
  std::memcpy(block.data(), small.data(), small.size());
  const std::size_t nodes = WordDictionary::kHeaderBytes + WordDictionary::kCodes * sizeof(std::uint16_t);
  if (size > 0) std::memcpy(reinterpret_cast<char*>(block.data()) + nodes, data, std::min(size, small.size() - nodes));
  check(WordDictionary(std::as_bytes(std::span(block)).first(small.size()), "damaged"), text);
  return 0;
}
