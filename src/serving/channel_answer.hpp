#pragma once
// What a channel outside of this process answered, as caches keep it: ids and scores, best first, with a check, so that what lies in a
// Redis under our key and is not ours is known.

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cache/resp_parser.hpp"
#include "engine/channel.hpp"

namespace lodestone::serving {

struct ChannelItem {
  std::int64_t item = 0;
  float score = 0;
};

/// Reads {"items": [{"dataset_id": 1, "score": 0.5}, ...]}, or the array alone, whose elements may be bare ids; an element without a score
/// has 1/its place. None when it is no such document.
std::optional<std::vector<ChannelItem>> read_channel_json(std::string_view text);
/// Reads the reply of ZREVRANGE WITHSCORES.
std::optional<std::vector<ChannelItem>> read_channel_zset(const cache::RespValue& reply);

/// Sorts by score, drops scores that are not above 0 or not finite and items that came before, keeps the best `limit`, and packs them.
/// An empty list packs to a text that is not empty.
std::string pack_channel_answer(std::vector<ChannelItem> items, std::size_t limit);
/// Whether a text is a packed answer.
bool is_channel_answer(std::string_view bytes);
/// The number of its items. `bytes` is a packed answer.
std::size_t channel_answer_size(std::string_view bytes);
/// Its items in order. `bytes` is a packed answer, `i` below its size.
ChannelItem channel_answer_item(std::string_view bytes, std::size_t i);

/// What the channels say for one request.
struct ChannelAnswers {
  enum class State : std::uint8_t {
    kNotAsked,
    kHave,     ///< `value` is a packed answer
    kMissing,  ///< to be waited for
    kLate,     ///< it missed its deadline
    kFailed,   ///< it could not be asked, or answered something else
  };
  struct One {
    State state = State::kNotAsked;
    std::shared_ptr<const std::string> value;
  };
  std::array<One, engine::kExternalChannels> all;
};

}  // namespace lodestone::serving
