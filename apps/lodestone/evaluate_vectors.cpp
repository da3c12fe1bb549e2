#include "evaluate_vectors.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <string>

#include "base/error.hpp"
#include "base/log.hpp"
#include "base/nearest.hpp"
#include "evaluation/faiss_methods.hpp"
#include "evaluation/vectors.hpp"
#include "training/vector_build.hpp"

namespace lodestone::app {
namespace {

using models::VectorSearchWay;

std::vector<std::string> read_names(std::string_view wanted, const evaluation::DatasetSpec& spec) {
  static const std::vector<std::string> known{"auto", "all", "exact", "hnsw", "faiss-hnsw", "faiss-ivf"};
  std::vector<std::string> out;
  const auto add = [&out](const std::string& name) {
    if (std::find(out.begin(), out.end(), name) == out.end()) out.push_back(name);
  };
  while (true) {
    const std::size_t comma = std::min(wanted.find(','), wanted.size());
    const std::string name(wanted.substr(0, comma));
    if (std::find(known.begin(), known.end(), name) == known.end()) {
      const std::string near = nearest_name(name, known);
      fail(ErrorCode::kInvalidArgument,
           "{}: kind vectors has no method \"{}\"{} It can be measured with exact, hnsw, faiss-hnsw, faiss-ivf, auto or all",
           spec.file.string(), name, near.empty() ? "." : fmt::format("; did you mean \"{}\"?", near));
    }
    if (name == "all") {
      add("exact");
      add("hnsw");
    } else {
      add(name);
    }
    if (comma == wanted.size()) return out;
    wanted.remove_prefix(comma + 1);
  }
}

models::VectorDistance distance_of(const std::string& name) {
  if (name == "l2") return models::VectorDistance::kL2;
  return name == "ip" ? models::VectorDistance::kInnerProduct : models::VectorDistance::kCosine;
}

/// An index with what it views.
struct Holder {
  models::OwnedVectorIndex owned;
  models::VectorIndex index;
  models::VectorIndex::Scratch scratch;
  std::vector<models::VectorHit> hits;
};

evaluation::VectorMethod make_method(const std::string& name, const evaluation::VectorSet& set, std::size_t largest_k,
                                     int threads) {
  if (name.starts_with("faiss-")) return evaluation::make_faiss_method(name, set, threads);
  training::VectorIndexOptions options;
  options.threads = threads;
  models::VectorSearchOptions search;
  const std::size_t n = set.base.size();
  const models::VectorDistance distance = distance_of(set.distance);
  const bool has_codes = models::has_scan_codes(distance, n, models::stride_of(distance, set.base.dimension));
  const bool graph =
      name == "hnsw" || (name == "auto" && models::is_walk_faster(n, n, std::max(search.ef, largest_k), has_codes));
  search.way = graph ? VectorSearchWay::kGraph : VectorSearchWay::kScan;
  if (!graph) options.m = 0;
  evaluation::VectorMethod method;
  method.name = name;
  method.settings = graph ? fmt::format("{}m={} ef_construction={} ef={}", name == "auto" ? "hnsw: " : "", options.m,
                                        options.ef_construction, search.ef)
                          : fmt::format("{}scan of {} vectors", name == "auto" ? "exact: " : "", set.base.size());
  const auto holder = std::make_shared<Holder>();
  method.fit = [holder, &set, distance, options] {
    holder->owned = training::build_vector_index(set.base.values, set.base.dimension, distance, options);
    holder->index = models::VectorIndex(holder->owned.view(), "the index that was built");
  };
  method.search = [holder, search](std::span<const float> query, std::size_t k, std::vector<std::int32_t>& out) {
    models::VectorSearchOptions wanted = search;
    wanted.k = k;
    holder->index.search(query, wanted, holder->scratch, holder->hits);
    out.clear();
    for (const models::VectorHit& hit : holder->hits) out.push_back(hit.item);
  };
  return method;
}

}  // namespace

std::vector<evaluation::MethodResult> evaluate_vectors(const evaluation::DatasetSpec& spec, std::string_view wanted,
                                                       const evaluation::EvaluateOptions& options) {
  const std::vector<std::string> names = read_names(wanted, spec);
  log_info("evaluate", "{}: reading", spec.name);
  const evaluation::VectorSet set = evaluation::load_vector_set(spec);
  const std::size_t k = *std::max_element(spec.protocol.k.begin(), spec.protocol.k.end());
  std::vector<evaluation::MethodResult> results;
  for (const std::string& name : names) {
    log_info("evaluate", "{}: measuring {} on {} vectors of {} dimensions and {} queries", spec.name, name, set.base.size(),
             set.base.dimension, set.queries.size());
    results.push_back(measure_vectors(spec, set, make_method(name, set, k, options.threads), options));
  }
  return results;
}

}  // namespace lodestone::app
