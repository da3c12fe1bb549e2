#include "base/thread_pool.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <numeric>
#include <vector>

#include "base/error.hpp"
#include "base/progress.hpp"

namespace lodestone {
namespace {

TEST(ParallelFor, visits_each_index_once_on_any_number_of_threads) {
  for (const int threads : {1, 2, 7, 0}) {
    std::vector<int> seen(1001);
    parallel_for(seen.size(), 10, threads, [&](std::size_t begin, std::size_t end, int) {
      for (std::size_t i = begin; i < end; ++i) ++seen[i];
    });
    EXPECT_EQ(std::accumulate(seen.begin(), seen.end(), 0), 1001);
    EXPECT_EQ(*std::max_element(seen.begin(), seen.end()), 1);
  }
}

TEST(ParallelFor, brings_an_exception_back_and_stops) {
  std::atomic<int> blocks{0};
  EXPECT_THROW(parallel_for(100000, 1, 2,
                            [&](std::size_t begin, std::size_t, int) {
                              ++blocks;
                              if (begin == 10) fail(ErrorCode::kInternal, "body failed");
                            }),
               Error);
  EXPECT_LT(blocks.load(), 100000);
}

TEST(ParallelFor, does_nothing_for_an_empty_range) {
  parallel_for(0, 10, 2, [](std::size_t, std::size_t, int) { ADD_FAILURE() << "called"; });
}

TEST(Progress, says_rows_rate_share_and_time_left) {
  EXPECT_EQ(format_progress("extract order_tab", 500000, 1000000, 2.0),
            "extract order_tab: 500.0 k rows, 250.0 k/s, 50 %, 2 s left");
  EXPECT_EQ(format_progress("x", 10, 0, 1.0), "x: 10 rows, 10/s");
  EXPECT_EQ(format_progress("x", 15, 10, 1.0), "x: 15 rows, 15/s, 100 %, 0 s left");
}

}  // namespace
}  // namespace lodestone
