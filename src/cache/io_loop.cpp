#include "cache/io_loop.hpp"

#include <boost/asio/post.hpp>
#include <memory>

namespace lodestone::cache {

void IoLoop::start() {
  thread_ = std::thread([this] { context_.run(); });
}

void IoLoop::stop() {
  context_.stop();
  if (thread_.joinable()) thread_.join();
}

void IoLoop::post(std::function<void()> work) { asio::post(context_, std::move(work)); }

void IoLoop::after(std::chrono::milliseconds pause, std::function<void()> work) {
  auto timer = std::make_shared<asio::steady_timer>(context_, pause);
  timer->async_wait([timer, work = std::move(work)](const boost::system::error_code& error) {
    if (!error) work();
  });
}

}  // namespace lodestone::cache
