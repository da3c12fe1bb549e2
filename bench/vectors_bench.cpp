// Our vector index for bench/vectors.py; vectors_bench.hpp tells the commands. Beside those:
//
//   build THREADS [ip]         under inner products instead of L2
//   scan                       all queries by the scan
//   filter SHARE EF scan|graph all queries where only that share of the items, drawn evenly, may be found
#include "bench/vectors_bench.hpp"

#include "base/rng.hpp"
#include "training/vector_build.hpp"

namespace lodestone::bench {
namespace {

using models::VectorSearchOptions;
using models::VectorSearchWay;

class OurIndex {
 public:
  explicit OurIndex(const VectorTask& task) : task_(task) {}

  void build(int threads, models::VectorDistance distance) {
    training::VectorIndexOptions options;
    options.m = task_.m;
    options.ef_construction = task_.ef_construction;
    options.threads = threads;
    owned_ = training::build_vector_index(task_.base, task_.dimension, distance, options);
    index_ = models::VectorIndex(owned_.view(), "the index that was built");
  }

  void find(std::size_t query, const VectorSearchOptions& options, std::vector<std::int32_t>& found) {
    index_.search(task_.query(query), options, scratch_, hits_);
    found.clear();
    for (const models::VectorHit& hit : hits_) found.push_back(hit.item);
  }

  /// What is allowed differs from query to query no more than the queries do; recall is against the scan over it.
  void filter(double share, const VectorSearchOptions& wanted) {
    std::vector<std::uint64_t> bits((task_.n_base() + 63) / 64);
    models::AllowedItems allowed{bits, 0};
    Rng rng(11);
    for (std::size_t i = 0; i < task_.n_base(); ++i) {
      if (rng.uniform() >= share) continue;
      bits[i / 64] |= std::uint64_t{1} << i % 64;
      ++allowed.count;
    }
    VectorSearchOptions options = wanted;
    options.allowed = &allowed;
    VectorSearchOptions exact = options;
    exact.way = VectorSearchWay::kScan;
    std::vector<std::int32_t> truth;
    std::vector<std::int32_t> found;
    for (std::size_t i = 0; i < task_.n_queries(); ++i) {
      find(i, exact, found);
      found.resize(task_.k, -1);
      truth.insert(truth.end(), found.begin(), found.end());
    }
    print_search(task_, truth, [&](std::size_t i, std::vector<std::int32_t>& out) { find(i, options, out); });
  }

 private:
  const VectorTask& task_;
  models::OwnedVectorIndex owned_;
  models::VectorIndex index_;
  models::VectorIndex::Scratch scratch_;
  std::vector<models::VectorHit> hits_;
};

int run(int argc, char** argv) {
  const VectorTask task = read_task(argc, argv);
  OurIndex index(task);
  return serve_commands("vectors_bench", [&](const std::string& command, std::istringstream& words) {
    VectorSearchOptions options{.k = task.k};
    const auto print = [&] {
      print_search(task, task.truth, [&](std::size_t i, std::vector<std::int32_t>& found) { index.find(i, options, found); });
    };
    if (command == "build") {
      int threads = 1;
      std::string distance;
      words >> threads >> distance;
      const auto kind = distance == "ip" ? models::VectorDistance::kInnerProduct : models::VectorDistance::kL2;
      print_build([&] { index.build(threads, kind); });
    } else if (command == "search") {
      words >> options.ef;
      options.way = VectorSearchWay::kGraph;
      print();
    } else if (command == "scan") {
      options.way = VectorSearchWay::kScan;
      print();
    } else if (command == "filter") {
      double share = 1;
      std::string way;
      words >> share >> options.ef >> way;
      options.way = way == "scan" ? VectorSearchWay::kScan : VectorSearchWay::kGraph;
      index.filter(share, options);
    } else {
      fail(ErrorCode::kInvalidArgument, "there is no command \"{}\"", command);
    }
  });
}

}  // namespace
}  // namespace lodestone::bench

int main(int argc, char** argv) {
  try {
    return lodestone::bench::run(argc, argv);
  } catch (const lodestone::Error& error) {
    fmt::print(stderr, "vectors_bench: {}\n", error.message());
    return lodestone::exit_code(error.code());
  }
}
