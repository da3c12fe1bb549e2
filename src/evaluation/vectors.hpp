#pragma once
// Kind `vectors` of dataset.yaml: base vectors, queries and the true nearest of each, against which an index is measured by recall and by the queries
// that one thread answers in a second.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "evaluation/evaluate.hpp"

namespace lodestone::evaluation {

/// [n, dimension] row-major.
template <typename T>
struct Matrix {
  std::size_t dimension = 0;
  std::vector<T> values;

  [[nodiscard]] std::size_t size() const { return dimension == 0 ? 0 : values.size() / dimension; }
  [[nodiscard]] std::span<const T> operator[](std::size_t i) const { return std::span(values).subspan(i * dimension, dimension); }
};

/// Reads fvecs and ivecs: for each row its length (int32, little endian), then that many values; gzip by suffix. Throws corrupt, naming file and
/// row, when a row has another length than the first, is cut, or a float is not finite, and when there is no row.
Matrix<float> load_fvecs(const FileSpec& file);
Matrix<std::int32_t> load_ivecs(const FileSpec& file);

struct VectorSet {
  Matrix<float> base;
  Matrix<float> queries;
  Matrix<std::int32_t> truth;  ///< rows of base, nearest first
  std::string distance;        ///< cosine, ip or l2
};
/// Throws corrupt when dimensions differ, when there are not as many rows of truth as queries, when a row of truth names no row of base, and
/// invalid_argument when a cut-off of the protocol is beyond the length of the truth or of base.
VectorSet load_vector_set(const DatasetSpec& spec);

/// How near two vectors are by the set's distance, more is nearer; in doubles, whatever an index does inside.
double nearness(const VectorSet& set, std::span<const float> query, std::span<const float> item);

/// One way of answering.
struct VectorMethod {
  std::string name;
  std::string settings;
  /// Builds the index; its time is the row's seconds to fit.
  std::function<void()> fit;
  /// Replaces `out` by the k nearest rows of base, nearest first. On the calling thread alone.
  std::function<void(std::span<const float> query, std::size_t k, std::vector<std::int32_t>& out)> search;
};

/// recall@k: items found that are as near as the k-th true one, / k; the interval draws queries. queries_per_second: one thread, one query at a
/// time, at the largest k.
MethodResult measure_vectors(const DatasetSpec& spec, const VectorSet& set, const VectorMethod& method,
                             const EvaluateOptions& options);

}  // namespace lodestone::evaluation
