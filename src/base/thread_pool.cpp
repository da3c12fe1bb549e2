#include "base/thread_pool.hpp"

#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <fstream>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace lodestone {
namespace {

/// CPUs of the cgroup v2 quota ("max 100000" or "200000 100000"), rounded up; 0 when there is none.
int quota_cores() {
  std::ifstream file("/sys/fs/cgroup/cpu.max");
  std::string quota;
  double period = 0;
  if (!(file >> quota >> period) || quota == "max" || period <= 0) return 0;
  return static_cast<int>((std::stod(quota) + period - 1) / period);
}

/// Limit of the cgroup v2; 0 when there is none.
std::uint64_t limit_bytes() {
  std::ifstream file("/sys/fs/cgroup/memory.max");
  std::uint64_t limit = 0;
  return file >> limit ? limit : 0;  // "max" is no number
}

}  // namespace

std::uint64_t usable_memory_bytes() {
  const auto pages = static_cast<std::uint64_t>(std::max(0L, ::sysconf(_SC_PHYS_PAGES)));
  const std::uint64_t machine = pages * static_cast<std::uint64_t>(std::max(1L, ::sysconf(_SC_PAGESIZE)));
  const std::uint64_t limit = limit_bytes();
  return limit > 0 ? std::min(limit, machine) : machine;
}

int usable_cores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  int cores = ::sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set) : 1;
  if (const int quota = quota_cores(); quota > 0) cores = std::min(cores, quota);
  return std::max(1, cores);
}

void parallel_for(std::size_t n, std::size_t block, int n_threads,
                  const std::function<void(std::size_t begin, std::size_t end, int thread)>& body) {
  if (n == 0) return;
  block = std::max<std::size_t>(1, block);
  if (n_threads <= 0) n_threads = usable_cores();
  n_threads = static_cast<int>(std::min<std::size_t>(static_cast<std::size_t>(n_threads), (n + block - 1) / block));
  std::atomic<std::size_t> next{0};
  std::mutex mutex;
  std::exception_ptr first;
  const auto work = [&](int thread) {
    try {
      for (;;) {
        const std::size_t begin = next.fetch_add(block);
        if (begin >= n) return;
        body(begin, std::min(n, begin + block), thread);
      }
    } catch (...) {
      const std::scoped_lock lock(mutex);
      if (!first) first = std::current_exception();
      next = n;  // the others stop at their next block
    }
  };
  {
    std::vector<std::jthread> threads;
    for (int t = 1; t < n_threads; ++t) threads.emplace_back(work, t);
    work(0);
  }
  if (first) std::rethrow_exception(first);
}

}  // namespace lodestone
