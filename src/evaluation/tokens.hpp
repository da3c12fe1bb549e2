#pragma once
// Kind `tokens` of dataset.yaml: sentences with the words that people see in them, against which a segmenter is measured by the F1 of
// word spans (Sproat and Emerson, "The First International Chinese Word Segmentation Bakeoff", 2003).

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "evaluation/evaluate.hpp"

namespace lodestone::evaluation {

/// Bytes [begin, end) of a sentence.
struct Span {
  std::uint32_t begin = 0;
  std::uint32_t end = 0;

  bool operator==(const Span&) const = default;
};

struct GoldSentence {
  std::string text;         ///< the words, nothing between them
  std::vector<Span> words;  ///< ascending
};

/// Reads lines of words parted by two or more blanks; a single blank at a line's begin or end goes, one inside a word stays. Empty lines are
/// skipped. Throws corrupt when no line holds a word.
std::vector<GoldSentence> load_gold_sentences(const FileSpec& file);

/// One way of cutting exists, so it is no class.
struct SegmentMethod {
  std::string name;
  std::string settings;
  /// Makes the method ready; what it takes is the row's seconds to fit.
  std::function<void()> open;
  /// Replaces `words` by those of the text, ascending, without overlap. Safe from many threads after open().
  std::function<void(std::string_view text, std::vector<Span>& words)> segment;
};

/// Spans that are gold, among so many gold and so many found.
struct SpanCounts {
  double right = 0;
  double gold = 0;
  double found = 0;

  /// 2 * right / (gold + found); 0 when there is neither.
  [[nodiscard]] double f1() const { return gold + found > 0 ? 2 * right / (gold + found) : 0; }
};
SpanCounts compare_spans(const std::vector<Span>& gold, const std::vector<Span>& found);

/// word_f1 over the words of all sentences; the interval draws sentences. `users` of the row are sentences.
MethodResult measure_segmenter(const std::vector<GoldSentence>& sentences, const SegmentMethod& method,
                               const EvaluateOptions& options);

}  // namespace lodestone::evaluation
