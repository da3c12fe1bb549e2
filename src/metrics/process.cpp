#include "metrics/process.hpp"

#include <dirent.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <unistd.h>

#include <cstdio>
#include <ctime>

namespace lodestone::metrics {

namespace {

double seconds(const timeval& t) { return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) * 1e-6; }

double cpu_seconds() {
  rusage usage{};
  if (getrusage(RUSAGE_SELF, &usage) != 0) return 0;
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

struct Memory {
  double virtual_bytes = 0;
  double resident_bytes = 0;
};

Memory memory() {
  Memory result;
  if (std::FILE* file = std::fopen("/proc/self/statm", "re")) {
    unsigned long total = 0;
    unsigned long resident = 0;
    if (std::fscanf(file, "%lu %lu", &total, &resident) == 2) {
      const auto page = static_cast<double>(sysconf(_SC_PAGESIZE));
      result = {static_cast<double>(total) * page, static_cast<double>(resident) * page};
    }
    std::fclose(file);
  }
  return result;
}

double open_files() {
  DIR* folder = opendir("/proc/self/fd");
  if (folder == nullptr) return 0;
  double n = -3;  // ".", ".." and the folder's own descriptor
  while (readdir(folder) != nullptr) ++n;
  closedir(folder);
  return n;
}

double max_files() {
  rlimit limit{};
  return getrlimit(RLIMIT_NOFILE, &limit) == 0 ? static_cast<double>(limit.rlim_cur) : 0;
}

}  // namespace

void register_process_metrics(Registry& registry) {
  const Gauge cpu =
      registry.sampled_counter("process_cpu_seconds_total", "Processor time used by this process, user and system.");
  const Gauge resident = registry.gauge("process_resident_memory_bytes", "Memory of this process that is in RAM.");
  const Gauge virtual_size = registry.gauge("process_virtual_memory_bytes", "Address space of this process.");
  const Gauge open = registry.gauge("process_open_fds", "Open file descriptors.");
  const Gauge most = registry.gauge("process_max_fds", "Limit of open file descriptors.");
  registry.gauge("process_start_time_seconds", "Time at which the metrics began, seconds since 1970.")
      .set(static_cast<double>(std::time(nullptr)));
  registry.on_scrape([=] {
    cpu.set(cpu_seconds());
    const Memory now = memory();
    resident.set(now.resident_bytes);
    virtual_size.set(now.virtual_bytes);
    open.set(open_files());
    most.set(max_files());
  });
}

}  // namespace lodestone::metrics
