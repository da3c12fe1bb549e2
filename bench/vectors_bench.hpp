#pragma once
// What the programs of bench/vectors.py share: each holds one index, reads commands as lines and answers each with one JSON object on a line.
//
//   PROGRAM FOLDER DIMENSION K M EF_CONSTRUCTION    FOLDER holds base.f32, queries.f32 (row-major) and truth.i32 ([queries, K])
//   build THREADS          makes the index anew: {"seconds"}, by the clock, and {"processor_seconds"}
//   search EF              all queries, one after the other: {"queries_per_second"} of processor time, best of three passes, {"recall"}

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <ctime>
#include <iostream>
#include <span>
#include <sstream>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/file.hpp"

namespace lodestone::bench {

struct VectorTask {
  std::size_t dimension = 0;
  std::size_t k = 0;
  std::size_t m = 0;
  std::size_t ef_construction = 0;
  std::vector<float> base;
  std::vector<float> queries;
  std::vector<std::int32_t> truth;

  [[nodiscard]] std::size_t n_base() const { return base.size() / dimension; }
  [[nodiscard]] std::size_t n_queries() const { return queries.size() / dimension; }
  [[nodiscard]] std::span<const float> query(std::size_t i) const { return std::span(queries).subspan(i * dimension, dimension); }
};

template <typename T>
std::vector<T> read_values(const fs::path& path) {
  const std::string text = read_file(path);
  std::vector<T> out(text.size() / sizeof(T));
  std::memcpy(out.data(), text.data(), out.size() * sizeof(T));
  return out;
}

inline VectorTask read_task(int argc, char** argv) {
  if (argc != 6) fail(ErrorCode::kInvalidArgument, "usage: PROGRAM FOLDER DIMENSION K M EF_CONSTRUCTION");
  const fs::path folder = argv[1];
  VectorTask task;
  task.dimension = std::stoul(argv[2]);
  task.k = std::stoul(argv[3]);
  task.m = std::stoul(argv[4]);
  task.ef_construction = std::stoul(argv[5]);
  task.base = read_values<float>(folder / "base.f32");
  task.queries = read_values<float>(folder / "queries.f32");
  task.truth = read_values<std::int32_t>(folder / "truth.i32");
  return task;
}

/// Of all threads of this process.
inline double processor_seconds() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

template <typename Work>
void print_build(Work work) {
  const auto start = std::chrono::steady_clock::now();
  const double before = processor_seconds();
  work();
  const double used = processor_seconds() - before;
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  fmt::print("{{\"seconds\":{:.4f},\"processor_seconds\":{:.4f}}}\n", seconds, used);
}

/// `search(i, found)` fills `found` with the numbers found for query i. Recall is against `truth`, k numbers a query.
template <typename Search>
void print_search(const VectorTask& task, std::span<const std::int32_t> truth, Search search) {
  std::vector<std::vector<std::int32_t>> found(task.n_queries());
  double least = 0;
  for (int pass = 0; pass < 3; ++pass) {
    const double start = processor_seconds();
    for (std::size_t i = 0; i < found.size(); ++i) search(i, found[i]);
    const double seconds = processor_seconds() - start;
    if (pass == 0 || seconds < least) least = seconds;
  }
  std::size_t hits = 0;
  for (std::size_t i = 0; i < found.size(); ++i) {
    for (const std::int32_t item : truth.subspan(i * task.k, task.k))
      hits += std::find(found[i].begin(), found[i].end(), item) != found[i].end() ? 1U : 0U;
  }
  fmt::print("{{\"queries_per_second\":{:.2f},\"recall\":{:.5f}}}\n", static_cast<double>(found.size()) / least,
             static_cast<double>(hits) / static_cast<double>(truth.size()));
}

/// Hands each line to `answer(command, rest)` until the input ends.
template <typename Answer>
int serve_commands(const char* program, Answer answer) {
  try {
    for (std::string line; std::getline(std::cin, line);) {
      std::istringstream words(line);
      std::string command;
      words >> command;
      answer(command, words);
      std::fflush(stdout);
    }
    return 0;
  } catch (const Error& error) {
    fmt::print(stderr, "{}: {}\n", program, error.message());
    return exit_code(error.code());
  }
}

}  // namespace lodestone::bench
