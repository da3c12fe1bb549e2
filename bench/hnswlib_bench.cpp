// hnswlib for bench/vectors.py; vectors_bench.hpp tells the commands. Compiled once for AVX2 and once for AVX-512, as the library takes the
// instructions that it is compiled for.
#include <hnswlib/hnswlib.h>

#include <memory>

#include "base/thread_pool.hpp"
#include "bench/vectors_bench.hpp"

namespace lodestone::bench {
namespace {

using Graph = hnswlib::HierarchicalNSW<float>;

int run(int argc, char** argv) {
  const VectorTask task = read_task(argc, argv);
  hnswlib::L2Space space(task.dimension);
  std::unique_ptr<Graph> graph;
  return serve_commands("hnswlib_bench", [&](const std::string& command, std::istringstream& words) {
    if (command == "build") {
      int threads = 1;
      words >> threads;
      print_build([&] {
        graph = std::make_unique<Graph>(&space, task.n_base(), task.m, task.ef_construction);
        graph->addPoint(task.base.data(), 0);
        parallel_for(task.n_base() - 1, 16, threads, [&](std::size_t begin, std::size_t end, int) {
          for (std::size_t i = begin + 1; i < end + 1; ++i) graph->addPoint(task.base.data() + i * task.dimension, i);
        });
      });
    } else if (command == "search") {
      std::size_t ef = 0;
      words >> ef;
      graph->setEf(ef);
      print_search(task, task.truth, [&](std::size_t i, std::vector<std::int32_t>& found) {
        auto nearest = graph->searchKnn(task.query(i).data(), task.k);
        found.clear();
        for (; !nearest.empty(); nearest.pop()) found.push_back(static_cast<std::int32_t>(nearest.top().second));
      });
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
    fmt::print(stderr, "hnswlib_bench: {}\n", error.message());
    return lodestone::exit_code(error.code());
  }
}
