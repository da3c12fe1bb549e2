#include "training/content.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/thread_pool.hpp"
#include "features/text/tokenizer.hpp"
#include "training/top_items.hpp"

namespace lodestone::training {
namespace {

using models::Item;
using models::ScoredItem;

constexpr std::size_t kBlock = 64;

struct TokenCount {
  std::uint64_t token = 0;
  float count = 0;
};

void add_field(std::string_view text, double weight, std::vector<std::uint64_t>& scratch, std::vector<TokenCount>& out) {
  if (weight <= 0 || text.empty()) return;
  scratch.clear();
  features::tokenize(text, scratch);
  for (const std::uint64_t token : scratch) out.push_back({token, static_cast<float>(weight)});
}

/// Tokens of one item, ascending, each once with its weighted count.
std::vector<TokenCount> count_tokens(const Item& item, const ContentOptions& options, std::vector<std::uint64_t>& scratch) {
  std::vector<TokenCount> counts;
  add_field(item.title, options.title_weight, scratch, counts);
  for (const std::string& tag : item.tags) add_field(tag, options.tag_weight, scratch, counts);
  add_field(item.category, options.category_weight, scratch, counts);
  add_field(item.company, options.company_weight, scratch, counts);
  add_field(item.description, options.description_weight, scratch, counts);
  std::stable_sort(counts.begin(), counts.end(), [](const TokenCount& a, const TokenCount& b) { return a.token < b.token; });
  std::size_t n = 0;
  for (const TokenCount& c : counts) {
    if (n > 0 && counts[n - 1].token == c.token) {
      counts[n - 1].count += c.count;
    } else {
      counts[n++] = c;
    }
  }
  counts.resize(n);
  counts.shrink_to_fit();
  return counts;
}

/// The vectors with their BM25 weights, not yet of length 1.
ContentVectors weigh_tokens(std::span<const Item> items, const ContentOptions& options) {
  std::vector<std::vector<TokenCount>> counts(items.size());
  parallel_for(items.size(), kBlock, options.threads, [&](std::size_t begin, std::size_t end, int) {
    std::vector<std::uint64_t> scratch;
    for (std::size_t i = begin; i < end; ++i) counts[i] = count_tokens(items[i], options, scratch);
  });
  ContentVectors out;
  std::vector<std::uint64_t> all;
  double total = 0;
  for (const auto& item : counts) {
    for (const TokenCount& c : item) {
      all.push_back(c.token);
      total += static_cast<double>(c.count);
    }
  }
  std::sort(all.begin(), all.end());
  std::vector<double> idf;
  const auto n_items = static_cast<double>(items.size());
  for (std::size_t begin = 0, end = 0; begin < all.size(); begin = end) {
    while (end < all.size() && all[end] == all[begin]) ++end;
    const auto n = static_cast<double>(end - begin);
    out.tokens.push_back(all[begin]);
    idf.push_back(std::log1p((n_items - n + 0.5) / (n + 0.5)));  // Lucene's form, never below 0
  }
  const double mean_length = items.empty() ? 1 : std::max(1e-9, total / n_items);
  out.rows.n_items = out.tokens.size();
  out.rows.items.reserve(all.size());
  out.rows.weights.reserve(all.size());
  for (auto& item : counts) {
    double length = 0;
    for (const TokenCount& c : item) length += static_cast<double>(c.count);
    const double norm = options.bm25_k1 * (1 - options.bm25_b + options.bm25_b * length / mean_length);
    auto from = out.tokens.begin();
    for (const TokenCount& c : item) {
      from = std::lower_bound(from, out.tokens.end(), c.token);
      const auto token = static_cast<std::size_t>(from - out.tokens.begin());
      const auto count = static_cast<double>(c.count);
      out.rows.items.push_back(static_cast<ItemIndex>(token));
      out.rows.weights.push_back(static_cast<float>(idf[token] * count * (options.bm25_k1 + 1) / (count + norm)));
    }
    out.rows.offsets.push_back(out.rows.items.size());
    std::vector<TokenCount>().swap(item);
  }
  return out;
}

/// The rows with tokens renumbered by frequency, the most frequent first, and in that order: the tokens of a row that are more frequent than
/// some bound are then its beginning.
models::Interactions rank_tokens(models::Interactions rows) {
  std::vector<std::size_t> frequency(rows.n_items, 0);
  for (const ItemIndex token : rows.items) ++frequency[static_cast<std::size_t>(token)];
  std::vector<ItemIndex> by_frequency(rows.n_items);
  std::iota(by_frequency.begin(), by_frequency.end(), 0);
  std::stable_sort(by_frequency.begin(), by_frequency.end(), [&](ItemIndex a, ItemIndex b) {
    return frequency[static_cast<std::size_t>(a)] > frequency[static_cast<std::size_t>(b)];
  });
  std::vector<ItemIndex> rank(rows.n_items);
  for (std::size_t r = 0; r < rank.size(); ++r) rank[static_cast<std::size_t>(by_frequency[r])] = static_cast<ItemIndex>(r);
  std::vector<ScoredItem> row;
  for (std::size_t i = 0; i < rows.n_users(); ++i) {
    row.clear();
    for (std::size_t at = rows.offsets[i]; at < rows.offsets[i + 1]; ++at) {
      row.push_back({rank[static_cast<std::size_t>(rows.items[at])], rows.weights[at]});
    }
    std::sort(row.begin(), row.end(), [](const ScoredItem& a, const ScoredItem& b) { return a.item < b.item; });
    for (std::size_t k = 0; k < row.size(); ++k) {
      rows.items[rows.offsets[i] + k] = row[k].item;
      rows.weights[rows.offsets[i] + k] = row[k].score;
    }
  }
  return rows;
}

LsaVectors lsa_of(const models::Interactions& rows, const ContentOptions& options) {
  LsaOptions lsa = options.lsa;
  lsa.threads = options.threads;
  return fit_lsa(rows, lsa);
}

/// What the search for neighbours reads: bags as rank_tokens() gives them, their transpose, and the dense form with its nearest.
struct SearchInput {
  const models::Interactions& rows;
  models::ItemUsers postings;
  const LsaVectors& lsa;
  models::OwnedNeighbours near;
  const ContentOptions& options;
};

/// Nearest neighbours of one item after another; memory of one thread.
class Search {
 public:
  explicit Search(const SearchInput& input) : in_(input), sums_(in_.rows.n_users(), 0), query_(in_.rows.n_items, 0) {}

