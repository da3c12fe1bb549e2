#include "serving/housekeeper.hpp"

namespace lodestone::serving {

void Housekeeper::start(std::chrono::milliseconds interval) {
  thread_ = std::thread([this, interval] { loop(interval); });
}

void Housekeeper::stop() {
  is_stopping_.store(true, std::memory_order_release);
  watch_.interrupt();
  if (thread_.joinable()) thread_.join();
}

void Housekeeper::loop(std::chrono::milliseconds interval) {
  while (!is_stopping_.load(std::memory_order_acquire)) {
    for (Task& task : tasks_) {
      const auto now = std::chrono::steady_clock::now();
      if (now < task.next) continue;
      task.next = now + task.every;
      task.run();
    }
    watch_.wait(interval);
  }
}

}  // namespace lodestone::serving
