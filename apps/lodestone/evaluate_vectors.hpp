#pragma once
// `lodestone evaluate` for data sets of kind vectors.

#include <string_view>
#include <vector>

#include "evaluation/dataset_spec.hpp"
#include "evaluation/evaluate.hpp"

namespace lodestone::app {

/// Reads the set and measures the methods named in `wanted` ("auto", "all", or names parted by commas), a row each: `exact` scans, `hnsw` walks
/// the graph, auto does what serving would, `faiss-hnsw` and `faiss-ivf` (not in all) are evaluation/faiss_methods.hpp. Throws invalid_argument for another name, with the nearest.
std::vector<evaluation::MethodResult> evaluate_vectors(const evaluation::DatasetSpec& spec, std::string_view wanted,
                                                       const evaluation::EvaluateOptions& options);

}  // namespace lodestone::app
