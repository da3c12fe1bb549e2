#pragma once
// A vector index in one file of arrays (docs/formats/vectors.md): written once, then searched where it is mapped.

#include <cstddef>

#include "base/file.hpp"
#include "base/tensor_file.hpp"
#include "models/recall/vector_index.hpp"

namespace lodestone::models {

struct VectorFile {
  VectorArrays arrays;              ///< views into the file
  std::size_t ef_construction = 0;  ///< that the graph was built with; 0 without a graph
};

/// Writes the file and flushes it. Throws unavailable.
void save_vector_index(const VectorArrays& arrays, std::size_t ef_construction, const fs::path& path);

/// Views the arrays of a file that must outlive them; nothing is copied, every vector starts at a multiple of 64 bytes. Throws
/// corrupt, naming the file, for another version, an unknown distance or sizes that do not fit. Links and values are checked by
/// VectorIndex's constructor.
VectorFile view_vector_index(const TensorFile& file);

}  // namespace lodestone::models
