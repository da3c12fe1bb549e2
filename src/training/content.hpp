#pragma once
// Content models: items as BM25-weighted bags of tokens over weighted fields (title x3, tags x2), their nearest neighbours by these and by the
// dense form of training/lsa.hpp together (docs/decisions/0017-dense-content.md), and the inverted index that text search sums over.

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "models/interactions.hpp"
#include "models/recall/neighbours.hpp"
#include "models/release.hpp"
#include "training/lsa.hpp"

namespace lodestone::training {

/// A token's count in an item is the sum over the fields of weight * count there (BM25F: Robertson, Zaragoza, Taylor, CIKM 2004); a field of
/// weight 0 is left out.
struct ContentOptions {
  double title_weight = 3;
  double tag_weight = 2;
  double category_weight = 1;
  double company_weight = 1;
  double description_weight = 1;
  double bm25_k1 = 1.2;
  double bm25_b = 0.75;
  std::size_t neighbors = 200;  ///< kept for each item
  /// Of the cosine of LSA beside the cosine of the bags; 0 = bags alone, which nothing but data should change: it helps where likeness is a matter
  /// of topic and hurts where it is one of names (docs/decisions/0017-dense-content.md).
  double dense_weight = 0;
  /// Nearest by LSA that join the candidates, if they are at `dense_least` or more. From `max_dense_items` on (all pairs are looked at) there are none,
  /// and LSA only ranks what shares a token.
  std::size_t dense_candidates = 200;
  double dense_least = 0.3;
  std::size_t max_dense_items = 50'000;
  LsaOptions lsa;  ///< its threads are those below
  /// Postings read for one item, rarest tokens first; what is left out only ranks the finalists. On 36,000 French titles 10,000 find 99.9 % of
  /// the true ten nearest; more costs time in proportion.
  std::size_t max_postings = 10'000;
  int threads = 0;  ///< 0 = all cores; the result does not depend on it
};

/// Row i of `rows` (its "items" are numbers of `tokens`) is item i's vector of length 1; empty for an item without text.
struct ContentVectors {
  std::vector<std::uint64_t> tokens;  ///< hashes of features::tokenize, ascending
  models::Interactions rows;          ///< [n_items, n_tokens]
};
ContentVectors build_content_vectors(std::span<const models::Item> items, const ContentOptions& options);

/// For each item its nearest, best first, all positive: (cosine of bags + dense_weight * cosine of LSA, if positive) / (1 + dense_weight), so that
/// items with equal text are at 1. The cosines are exact; candidates are the nearest by LSA and those by the bags, all of these while an item's
/// tokens have at most max_postings postings.
models::OwnedNeighbours fit_content(std::span<const models::Item> items, const ContentOptions& options);
models::OwnedNeighbours fit_content(const ContentVectors& vectors, const ContentOptions& options);

/// The dense form of the vectors.
LsaVectors fit_content_lsa(const ContentVectors& vectors, const ContentOptions& options);

/// For each token its items, ascending, with the BM25 weight that a query containing the token adds to the item.
models::OwnedTextIndex build_text_index(std::span<const models::Item> items, const ContentOptions& options);

}  // namespace lodestone::training
