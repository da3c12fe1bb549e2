#pragma once
// A database that pipeline watch follows by its log on a thread of its own, and takes up again when it went away.

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "log_capture.hpp"
#include "stages.hpp"

namespace lodestone::app {

/// How far a follower is.
struct CaptureState {
  std::string source;
  TimePoint covered_until;  ///< all that was committed until then is in the lake
  std::string sentence;     ///< why it does not follow now; "" when it does
};

/// Follows from construction to destruction. The references must outlive it; `covered_until` is what the caller has read.
class Follower {
 public:
  Follower(const Config& config, std::string name, const lake::Contracts& contracts, const Kept& kept, TimePoint covered_until);
  ~Follower();
  Follower(const Follower&) = delete;
  Follower& operator=(const Follower&) = delete;

  /// From any thread.
  [[nodiscard]] CaptureState state() const;

 private:
  void run();

  const Config& config_;
  std::string name_;
  const lake::Contracts& contracts_;
  const Kept& kept_;
  SystemClock clock_;
  table::Engine engine_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  bool is_stopping_ = false;
  TimePoint covered_until_;
  std::string sentence_;
  std::unique_ptr<LogCapture> capture_;
  std::thread thread_;
};

}  // namespace lodestone::app
