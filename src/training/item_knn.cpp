#include "training/item_knn.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/error.hpp"
#include "base/rng.hpp"
#include "base/thread_pool.hpp"
#include "training/item_products.hpp"
#include "training/top_items.hpp"

namespace lodestone::training {
namespace {

using models::Interactions;
using models::ItemUsers;
using models::ScoredItem;

constexpr std::size_t kBlock = 64;

/// The weights of the class comment, in place of those of the rows.
void weigh(Interactions& x, const ItemKnnOptions& options) {
  const auto n_items = static_cast<double>(x.n_items);
  std::vector<double> users_of(x.n_items, 0);
  for (const ItemIndex item : x.items) ++users_of[static_cast<std::size_t>(item)];
  const double mean_users = static_cast<double>(x.items.size()) / std::max(1.0, n_items);
  std::vector<double> norm(x.n_items, 0);
  for (std::size_t u = 0; u < x.n_users(); ++u) {
    const std::size_t begin = x.offsets[u];
    const std::size_t end = x.offsets[u + 1];
    // A user of every item tells nothing; the library lets the logarithm go below 0 there, which would turn similarity around.
    const double idf = std::max(0.0, std::log(n_items) - std::log1p(static_cast<double>(end - begin)));
    for (std::size_t at = begin; at < end; ++at) {
      const auto item = static_cast<std::size_t>(x.items[at]);
      double w = static_cast<double>(x.weights[at]);
      switch (options.weighting) {
        case Weighting::kCosine: break;
        case Weighting::kTfIdf: w = std::sqrt(w) * idf; break;
        case Weighting::kBm25: {
          const double length = 1 - options.bm25_b + options.bm25_b * users_of[item] / mean_users;
          w = w * (options.bm25_k1 + 1) / (w + options.bm25_k1 * length) * idf;
          break;
        }
      }
      x.weights[at] = static_cast<float>(w);
      norm[item] += w * w;
    }
  }
  if (options.weighting == Weighting::kBm25) return;
  for (std::size_t at = 0; at < x.items.size(); ++at) {
    const double length = std::sqrt(norm[static_cast<std::size_t>(x.items[at])]);
    if (length > 0) x.weights[at] = static_cast<float>(static_cast<double>(x.weights[at]) / length);
  }
}

}  // namespace

std::string_view weighting_name(Weighting weighting) {
  switch (weighting) {
    case Weighting::kCosine: return "cosine";
    case Weighting::kTfIdf: return "tfidf";
    case Weighting::kBm25: return "bm25";
  }
  return "";
}

void check_weights(const Interactions& interactions) {
  for (std::size_t at = 0; at < interactions.weights.size(); ++at) {
    const float w = interactions.weights[at];
    if (!std::isfinite(w) || w < 0) {
      fail(ErrorCode::kInvalidArgument,
           "interaction {} (item {}) has the weight {}, expected a finite number not below 0; check the weights of the events",
           at, interactions.items[at], w);
    }
  }
}

std::size_t affordable_history(const Interactions& interactions, std::size_t max_history, std::uint64_t max_pairs) {
  std::vector<std::uint64_t> users_of_length(max_history + 1, 0);
  for (std::size_t u = 0; u < interactions.n_users(); ++u) {
    ++users_of_length[std::min<std::size_t>(max_history, interactions.row(u).items.size())];
  }
  std::uint64_t longer = interactions.n_users();  // users with at least `length` items
  std::uint64_t pairs = 0;
  std::size_t length = 0;
  while (length < max_history) {
    longer -= users_of_length[length];
    pairs += longer * (2 * length + 1);
    if (pairs > max_pairs && length >= 2) break;
    ++length;
  }
  return length;
}

models::Interactions cap_histories(const models::Interactions& interactions, std::size_t max_history) {
  Interactions out;
  out.n_items = interactions.n_items;
  out.offsets.reserve(interactions.offsets.size());
  std::vector<std::size_t> order;
  for (std::size_t u = 0; u < interactions.n_users(); ++u) {
    const std::size_t begin = interactions.offsets[u];
    const std::size_t n = interactions.offsets[u + 1] - begin;
    order.resize(n);
    for (std::size_t k = 0; k < n; ++k) order[k] = begin + k;
    if (n > max_history) {
      // Equal weights must not favour low item numbers, so the tie falls by a hash of (user, item).
      const auto tie = [&](std::size_t at) {
        std::uint64_t state = (std::uint64_t{u} << 32U) | static_cast<std::uint32_t>(interactions.items[at]);
        return split_mix(state);
      };
      std::nth_element(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(max_history), order.end(),
                       [&](std::size_t a, std::size_t b) {
                         const float wa = interactions.weights[a];
                         const float wb = interactions.weights[b];
                         return wa != wb ? wa > wb : tie(a) < tie(b);
                       });
      order.resize(max_history);
      std::sort(order.begin(), order.end());
    }
    for (const std::size_t at : order) {
      out.items.push_back(interactions.items[at]);
      out.weights.push_back(interactions.weights[at]);
    }
    out.offsets.push_back(out.items.size());
  }
  return out;
}

models::OwnedNeighbours fit_item_knn(const models::Interactions& interactions, const ItemKnnOptions& options) {
  check_weights(interactions);
  Interactions x = cap_histories(interactions, affordable_history(interactions, options.max_history, options.max_pairs));
  weigh(x, options);
  const ItemUsers users = models::transpose(x);
  const bool count = options.shrinkage > 0;
  std::vector<ItemProducts> scratch(static_cast<std::size_t>(options.threads > 0 ? options.threads : usable_cores()));
  ListBuilder lists(x.n_items);
  parallel_for(x.n_items, kBlock, options.threads, [&](std::size_t begin, std::size_t end, int thread) {
    ItemProducts& products = scratch[static_cast<std::size_t>(thread)];
    std::vector<ScoredItem> list;
    for (std::size_t candidate = begin; candidate < end; ++candidate) {
      list.clear();
      products.add(x, users, candidate, count);
      products.take([&](ItemIndex item, float score, std::int32_t common) {
        if (count) score = static_cast<float>(static_cast<double>(score) * common / (common + options.shrinkage));
        if (static_cast<std::size_t>(item) != candidate && score > 0) list.push_back({item, score});
      });
      keep_top(list, options.neighbors);
      lists.set(candidate, list);
    }
  });
  return lists.build();
}

}  // namespace lodestone::training
