#pragma once
// Messages of a Redis channel (PUBLISH, SUBSCRIBE), on a connection of its own that is kept up.

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "cache/io_loop.hpp"
#include "cache/redis_client.hpp"

namespace lodestone::cache {

/// Thread of the loop, but for the constructor and the destructor, which run before start() and after stop().
class RedisSubscriber {
 public:
  /// `message` gets the text of each message. `gap` is called whenever messages may have been lost: the connection stands again.
  RedisSubscriber(IoLoop& loop, RedisClient::Options options, std::string channel, std::function<void(std::string_view)> message,
                  std::function<void()> gap);
  RedisSubscriber(const RedisSubscriber&) = delete;
  RedisSubscriber& operator=(const RedisSubscriber&) = delete;

  /// Subscribes, and looks after the connection from now on. Any thread, once.
  void start();
  [[nodiscard]] bool is_subscribed() const { return is_subscribed_; }

 private:
  void look();

  IoLoop& loop_;
  std::string channel_;
  std::function<void()> gap_;
  bool is_subscribed_ = false;
  bool is_asking_ = false;
  RedisClient client_;
};

}  // namespace lodestone::cache
