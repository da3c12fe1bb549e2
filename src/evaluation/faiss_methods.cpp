#include "evaluation/faiss_methods.hpp"

#include <faiss/IndexFlat.h>
#include <faiss/IndexHNSW.h>
#include <faiss/IndexIVFFlat.h>
#include <faiss/utils/utils.h>
#include <fmt/format.h>
#include <omp.h>

#include <algorithm>
#include <cmath>
#include <memory>

#include "base/thread_pool.hpp"

namespace lodestone::evaluation {
namespace {

constexpr int kM = 32;
constexpr int kEfConstruction = 200;
constexpr int kEf = 64;
constexpr std::size_t kProbesShare = 8;

struct Holder {
  std::unique_ptr<faiss::IndexFlat> coarse;
  std::unique_ptr<faiss::Index> index;
  std::vector<float> query;
  std::vector<float> distances;
  std::vector<faiss::Index::idx_t> items;
};

void scale_to_one(std::span<float> vector) {
  double squares = 0;
  for (const float v : vector) squares += static_cast<double>(v) * static_cast<double>(v);
  if (squares == 0) return;
  for (float& v : vector) v = static_cast<float>(static_cast<double>(v) / std::sqrt(squares));
}

std::size_t lists_for(std::size_t n) {
  return std::clamp<std::size_t>(static_cast<std::size_t>(4 * std::sqrt(static_cast<double>(n))), 1,
                                 std::max<std::size_t>(1, n / 39));
}

}  // namespace

VectorMethod make_faiss_method(const std::string& name, const VectorSet& set, int threads) {
  const bool graph = name == "faiss-hnsw";
  const bool cosine = set.distance == "cosine";
  const faiss::MetricType metric = set.distance == "ip" ? faiss::METRIC_INNER_PRODUCT : faiss::METRIC_L2;
  const std::size_t lists = lists_for(set.base.size());
  const std::size_t probes = std::max<std::size_t>(1, lists / kProbesShare);
  VectorMethod method;
  method.name = name;
  method.settings =
      graph ? fmt::format("m={} ef_construction={} ef={}; Faiss: {}", kM, kEfConstruction, kEf, faiss::get_compile_options())
            : fmt::format("lists={} probes={}; Faiss: {}", lists, probes, faiss::get_compile_options());
  const auto holder = std::make_shared<Holder>();
  method.fit = [=, &set] {
    omp_set_num_threads(threads > 0 ? threads : usable_cores());
    const auto d = static_cast<int>(set.base.dimension);
    if (graph) {
      auto index = std::make_unique<faiss::IndexHNSWFlat>(d, kM, metric);
      index->hnsw.efConstruction = kEfConstruction;
      index->hnsw.efSearch = kEf;
      holder->index = std::move(index);
    } else {
      holder->coarse = std::make_unique<faiss::IndexFlat>(d, metric);
      auto index = std::make_unique<faiss::IndexIVFFlat>(holder->coarse.get(), set.base.dimension, lists, metric);
      index->nprobe = probes;
      holder->index = std::move(index);
    }
    std::vector<float> base(set.base.values);
    if (cosine) {
      for (std::size_t i = 0; i < set.base.size(); ++i)
        scale_to_one(std::span(base).subspan(i * set.base.dimension, set.base.dimension));
    }
    const auto n = static_cast<faiss::Index::idx_t>(set.base.size());
    holder->index->train(n, base.data());
    holder->index->add(n, base.data());
    omp_set_num_threads(1);  // searches are measured on one thread
  };
  method.search = [holder, cosine](std::span<const float> query, std::size_t k, std::vector<std::int32_t>& out) {
    holder->query.assign(query.begin(), query.end());
    if (cosine) scale_to_one(holder->query);
    holder->distances.resize(k);
    holder->items.resize(k);
    holder->index->search(1, holder->query.data(), static_cast<faiss::Index::idx_t>(k), holder->distances.data(),
                          holder->items.data());
    out.clear();
    for (const faiss::Index::idx_t item : holder->items) {
      if (item >= 0) out.push_back(static_cast<std::int32_t>(item));
    }
  };
  return method;
}

}  // namespace lodestone::evaluation
