#pragma once
// The one thread on which a server waits for other servers: Redis, remote channels. Requests hand their waiting over and are resumed
// when it is over, so a slow neighbour never holds a thread that answers requests, and one connection pipelines for all of them.

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <functional>
#include <thread>

namespace lodestone::cache {

namespace asio = boost::asio;

/// Whatever lives on the loop must outlive stop() and be destroyed before the loop. start and stop belong to one thread.
class IoLoop {
 public:
  IoLoop() : work_(asio::make_work_guard(context_)) {}
  ~IoLoop() { stop(); }
  IoLoop(const IoLoop&) = delete;
  IoLoop& operator=(const IoLoop&) = delete;

  /// For the clients that live on it.
  [[nodiscard]] asio::io_context& context() { return context_; }

  void start();
  /// Ends the thread; what still waits is dropped.
  void stop();

  /// Runs it on the loop's thread. Any thread; what is posted after stop() never runs.
  void post(std::function<void()> work);
  /// The same after a while, once.
  void after(std::chrono::milliseconds pause, std::function<void()> work);

 private:
  asio::io_context context_{1};
  asio::executor_work_guard<asio::io_context::executor_type> work_;
  std::thread thread_;
};

}  // namespace lodestone::cache
