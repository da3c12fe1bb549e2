#include "evaluation/tokens.hpp"

#include <algorithm>
#include <chrono>

#include "base/error.hpp"
#include "base/rng.hpp"
#include "base/thread_pool.hpp"
#include "evaluation/peak_memory.hpp"

namespace lodestone::evaluation {
namespace {

using SteadyClock = std::chrono::steady_clock;

double seconds_since(SteadyClock::time_point start) { return std::chrono::duration<double>(SteadyClock::now() - start).count(); }

GoldSentence parse_sentence(std::string_view line) {
  GoldSentence sentence;
  const auto add = [&](std::string_view word) {
    while (word.starts_with(' ')) word.remove_prefix(1);
    while (word.ends_with(' ')) word.remove_suffix(1);
    if (word.empty()) return;
    const auto begin = static_cast<std::uint32_t>(sentence.text.size());
    sentence.text += word;
    sentence.words.push_back({begin, static_cast<std::uint32_t>(sentence.text.size())});
  };
  while (!line.empty()) {
    const std::size_t end = std::min(line.find("  "), line.size());
    add(line.substr(0, end));
    line.remove_prefix(std::min(end + 2, line.size()));
  }
  return sentence;
}

Interval draw_interval(const std::vector<SpanCounts>& counts, const EvaluateOptions& options) {
  std::vector<double> values(options.draws);
  parallel_for(options.draws, 8, options.threads, [&](std::size_t begin, std::size_t end, int) {
    for (std::size_t draw = begin; draw < end; ++draw) {
      Rng rng(options.seed, draw);  // a stream of its own, so that threads change nothing
      SpanCounts sum;
      for (std::size_t r = 0; r < counts.size(); ++r) {
        const SpanCounts& c = counts[rng.below(counts.size())];
        sum.right += c.right;
        sum.gold += c.gold;
        sum.found += c.found;
      }
      values[draw] = sum.f1();
    }
  });
  std::sort(values.begin(), values.end());
  const auto at = [&](double share) {
    return values[std::min(values.size() - 1, static_cast<std::size_t>(share * static_cast<double>(values.size())))];
  };
  return {at(0.025), at(0.975)};
}

}  // namespace

std::vector<GoldSentence> load_gold_sentences(const FileSpec& file) {
  std::vector<GoldSentence> out;
  LineReader lines(file.path);
  for (std::string line; lines.next(line);) {
    GoldSentence sentence = parse_sentence(line);
    if (!sentence.words.empty()) out.push_back(std::move(sentence));
  }
  if (out.empty())
    fail(ErrorCode::kCorrupt, "{}: holds no words in {} lines; kind tokens wants words parted by two blanks", file.path.string(),
         lines.line_number());
  return out;
}

SpanCounts compare_spans(const std::vector<Span>& gold, const std::vector<Span>& found) {
  SpanCounts counts{0, static_cast<double>(gold.size()), static_cast<double>(found.size())};
  for (std::size_t g = 0, f = 0; g < gold.size() && f < found.size();) {
    if (gold[g] == found[f]) ++counts.right;
    if (gold[g].end <= found[f].end) {
      const bool both = gold[g].end == found[f].end;
      ++g;
      if (both) ++f;
    } else {
      ++f;
    }
  }
  return counts;
}

MethodResult measure_segmenter(const std::vector<GoldSentence>& sentences, const SegmentMethod& method,
                               const EvaluateOptions& options) {
  reset_peak_memory();
  MethodResult result;
  result.method = method.name;
  result.settings = method.settings;
  result.users = sentences.size();
  SteadyClock::time_point start = SteadyClock::now();
  method.open();
  result.fit_seconds = seconds_since(start);
  std::vector<std::vector<Span>> found(sentences.size());
  start = SteadyClock::now();
  parallel_for(sentences.size(), 64, options.threads, [&](std::size_t begin, std::size_t end, int) {
    for (std::size_t i = begin; i < end; ++i) method.segment(sentences[i].text, found[i]);
  });
  result.score_seconds = seconds_since(start);
  result.peak_mib = peak_memory_mib();
  SpanCounts sum;
  std::vector<SpanCounts> counts;
  for (std::size_t i = 0; i < sentences.size(); ++i) {
    counts.push_back(compare_spans(sentences[i].words, found[i]));
    sum.right += counts.back().right;
    sum.gold += counts.back().gold;
    sum.found += counts.back().found;
  }
  MetricResult f1{std::string(name_of(Metric::kWordF1)), sum.f1(), std::nullopt};
  if (options.draws > 0) f1.interval = draw_interval(counts, options);
  result.metrics.push_back(std::move(f1));
  return result;
}

}  // namespace lodestone::evaluation
