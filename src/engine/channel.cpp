#include "engine/channel.hpp"

namespace lodestone::engine {

std::string_view channel_name(Channel channel) {
  switch (channel) {
    case Channel::kBehavior: return "behavior";
    case Channel::kContent: return "content";
    case Channel::kVector: return "vector";
    case Channel::kSequence: return "sequence";
    case Channel::kUserCf: return "usercf";
    case Channel::kTag: return "tag";
    case Channel::kCategory: return "category";
    case Channel::kPrice: return "price";
    case Channel::kPopular: return "popular";
    case Channel::kTrending: return "trending";
    case Channel::kNew: return "new";
    case Channel::kFallback: return "fallback:popular";
    case Channel::kCatalog: return "fallback:catalog";
    case Channel::kExploration: return "exploration";
    case Channel::kPinned: return "pinned";
  }
  return "";
}

void append_reason(std::string& out, ChannelSet channels) {
  bool first = true;
  for (std::size_t c = 0; c < kChannels; ++c) {
    if ((channels & 1U << c) == 0) continue;
    if (!first) out += '+';
    out += channel_name(static_cast<Channel>(c));
    first = false;
  }
}

}  // namespace lodestone::engine
