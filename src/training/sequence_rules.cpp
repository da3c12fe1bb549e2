#include "training/sequence_rules.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/error.hpp"
#include "base/thread_pool.hpp"
#include "training/top_items.hpp"

namespace lodestone::training {
namespace {

constexpr std::size_t kBlock = 64;

/// Where each item stands, and where the sequence of each place begins and ends.
struct Places {
  std::vector<std::uint64_t> offsets;  ///< of `at`, by item
  std::vector<std::uint64_t> at;       ///< ascending within an item
  std::vector<std::uint64_t> row_of;   ///< by place
};

Places find_places(const models::Sequences& sequences) {
  Places out;
  out.offsets.assign(sequences.n_items + 1, 0);
  for (const ItemIndex item : sequences.items) ++out.offsets[static_cast<std::size_t>(item) + 1];
  for (std::size_t i = 0; i < sequences.n_items; ++i) out.offsets[i + 1] += out.offsets[i];
  out.at.resize(sequences.items.size());
  out.row_of.resize(sequences.items.size());
  std::vector<std::uint64_t> next(out.offsets.begin(), out.offsets.end() - 1);
  for (std::size_t r = 0; r < sequences.size(); ++r) {
    for (std::uint64_t p = sequences.offsets[r]; p < sequences.offsets[r + 1]; ++p) {
      out.row_of[p] = r;
      out.at[next[static_cast<std::size_t>(sequences.items[p])]++] = p;
    }
  }
  return out;
}

/// Sums of one source item.
struct Accumulator {
  std::vector<float> sums;
  std::vector<ItemIndex> touched;
  std::vector<models::ScoredItem> list;

  void add(ItemIndex item, float weight) {
    float& sum = sums[static_cast<std::size_t>(item)];
    if (sum == 0) touched.push_back(item);
    sum += weight;
  }
};

void count_after(const models::Sequences& sequences, const Places& places, std::size_t source,
                 const SequenceRulesOptions& options, Accumulator& a) {
  for (std::uint64_t k = places.offsets[source]; k < places.offsets[source + 1]; ++k) {
    const std::uint64_t p = places.at[k];
    const std::uint64_t row = places.row_of[p];
    const std::uint64_t end = std::min(sequences.offsets[row + 1], p + options.max_distance + 1);
    for (std::uint64_t q = p + 1; q < end; ++q) a.add(sequences.items[q], 1.0F / static_cast<float>(q - p));
    if (options.backward == 0) continue;
    const std::uint64_t begin = std::max(sequences.offsets[row], p - std::min<std::uint64_t>(p, options.max_distance));
    for (std::uint64_t q = begin; q < p; ++q) {
      a.add(sequences.items[q], static_cast<float>(options.backward) / static_cast<float>(p - q));
    }
  }
}

}  // namespace

models::OwnedNeighbours fit_sequence_rules(const models::Sequences& sequences, const SequenceRulesOptions& options) {
  if (options.max_distance == 0)
    fail(ErrorCode::kInvalidArgument, "rules need a max_distance of at least 1, found 0; 5 to 10 serve well");
  const Places places = find_places(sequences);
  std::vector<float> source(sequences.n_items);
  std::vector<float> target(sequences.n_items);
  for (std::size_t i = 0; i < sequences.n_items; ++i) {
    const auto n = static_cast<double>(std::max<std::uint64_t>(1, places.offsets[i + 1] - places.offsets[i]));
    source[i] = static_cast<float>(std::pow(n, -options.source_exponent));
    target[i] = static_cast<float>(std::pow(n, -options.target_exponent));
  }
  std::vector<Accumulator> scratch(static_cast<std::size_t>(options.threads > 0 ? options.threads : usable_cores()));
  ListBuilder lists(sequences.n_items);
  parallel_for(sequences.n_items, kBlock, options.threads, [&](std::size_t begin, std::size_t end, int thread) {
    Accumulator& a = scratch[static_cast<std::size_t>(thread)];
    a.sums.resize(sequences.n_items, 0);
    for (std::size_t item = begin; item < end; ++item) {
      count_after(sequences, places, item, options, a);
      a.list.clear();
      for (const ItemIndex after : a.touched) {
        const auto j = static_cast<std::size_t>(after);
        a.list.push_back({after, a.sums[j] * source[item] * target[j]});
        a.sums[j] = 0;
      }
      a.touched.clear();
      keep_top(a.list, options.neighbors);
      lists.set(item, a.list);
    }
  });
  return lists.build();
}

}  // namespace lodestone::training
