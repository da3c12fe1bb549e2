#pragma once
// Parallel loops for training and evaluation. The result of a loop must not depend on the number of threads: bodies write to places
// of their own, and sums are taken per block in block order.

#include <cstddef>
#include <cstdint>
#include <functional>

namespace lodestone {

/// Cores this process may use (affinity and cgroup quota respected), at least 1.
int usable_cores();

/// Memory this process may use, bytes: the machine's, or the cgroup's limit where that is less.
std::uint64_t usable_memory_bytes();

/// Runs body(begin, end, thread) over [0, n) in blocks of `block` on `n_threads` threads (0 = usable_cores()); `thread` is in
/// [0, n_threads), for per-thread scratch. Returns when all is done; the first exception of a body is thrown again here.
void parallel_for(std::size_t n, std::size_t block, int n_threads,
                  const std::function<void(std::size_t begin, std::size_t end, int thread)>& body);

}  // namespace lodestone
