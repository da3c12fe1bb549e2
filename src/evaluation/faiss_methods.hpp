#pragma once
// Faiss beside our own index, as methods of kind `vectors`. Only in builds with the option LODESTONE_FAISS of CMake, as it is no part of the product.

#include <string>

#include "evaluation/vectors.hpp"

namespace lodestone::evaluation {

/// `faiss-hnsw` (M 32, efConstruction 200, ef 64, as ours) or `faiss-ivf` (4 sqrt(n) lists, of which a search reads an eighth). Cosine is L2 between
/// vectors of length 1; the inner product is Faiss's own. `set` must outlive the method. Throws invalid_argument in a build without Faiss.
VectorMethod make_faiss_method(const std::string& name, const VectorSet& set, int threads);

}  // namespace lodestone::evaluation
