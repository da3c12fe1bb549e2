#include "serving/external_lists.hpp"

namespace lodestone::serving {

void ExternalLists::reserve() {
  lists_.reserve(engine::kExternalChannels);
  for (auto& items : items_) items.reserve(engine::kExternalDepth);
  for (auto& scores : scores_) scores.reserve(engine::kExternalDepth);
}

bool ExternalLists::bind(const ChannelAnswers& answers, std::span<const ChannelSpec> channels, const models::Catalog& catalog,
                         engine::PageRequest& page) {
  bool is_complete = true;
  lists_.clear();
  for (std::size_t c = 0; c < channels.size(); ++c) {
    const ChannelAnswers::One& one = answers.all[c];
    if (one.state == ChannelAnswers::State::kNotAsked) continue;
    const bool is_there = one.state == ChannelAnswers::State::kHave;
    is_complete = is_complete && is_there;
    items_[c].clear();
    scores_[c].clear();
    // Without a list it still counts in the sum of the weights, so that scores compare.
    const std::size_t n = is_there ? channel_answer_size(*one.value) : 0;
    for (std::size_t i = 0; i < n; ++i) {
      const ChannelItem item = channel_answer_item(*one.value, i);
      const auto known = catalog.find(ItemId(item.item));
      if (!known) continue;
      items_[c].push_back(*known);
      scores_[c].push_back(item.score);
    }
    lists_.push_back({c, static_cast<float>(channels[c].weight), items_[c], scores_[c]});
  }
  page.external = lists_;
  return is_complete;
}

void mark_bundle_only(engine::Page& page) {
  for (engine::PageItem& item : page.items) item.channels |= 1U << static_cast<unsigned>(engine::Channel::kBundleOnly);
}

}  // namespace lodestone::serving
