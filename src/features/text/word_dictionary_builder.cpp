#include "features/text/word_dictionary_builder.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>
#include <map>
#include <unordered_map>
#include <utility>

#include "base/error.hpp"
#include "base/hash.hpp"
#include "features/text/code_points.hpp"
#include "features/text/word_dictionary.hpp"

namespace lodestone::features {
namespace {

/// Looks up pieces of words without making strings of them.
struct PieceHash {
  using is_transparent = void;
  std::size_t operator()(std::u32string_view piece) const { return std::hash<std::u32string_view>()(piece); }
};
using Costs = std::unordered_map<std::u32string, std::uint32_t, PieceHash, std::equal_to<>>;

constexpr std::uint64_t kFree = ~std::uint64_t{0};
constexpr std::size_t kHolesTried = 500;
constexpr std::u32string_view kNumerals = U"零〇一二三四五六七八九十百千万亿两几多";
constexpr std::u32string_view kMeasures =
    U"个年位名次天月条件项种场片批句家张只座层步股枚艘辆幅部元岁吨页支块份套类路段番声眼回层间门";

/// The folded code points; empty when the word cannot be looked up.
std::u32string fold_word(std::string_view word) {
  std::u32string out;
  for (std::size_t at = 0; at < word.size();) {
    const std::uint32_t c = fold_width_and_case(next_code_point(word, at));
    if (c >= WordDictionary::kCodes || c == 0) return {};
    out.push_back(static_cast<char32_t>(c));
  }
  return out;
}

/// 一个 and 三十天, but not 万一 or 第一.
bool is_number_with_measure(const std::u32string& word, std::string_view tag) {
  if (tag != "m" || word.size() < 2 || kMeasures.find(word.back()) == std::u32string_view::npos) return false;
  return std::all_of(word.begin(), word.end() - 1, [](char32_t c) { return kNumerals.find(c) != std::u32string_view::npos; });
}

/// What the cheapest way of cutting the word into others costs.
std::uint32_t cost_of_parts(std::u32string_view word, const Costs& costs, std::uint32_t unknown) {
  std::vector<std::uint32_t> best(word.size() + 1, std::numeric_limits<std::uint32_t>::max());
  best[0] = 0;
  for (std::size_t begin = 0; begin < word.size(); ++begin) {
    for (std::size_t end = begin + 1; end <= word.size(); ++end) {
      if (end - begin == word.size()) continue;
      const auto found = costs.find(word.substr(begin, end - begin));
      if (found == costs.end() && end > begin + 1) continue;
      best[end] = std::min(best[end], best[begin] + (found == costs.end() ? unknown : found->second));
    }
  }
  return best.back();
}

struct Entry {
  std::u32string word;  ///< letters of the trie, not code points
  std::uint32_t cost = 0;
};

/// Places the nodes of a trie so that each finds its children at base + letter.
class DoubleArray {
 public:
  DoubleArray() { grow(); }

  /// `entries` ascending by word.
  std::vector<std::uint64_t> build(std::span<const Entry> entries) {
    nodes_[0] = pack(0, WordDictionary::kNoNode, WordDictionary::kNoWord);
    std::vector<Range> level{{0, 0, entries.size()}};
    for (std::size_t depth = 0; !level.empty(); ++depth) {
      std::vector<Family> families;
      for (const Range& range : level) families.push_back(family_of(range, entries, depth));
      // Large families first, while there is room.
      std::stable_sort(families.begin(), families.end(),
                       [](const Family& a, const Family& b) { return a.children.size() > b.children.size(); });
      level.clear();
      for (const Family& family : families) place(family, entries, depth, level);
    }
    while (nodes_.back() == kFree) nodes_.pop_back();
    for (std::uint64_t& node : nodes_) {
      if (node == kFree) node = pack(0, WordDictionary::kNoNode, WordDictionary::kNoWord);
    }
    return std::move(nodes_);
  }

 private:
  /// Entries [begin, end) begin with the node's word.
  struct Range {
    std::size_t node = 0;
    std::size_t begin = 0;
    std::size_t end = 0;
  };
  struct Child {
    std::size_t code = 0;
    std::size_t begin = 0;
    std::size_t end = 0;
  };
  struct Family {
    std::size_t node = 0;
    std::vector<Child> children;
  };

