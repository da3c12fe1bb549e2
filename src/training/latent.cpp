#include "training/latent.hpp"

#include <algorithm>

#include "base/thread_pool.hpp"
#include "models/recall/latent_kernels.hpp"
#include "training/top_items.hpp"

namespace lodestone::training {
namespace {

using models::VectorDistance;

constexpr std::size_t kBlock = 64;

/// Up to this many items one thread links the graph, so that training gives the same release every time.
constexpr std::size_t kRepeatable = 20'000;

/// The rows that tie items together: who met one item says nothing of what belongs to it, and costs a vector while the fit lasts.
models::Interactions telling_rows(const models::Interactions& all) {
  models::Interactions out;
  out.n_items = all.n_items;
  for (std::size_t u = 0; u < all.n_users(); ++u) {
    const models::InteractionRow row = all.row(u);
    if (row.items.size() < 2) continue;
    out.items.insert(out.items.end(), row.items.begin(), row.items.end());
    out.weights.insert(out.weights.end(), row.weights.begin(), row.weights.end());
    out.offsets.push_back(out.items.size());
  }
  return out;
}

bool has_zero_row(std::span<const float> vectors, std::size_t factors) {
  for (; !vectors.empty(); vectors = vectors.subspan(factors)) {
    const auto row = vectors.first(factors);
    if (std::all_of(row.begin(), row.end(), [](float v) { return v == 0; })) return true;
  }
  return false;
}

/// A graph where a scan of all would take longer than a walk at `ef`.
models::OwnedVectorIndex index_of(std::span<const float> vectors, std::size_t factors, VectorDistance distance, std::size_t ef,
                                  VectorIndexOptions options) {
  const std::size_t n = vectors.size() / factors;
  // Under cosine all vectors are of one length but those of items that nobody met.
  const bool has_codes = models::has_scan_codes(distance, n, models::stride_of(distance, factors)) &&
                         (distance == VectorDistance::kInnerProduct || !has_zero_row(vectors, factors));
  if (!models::is_walk_faster(n, n, ef, has_codes)) options.m = 0;
  if (n < kRepeatable) options.threads = 1;
  return build_vector_index(vectors, factors, distance, options);
}

/// Nearest by cosine, those above 0. Items that nobody met have no list and are on none.
models::OwnedNeighbours nearest(std::span<const float> vectors, std::size_t factors, std::size_t neighbors,
                                const VectorIndexOptions& options, int threads) {
  models::VectorSearchOptions search;
  search.k = neighbors + 1;  // the item itself is among them
  search.ef = 2 * search.k;
  const models::OwnedVectorIndex owned = index_of(vectors, factors, VectorDistance::kCosine, search.ef, options);
  const models::VectorIndex index(owned.view(), "the items' vectors");
  const std::size_t n = index.size();
  ListBuilder lists(n);
  parallel_for(n, kBlock, threads, [&](std::size_t begin, std::size_t end, int) {
    models::VectorIndex::Scratch scratch;
    std::vector<models::VectorHit> hits;
    std::vector<models::ScoredItem> list;
    for (std::size_t i = begin; i < end; ++i) {
      const float* own = owned.vectors.data() + i * owned.stride;
      list.clear();
      if (models::dot(own, own, owned.stride) > 0)
        index.search(std::span(own, owned.dimension), search, scratch, hits);
      else
        hits.clear();
      for (const models::VectorHit& hit : hits) {
        if (static_cast<std::size_t>(hit.item) == i) continue;
        const float cosine =
            models::dot(own, owned.vectors.data() + static_cast<std::size_t>(hit.item) * owned.stride, owned.stride);
        if (cosine > 0) list.push_back({hit.item, cosine});
      }
      keep_top(list, neighbors);
      lists.set(i, list);
    }
  });
  return lists.build();
}

}  // namespace

models::OwnedLatentVectors fit_latent(const models::Interactions& interactions, LatentOptions options) {
  models::OwnedLatentVectors out;
  options.als.threads = options.index.threads = options.threads;
  const models::Interactions telling = telling_rows(interactions);
  if (telling.items.empty()) return out;
  const AlsModel model = fit_als(telling, options.als);
  const std::size_t f = model.n_factors();
  const std::size_t g = (f + models::kLatentLanes - 1) / models::kLatentLanes * models::kLatentLanes;
  out.parameters = model.fold_in_parameters();
  out.gram.assign(f * g, 0);
  for (std::size_t i = 0; i < f; ++i)
    std::copy_n(model.gram().data() + i * f, f, out.gram.begin() + static_cast<std::ptrdiff_t>(i * g));
  out.neighbours = nearest(model.item_factors(), f, options.neighbors, options.index, options.threads);
  out.index = index_of(model.item_factors(), f, VectorDistance::kInnerProduct, models::kScanEf, options.index);
  return out;
}

}  // namespace lodestone::training
