#pragma once
// What the channels outside of the engine said, as a page takes it.

#include <array>
#include <span>
#include <string>
#include <vector>

#include "engine/page.hpp"
#include "serving/channel_answer.hpp"
#include "serving/channels_file.hpp"

namespace lodestone::serving {

/// Memory that requests of one thread reuse.
class ExternalLists {
 public:
  /// Makes room for the longest lists, so that later requests need none.
  void reserve();

  /// Gives `page` what was said, in the order of the channels; ids that the catalogue does not have are left out. Valid until the next call. False when
  /// a channel that was asked was late or failed.
  bool bind(const ChannelAnswers& answers, std::span<const ChannelSpec> channels, const models::Catalog& catalog,
            engine::PageRequest& page);

 private:
  std::array<std::vector<ItemIndex>, engine::kExternalChannels> items_;
  std::array<std::vector<float>, engine::kExternalChannels> scores_;
  std::vector<engine::ExternalList> lists_;
};

/// Says in each item's reason that the list is from the bundle alone.
void mark_bundle_only(engine::Page& page);

}  // namespace lodestone::serving
