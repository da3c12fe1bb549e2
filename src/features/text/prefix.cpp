#include "features/text/prefix.hpp"

#include <algorithm>
#include <limits>
#include <map>

#include "base/error.hpp"
#include "features/text/code_points.hpp"

namespace lodestone::features {
namespace {

/// Longer prefixes are cut; no word is longer than a line.
constexpr std::size_t kMaxPrefixBytes = 256;

/// Width folding ends in ASCII, so only that and unchanged bytes occur.
template <typename Put>
void fold_into(std::string_view text, Put put) {
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t begin = at;
    const std::uint32_t folded = fold_width_and_case(next_code_point(text, at));
    if (folded < 0x80) {
      const char c = static_cast<char>(folded);
      put(std::string_view(&c, 1));
    } else {
      put(text.substr(begin, at - begin));
    }
  }
}

void append(std::string_view text, std::vector<std::uint64_t>& offsets, std::vector<std::uint8_t>& bytes) {
  bytes.insert(bytes.end(), text.begin(), text.end());
  offsets.push_back(bytes.size());
}

void check_offsets(std::span<const std::uint64_t> offsets, std::size_t n, std::size_t end, std::string_view name,
                   std::string_view what) {
  const bool fits = offsets.size() == n + 1 && offsets.front() == 0 && offsets.back() == end;
  if (!fits || !std::is_sorted(offsets.begin(), offsets.end()))
    fail(ErrorCode::kCorrupt, "{}: the offsets of {} do not fit {} words in {} bytes; build it again", name, what, n, end);
}

std::string_view slice(std::span<const std::uint64_t> offsets, std::span<const std::uint8_t> bytes, std::size_t i) {
  return {reinterpret_cast<const char*>(bytes.data()) + offsets[i], static_cast<std::size_t>(offsets[i + 1] - offsets[i])};
}

}  // namespace

void fold_text(std::string_view text, std::string& out) {
  fold_into(text, [&out](std::string_view piece) { out += piece; });
}

OwnedPrefixArrays build_prefix_arrays(std::span<const WeightedWord> words) {
  struct Group {
    double sum = 0;
    const WeightedWord* shown = nullptr;
  };
  std::map<std::string, Group> groups;
  for (const WeightedWord& w : words) {
    if (w.word.empty() || !(w.weight > 0)) continue;
    std::string key;
    fold_text(w.word, key);
    Group& group = groups[key];
    group.sum += static_cast<double>(w.weight);
    if (group.shown == nullptr || w.weight > group.shown->weight) group.shown = &w;
  }
  OwnedPrefixArrays out;
  for (const auto& [key, group] : groups) {
    append(key, out.key_offsets, out.key_bytes);
    append(group.shown->word, out.word_offsets, out.word_bytes);
    out.weights.push_back(static_cast<float>(std::min(group.sum, static_cast<double>(std::numeric_limits<float>::max()))));
  }
  const std::size_t n = out.weights.size();
  out.heaviest.assign(n, 0);
  const auto below = [&](std::size_t node) {
    return static_cast<std::size_t>(node >= n ? static_cast<std::int32_t>(node - n) : out.heaviest[node]);
  };
  for (std::size_t node = n; node-- > 1;) {
    const std::size_t a = below(2 * node);
    const std::size_t b = below(2 * node + 1);
    const bool first = out.weights[a] > out.weights[b] || (out.weights[a] == out.weights[b] && a < b);
    out.heaviest[node] = static_cast<std::int32_t>(first ? a : b);
  }
  return out;
}

