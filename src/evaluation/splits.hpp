#pragma once
// The splits of dataset.yaml: data set in, problems out, one a fold. Exactly as docs/formats/dataset-yaml.md defines them.

#include <cstdint>
#include <span>
#include <vector>

#include "evaluation/dataset.hpp"
#include "evaluation/problem.hpp"

namespace lodestone::evaluation {

/// h(i) = first 8 bytes, big endian, of SHA-256 of "seed:i".
std::uint64_t row_hash(std::uint64_t seed, std::uint64_t row);

/// How many of n interactions are train: fraction * n rounded half up, at least one.
std::size_t train_count(double fraction, std::size_t n);

/// The problems of the data set's protocol: `folds` for k-fold, else one. `data` must outlive them (they view its texts). Throws
/// invalid_argument when no case has a target.
std::vector<Problem> make_problems(const Dataset& data);

}  // namespace lodestone::evaluation
