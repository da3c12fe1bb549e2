#pragma once
// Where one item stands in the lists of recall before they are cut, for who wants to know it.

#include <algorithm>
#include <array>

#include "engine/channel.hpp"
#include "models/recall/neighbours.hpp"

namespace lodestone::engine {

struct RecallProbe {
  ItemIndex item = 0;
  std::array<Contribution, kChannels> places{};  ///< rank 0 = the channel has it nowhere, or was not asked

  /// Of two lists of one channel the first that has it tells.
  void note(Channel channel, const Contribution& place) {
    Contribution& known = places[static_cast<std::size_t>(channel)];
    if (known.rank == 0) known = place;
  }
  void look_into(Channel channel, const models::NeighbourRow& list) {
    const auto found = std::find(list.items.begin(), list.items.end(), item);
    if (found == list.items.end()) return;
    const auto k = static_cast<std::size_t>(found - list.items.begin());
    note(channel, {static_cast<std::int32_t>(k + 1), list.scores[k]});
  }
};

}  // namespace lodestone::engine
