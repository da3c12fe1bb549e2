#include "serving/housekeeper.hpp"

namespace lodestone::serving {

void Housekeeper::start(std::chrono::milliseconds interval) {
  thread_ = std::thread([this, interval] { loop(interval); });
}

void Housekeeper::stop() {
  {
    const std::lock_guard lock(mutex_);
    is_stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Housekeeper::loop(std::chrono::milliseconds interval) {
  std::unique_lock lock(mutex_);
  while (!is_stopping_) {
    lock.unlock();
    for (Task& task : tasks_) {
      const auto now = std::chrono::steady_clock::now();
      if (now < task.next) continue;
      task.next = now + task.every;
      task.run();
    }
    lock.lock();
    wake_.wait_for(lock, interval, [this] { return is_stopping_; });
  }
}

}  // namespace lodestone::serving
