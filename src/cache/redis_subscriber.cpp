#include "cache/redis_subscriber.hpp"

#include <utility>

namespace lodestone::cache {
namespace {

/// Between two looks at the connection, and how long it may take to answer one: a message is late by no more after a break.
constexpr std::chrono::milliseconds kLook{200};
constexpr std::chrono::milliseconds kPatience{2'000};

}  // namespace

RedisSubscriber::RedisSubscriber(IoLoop& loop, RedisClient::Options options, std::string channel,
                                 std::function<void(std::string_view)> message, std::function<void()> gap)
    : loop_(loop), channel_(std::move(channel)), gap_(std::move(gap)), client_(loop.context(), std::move(options)) {
  client_.on_push([message = std::move(message)](const RespValue& value) {
    if (value.items.size() == 3) message(value.items[2].text);
  });
  client_.on_lost([this] { is_subscribed_ = false; });
}

void RedisSubscriber::start() {
  loop_.post([this] { look(); });
}

void RedisSubscriber::look() {
  loop_.after(kLook, [this] { look(); });
  if (is_asking_) return;
  is_asking_ = true;
  // A connection without traffic can be dead without a sign; the client gives up one that owes an answer for long.
  if (is_subscribed_) return client_.send({"PING"}, kPatience, [this](const RedisReply&) { is_asking_ = false; });
  client_.send({"SUBSCRIBE", channel_}, kPatience, [this](const RedisReply& reply) {
    is_asking_ = false;
    is_subscribed_ = reply.status == RedisReply::Status::kReply;
    if (is_subscribed_) gap_();
  });
}

}  // namespace lodestone::cache