  static std::uint64_t pack(std::uint64_t base, std::uint64_t parent, std::uint64_t cost) {
    return base | (parent << 24U) | (cost << 48U);
  }

  static Family family_of(const Range& range, std::span<const Entry> entries, std::size_t depth) {
    Family family{range.node, {}};
    for (std::size_t i = range.begin; i < range.end; ++i) {
      if (entries[i].word.size() == depth) continue;
      const std::size_t code = entries[i].word[depth];
      if (family.children.empty() || family.children.back().code != code) family.children.push_back({code, i, i});
      family.children.back().end = i + 1;
    }
    return family;
  }

  void place(const Family& family, std::span<const Entry> entries, std::size_t depth, std::vector<Range>& next_level) {
    if (family.children.empty()) return;
    const std::size_t base = find_base(family.children);
    nodes_[family.node] = (nodes_[family.node] & ~std::uint64_t{0xFFFFFF}) | base;
    for (const Child& child : family.children) {
      const std::size_t at = base + child.code;
      take(at);
      const Entry& first = entries[child.begin];
      const bool ends = first.word.size() == depth + 1;
      nodes_[at] = pack(0, family.node, ends ? first.cost : WordDictionary::kNoWord);
      next_level.push_back({at, child.begin, child.end});
    }
  }

  /// A base at which all children fall on free places. Where many holes were too small, later families of this size begin
  /// behind the first of them; trying all would make the block a quarter smaller and take six times as long.
  std::size_t find_base(const std::vector<Child>& children) {
    const std::size_t low = children.front().code;
    const std::size_t span = children.back().code - low;
    std::size_t& hint = hints_[std::min(children.size(), hints_.size()) - 1][std::bit_width(low)];
    std::size_t n_tried = 0;
    for (std::size_t at = next_free(std::max<std::size_t>({hint, low, 1}));; at = next_free(at + 1)) {
      while (at + span >= nodes_.size()) grow();
      const std::size_t base = at - low;
      if (std::all_of(children.begin(), children.end(), [&](const Child& c) { return nodes_[base + c.code] == kFree; }))
        return base;
      if (++n_tried % kHolesTried == 0 && n_tried / kHolesTried <= 8) hint = at;
    }
  }

  void grow() {
    const std::size_t size = nodes_.size() + (std::size_t{1} << 16U);
    LODESTONE_ASSERT(size < WordDictionary::kNoNode, "{} places", size);
    nodes_.resize(size, kFree);
    while (next_.size() <= size) next_.push_back(next_.size());
  }

  /// The first free place from `at` on, which may be the end. Places on the way learn of it, so that a later search takes few steps.
  std::size_t next_free(std::size_t at) {
    while (at >= nodes_.size()) grow();
    std::size_t free = at;
    while (next_[free] != free) free = next_[free];
    while (next_[at] != free) at = std::exchange(next_[at], free);
    return free;
  }

  void take(std::size_t at) { next_[at] = at + 1; }

