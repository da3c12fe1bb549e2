#include "engine/channel.hpp"

#include <bit>

namespace lodestone::engine {

std::string_view channel_name(Channel channel, std::span<const std::string> external_names) {
  if (channel >= Channel::kExternal) {
    const std::size_t e = static_cast<std::size_t>(channel) - kOwnChannels;
    return e < external_names.size() ? std::string_view(external_names[e]) : "external";
  }
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
    case Channel::kBundleOnly: return "fallback:bundle";
    case Channel::kPartial: return "fallback:partial";
    case Channel::kUnranked: return "fallback:recall";
    case Channel::kExternal: break;
  }
  return "";
}

void append_reason(std::string& out, ChannelSet channels, std::span<const std::string> external_names) {
  for (bool first = true; channels != 0; channels &= channels - 1, first = false) {
    if (!first) out += '+';
    out += channel_name(static_cast<Channel>(std::countr_zero(channels)), external_names);
  }
}

}  // namespace lodestone::engine
