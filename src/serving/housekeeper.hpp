#pragma once
// The thread that does what comes round: looking at files, letting go of what was replaced, readings of rolling metrics.

#include <atomic>
#include <chrono>
#include <functional>
#include <thread>
#include <utility>
#include <vector>

#include "serving/folder_watch.hpp"

namespace lodestone::serving {

/// add() before start(); start and stop belong to one thread.
class Housekeeper {
 public:
  Housekeeper() = default;
  ~Housekeeper() { stop(); }
  Housekeeper(const Housekeeper&) = delete;
  Housekeeper& operator=(const Housekeeper&) = delete;

  /// A task that must not throw. Those of `every` zero run at each round.
  void add(std::function<void()> task, std::chrono::milliseconds every = std::chrono::milliseconds(0)) {
    tasks_.push_back({std::move(task), every, {}});
  }
  /// A change of a file there begins a round at once. Before start().
  void watch(const fs::path& folder) { watch_.add(folder); }
  /// Runs the tasks one after the other, then waits `interval` at most, until stop().
  void start(std::chrono::milliseconds interval);
  void stop();

 private:
  struct Task {
    std::function<void()> run;
    std::chrono::milliseconds every;
    std::chrono::steady_clock::time_point next;
  };
  void loop(std::chrono::milliseconds interval);

  std::vector<Task> tasks_;
  FolderWatch watch_;
  std::atomic<bool> is_stopping_{false};
  std::thread thread_;
};

}  // namespace lodestone::serving