  std::vector<std::uint64_t> nodes_;
  std::vector<std::size_t> next_;  ///< itself for a free place, else one further on, up to which none is free
  /// Where to look for room first, by the size of the family and the magnitude of its lowest letter (which bounds the place from below).
  std::array<std::array<std::size_t, 17>, 16> hints_{};
};

/// Letters by frequency, 1 the most frequent, which keeps families close together. Ties by code point.
std::vector<std::uint16_t> letters_of(const Costs& costs) {
  std::map<char32_t, std::size_t> counts;
  for (const auto& [word, cost] : costs) {
    for (const char32_t c : word) ++counts[c];
  }
  std::vector<char32_t> order;
  for (const auto& [c, n] : counts) order.push_back(c);
  std::stable_sort(order.begin(), order.end(), [&](char32_t a, char32_t b) { return counts[a] > counts[b]; });
  std::vector<std::uint16_t> codes(WordDictionary::kCodes, 0);
  for (std::size_t i = 0; i < order.size(); ++i) codes[order[i]] = static_cast<std::uint16_t>(i + 1);
  return codes;
}

/// Takes out words that their parts always beat; words with Latin letters stay, because the segmenter does not cut inside of those.
void drop_beaten(Costs& costs, std::uint32_t unknown) {
  std::vector<std::u32string> order;
  for (const auto& [word, cost] : costs) {
    if (word.size() > 1 && std::all_of(word.begin(), word.end(), [](char32_t c) { return is_han(c); })) order.push_back(word);
  }
  std::sort(order.begin(), order.end(),
            [](const std::u32string& a, const std::u32string& b) { return a.size() != b.size() ? a.size() < b.size() : a < b; });
  for (const std::u32string& word : order) {
    if (cost_of_parts(word, costs, unknown) < costs.at(word)) costs.erase(word);
  }
}

std::uint32_t to_cost(double nats) {
  const double steps = std::round(nats * kCostUnit);
  return static_cast<std::uint32_t>(std::clamp(steps, 1.0, static_cast<double>(WordDictionary::kNoWord - 1)));
}

std::string write_block(const std::vector<std::uint16_t>& codes, const std::vector<std::uint64_t>& nodes, std::size_t n_words,
                        std::uint32_t unknown) {
  std::string payload(reinterpret_cast<const char*>(codes.data()), codes.size() * sizeof(std::uint16_t));
  payload.append(reinterpret_cast<const char*>(nodes.data()), nodes.size() * sizeof(std::uint64_t));
  std::string out(WordDictionary::kHeaderBytes, '\0');
  const auto put = [&](std::size_t at, const auto& value) { std::memcpy(out.data() + at, &value, sizeof(value)); };
  std::memcpy(out.data(), WordDictionary::kMagic.data(), WordDictionary::kMagic.size());
  put(8, WordDictionary::kVersion);
  put(12, static_cast<std::uint32_t>(nodes.size()));
  put(16, static_cast<std::uint32_t>(n_words));
  put(20, unknown);
  put(24, xxh3(payload));
  return out + payload;
}

}  // namespace

std::vector<CountedWord> parse_counted_words(std::string_view text, std::string_view name) {
  std::vector<CountedWord> out;
  std::size_t number = 0;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    ++number;
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty()) continue;
    const std::size_t first = line.find(' ');
    const std::string_view rest = first == std::string_view::npos ? std::string_view() : line.substr(first + 1);
    const std::size_t second = std::min(rest.find(' '), rest.size());
    CountedWord word;
    const char* stop = rest.data() + second;
    const auto read = std::from_chars(rest.data(), stop, word.count);
    if (first == 0 || second == 0 || read.ec != std::errc() || read.ptr != stop)
      fail(ErrorCode::kCorrupt, "{}:{}: expected \"word count tag\" parted by blanks, found \"{}\"", name, number, line);
    word.word = line.substr(0, first);
    if (second < rest.size()) word.tag = rest.substr(second + 1);
    out.push_back(std::move(word));
  }
  return out;
}

std::string build_word_dictionary(std::span<const CountedWord> words, const WordDictionaryOptions& options) {
  std::unordered_map<std::u32string, std::uint64_t> counts;
  double total = 0;
  for (const CountedWord& w : words) {
    const std::u32string folded = fold_word(w.word);
    total += static_cast<double>(w.count);
    if (!folded.empty() && !is_number_with_measure(folded, w.tag)) counts[folded] += w.count;
  }
  if (counts.empty()) fail(ErrorCode::kInvalidArgument, "the list of {} words holds none that can be looked up", words.size());
  const double log_total = std::log(std::max(2.0, total));
  Costs costs;
  for (const auto& [word, count] : counts) {
    const double length = static_cast<double>(word.size()) - static_cast<double>(kFreeLength);
    costs[word] = to_cost(log_total - std::log(static_cast<double>(std::max<std::uint64_t>(1, count))) +
                          options.long_penalty * std::max(0.0, length));
  }
  const std::uint32_t unknown = to_cost(log_total);
  drop_beaten(costs, unknown);
  const std::vector<std::uint16_t> codes = letters_of(costs);
  std::vector<Entry> entries;
  for (const auto& [word, cost] : costs) {
    Entry entry{{}, cost};
    for (const char32_t c : word) entry.word.push_back(codes[c]);
    entries.push_back(std::move(entry));
  }
  std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) { return a.word < b.word; });
  return write_block(codes, DoubleArray().build(entries), entries.size(), unknown);
}

}  // namespace lodestone::features