  const std::vector<ScoredItem>& nearest(std::size_t item) {
    const models::InteractionRow row = in_.rows.row(item);
    // Rarest first: they decide, and they are cheap.
    std::size_t left = row.items.size();
    for (std::size_t budget = in_.options.max_postings; left > 0 && frequency(row.items[left - 1]) <= budget; --left) {
      budget -= frequency(row.items[left - 1]);
      add(row.items[left - 1], row.weights[left - 1]);
    }
    list_.clear();
    for (const ItemIndex other : touched_) {
      if (index(other) != item && sums_[index(other)] > 0) list_.push_back({other, sums_[index(other)]});
      sums_[index(other)] = 0;
    }
    touched_.clear();
    const bool dense = in_.lsa.rank > 0;
    if (left > 0 || dense) keep_top(list_, in_.options.neighbors + in_.options.neighbors / 2 + 20);
    add_frequent(row, left);
    if (dense) {
      add_dense_candidates(item, row);
      blend(item);
    }
    keep_top(list_, in_.options.neighbors);
    return list_;
  }

 private:
  static std::size_t index(ItemIndex i) { return static_cast<std::size_t>(i); }
  [[nodiscard]] std::size_t frequency(ItemIndex token) const {
    return in_.postings.offsets[index(token) + 1] - in_.postings.offsets[index(token)];
  }

  void add(ItemIndex token, float weight) {
    for (std::size_t at = in_.postings.offsets[index(token)]; at < in_.postings.offsets[index(token) + 1]; ++at) {
      float& sum = sums_[index(in_.postings.users[at])];
      if (sum == 0) touched_.push_back(in_.postings.users[at]);
      sum += weight * in_.postings.weights[at];
    }
  }

  /// Adds what the first `left` tokens of the row, which were too frequent to be walked over, share with the finalists.
  void add_frequent(const models::InteractionRow& row, std::size_t left) {
    if (left == 0) return;
    for (std::size_t k = 0; k < left; ++k) query_[index(row.items[k])] = row.weights[k];
    const ItemIndex last = row.items[left - 1];
    for (ScoredItem& s : list_) s.score += shared(in_.rows.row(index(s.item)), last);
    for (std::size_t k = 0; k < left; ++k) query_[index(row.items[k])] = 0;
  }