PrefixIndex::PrefixIndex(const PrefixArrays& arrays, std::string_view name) : arrays_(arrays) {
  const std::size_t n = arrays.weights.size();
  if (n > static_cast<std::size_t>(std::numeric_limits<std::int32_t>::max()) || arrays.heaviest.size() != n)
    fail(ErrorCode::kCorrupt, "{}: {} words and a tree of {} nodes do not fit; build it again", name, n, arrays.heaviest.size());
  check_offsets(arrays.key_offsets, n, arrays.key_bytes.size(), name, "keys");
  check_offsets(arrays.word_offsets, n, arrays.word_bytes.size(), name, "words");
  for (const std::int32_t i : arrays.heaviest) {
    if (i < 0 || static_cast<std::size_t>(i) >= n)
      fail(ErrorCode::kCorrupt, "{}: its tree names word {} of {}; build it again", name, i, n);
  }
  for (std::size_t i = 1; i < n; ++i) {
    if (key(i - 1) >= key(i)) fail(ErrorCode::kCorrupt, "{}: key {} is not above the one before; build it again", name, i);
  }
}

std::string_view PrefixIndex::key(std::size_t i) const { return slice(arrays_.key_offsets, arrays_.key_bytes, i); }

std::string_view PrefixIndex::word(std::uint32_t number) const { return slice(arrays_.word_offsets, arrays_.word_bytes, number); }

bool PrefixIndex::heavier(std::uint32_t a, std::uint32_t b) const {
  return arrays_.weights[a] > arrays_.weights[b] || (arrays_.weights[a] == arrays_.weights[b] && a < b);
}

std::uint32_t PrefixIndex::heaviest_of(std::size_t begin, std::size_t end) const {
  const std::size_t n = size();
  auto best = static_cast<std::uint32_t>(begin);
  const auto take = [&](std::size_t node) {
    const auto word = static_cast<std::uint32_t>(node >= n ? static_cast<std::int32_t>(node - n) : arrays_.heaviest[node]);
    if (heavier(word, best)) best = word;
  };
  for (begin += n, end += n; begin < end; begin /= 2, end /= 2) {
    if (begin % 2 == 1) take(begin++);
    if (end % 2 == 1) take(--end);
  }
  return best;
}

std::size_t PrefixIndex::complete(std::string_view prefix, std::span<Completion> out) const {
  std::array<char, kMaxPrefixBytes> folded{};
  std::size_t length = 0;
  fold_into(prefix.substr(0, kMaxPrefixBytes), [&](std::string_view piece) {
    std::copy(piece.begin(), piece.end(), folded.begin() + static_cast<std::ptrdiff_t>(length));
    length += piece.size();
  });
  const std::string_view wanted(folded.data(), length);
  /// The first word for which the beginning of its key is not below (at or above) what is wanted.
  const auto bound = [&](auto is_before) {
    std::size_t low = 0;
    for (std::size_t high = size(); low < high;) {
      const std::size_t middle = low + (high - low) / 2;
      if (is_before(key(middle).substr(0, length).compare(wanted))) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low;
  };
  const std::size_t first = bound([](int order) { return order < 0; });
  const std::size_t last = bound([](int order) { return order <= 0; });
  if (first == last) return 0;
  const std::size_t wanted_count = std::min(out.size(), kMaxCompletions);
  std::array<Range, kMaxCompletions + 1> heap{};
  std::size_t n_ranges = 0;
  const auto lighter = [this](const Range& a, const Range& b) { return heavier(b.heaviest, a.heaviest); };
  const auto push = [&](std::size_t begin, std::size_t end) {
    if (begin >= end) return;
    heap[n_ranges++] = {static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(end), heaviest_of(begin, end)};
    std::push_heap(heap.begin(), heap.begin() + static_cast<std::ptrdiff_t>(n_ranges), lighter);
  };
  push(first, last);
  std::size_t n = 0;
  while (n < wanted_count && n_ranges > 0) {
    std::pop_heap(heap.begin(), heap.begin() + static_cast<std::ptrdiff_t>(n_ranges), lighter);
    const Range range = heap[--n_ranges];
    out[n++] = {range.heaviest, arrays_.weights[range.heaviest]};
    push(range.begin, range.heaviest);
    push(std::size_t{range.heaviest} + 1, range.end);
  }
  return n;
}

}  // namespace lodestone::features