  /// Of query_ and another row, over the tokens up to `last`.
  [[nodiscard]] float shared(const models::InteractionRow& other, ItemIndex last) const {
    float sum = 0;
    for (std::size_t k = 0; k < other.items.size() && other.items[k] <= last; ++k)
      sum += query_[index(other.items[k])] * other.weights[k];
    return sum;
  }

  /// The nearest by LSA join the list with the cosine of their bags; those that are on it stay as they are.
  void add_dense_candidates(std::size_t item, const models::InteractionRow& row) {
    const models::NeighbourRow near = in_.near.view().row(static_cast<ItemIndex>(item));
    if (near.items.empty()) return;
    for (const ScoredItem& s : list_) sums_[index(s.item)] = 1;
    for (std::size_t k = 0; k < row.items.size(); ++k) query_[index(row.items[k])] = row.weights[k];
    const std::size_t n_listed = list_.size();
    for (const ItemIndex other : near.items) {
      if (sums_[index(other)] == 0) list_.push_back({other, shared(in_.rows.row(index(other)), row.items.back())});
    }
    for (std::size_t k = 0; k < row.items.size(); ++k) query_[index(row.items[k])] = 0;
    for (std::size_t k = 0; k < n_listed; ++k) sums_[index(list_[k].item)] = 0;
  }

  void blend(std::size_t item) {
    const auto weight = static_cast<float>(in_.options.dense_weight);
    const std::span<const float> vector = in_.lsa.row(item);
    for (ScoredItem& s : list_)
      s.score = (s.score + weight * std::max(0.0F, dot(vector, in_.lsa.row(index(s.item))))) / (1 + weight);
  }

  const SearchInput& in_;
  std::vector<float> sums_;
  std::vector<float> query_;
  std::vector<ItemIndex> touched_;
  std::vector<ScoredItem> list_;
};

models::OwnedNeighbours fit_lists(const models::Interactions& rows, const ContentOptions& options) {
  LsaVectors lsa;
  if (options.dense_weight > 0) lsa = lsa_of(rows, options);
  const std::size_t n_items = rows.n_users();
  models::OwnedNeighbours near;
  if (lsa.rank > 0 && n_items < options.max_dense_items)
    near = nearest_by_lsa(lsa, options.dense_candidates, static_cast<float>(options.dense_least), options.threads);
  const SearchInput input{rows, models::transpose(rows), lsa, std::move(near), options};
  ListBuilder lists(n_items);
  std::vector<Search> searches(static_cast<std::size_t>(options.threads > 0 ? options.threads : usable_cores()), Search(input));
  parallel_for(n_items, kBlock, options.threads, [&](std::size_t begin, std::size_t end, int thread) {
    for (std::size_t i = begin; i < end; ++i) lists.set(i, searches[static_cast<std::size_t>(thread)].nearest(i));
  });
  return lists.build();
}

}  // namespace

ContentVectors build_content_vectors(std::span<const models::Item> items, const ContentOptions& options) {
  ContentVectors out = weigh_tokens(items, options);
  for (std::size_t i = 0; i < out.rows.n_users(); ++i) {
    double sum = 0;
    for (std::size_t at = out.rows.offsets[i]; at < out.rows.offsets[i + 1]; ++at) {
      sum += static_cast<double>(out.rows.weights[at]) * static_cast<double>(out.rows.weights[at]);
    }
    if (sum <= 0) continue;
    const auto scale = static_cast<float>(1 / std::sqrt(sum));
    for (std::size_t at = out.rows.offsets[i]; at < out.rows.offsets[i + 1]; ++at) out.rows.weights[at] *= scale;
  }
  return out;
}

models::OwnedNeighbours fit_content(std::span<const models::Item> items, const ContentOptions& options) {
  return fit_lists(rank_tokens(build_content_vectors(items, options).rows), options);
}

models::OwnedNeighbours fit_content(const ContentVectors& vectors, const ContentOptions& options) {
  return fit_lists(rank_tokens(vectors.rows), options);
}

LsaVectors fit_content_lsa(const ContentVectors& vectors, const ContentOptions& options) { return lsa_of(vectors.rows, options); }

models::OwnedTextIndex build_text_index(std::span<const models::Item> items, const ContentOptions& options) {
  ContentVectors vectors = weigh_tokens(items, options);
  models::ItemUsers postings = models::transpose(vectors.rows);
  return {std::move(vectors.tokens), std::move(postings.offsets), std::move(postings.users), std::move(postings.weights)};
}

}  // namespace lodestone::training
