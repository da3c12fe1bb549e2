#pragma once
// Candidates while a page is made: the recall channels, what each gave, and the memory of one thread that requests reuse.

#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/ids.hpp"

namespace lodestone::engine {

/// Recall channels, in the order in which `reason` names them. The numbers index arrays.
enum class Channel : std::uint8_t { kBehavior, kContent, kPopular, kTrending, kFallback };
inline constexpr std::size_t kChannels = 5;
/// "behavior", "content", "popular", "trending", "fallback:popular".
std::string_view channel_name(Channel channel);

/// Where an item came from: rank (from 1) and raw score in a channel; rank 0 = the channel did not give it.
struct Contribution {
  std::int32_t rank = 0;
  float score = 0;
};

struct PageItem {
  ItemIndex item = 0;
  float score = 0;            ///< never rises down the page; in (0, 1]
  std::uint8_t channels = 0;  ///< bit c set = channel c gave the item
  std::array<Contribution, kChannels> contributions{};
};

/// A set and a sum over items that empty in constant time: a place counts only when its stamp is the current round.
class ItemSums {
 public:
  void begin(std::size_t n_items) {
    if (stamps_.size() < n_items) {
      stamps_.resize(n_items, 0);
      sums_.resize(n_items);
    }
    touched_.clear();
    if (++round_ == 0) {  // after 2^32 rounds old stamps would look new
      std::fill(stamps_.begin(), stamps_.end(), 0);
      round_ = 1;
    }
  }
  void add(ItemIndex item, float amount) {
    const auto i = static_cast<std::size_t>(item);
    if (stamps_[i] == round_) {
      sums_[i] += amount;
    } else {
      stamps_[i] = round_;
      sums_[i] = amount;
      touched_.push_back(item);
    }
  }
  /// True when it was not in before.
  bool insert(ItemIndex item) {
    if (contains(item)) return false;
    add(item, 0);
    return true;
  }
  [[nodiscard]] bool contains(ItemIndex item) const { return stamps_[static_cast<std::size_t>(item)] == round_; }
  [[nodiscard]] float sum(ItemIndex item) const { return sums_[static_cast<std::size_t>(item)]; }
  void set(ItemIndex item, float value) { sums_[static_cast<std::size_t>(item)] = value; }
  /// Items in the set, in the order in which they came.
  [[nodiscard]] const std::vector<ItemIndex>& items() const { return touched_; }

 private:
  std::vector<std::uint32_t> stamps_;
  std::vector<float> sums_;
  std::vector<ItemIndex> touched_;
  std::uint32_t round_ = 0;
};

/// Memory of one thread, reused by its requests; it grows to the largest release it has seen and allocates nothing after that.
struct Scratch {
  ItemSums sums;     ///< scores of one channel while it is summed
  ItemSums places;   ///< item -> its place in candidates, kept as the sum
  ItemSums blocked;  ///< items that may not be shown
  std::vector<PageItem> candidates;
  std::vector<ItemIndex> order;
};

}  // namespace lodestone::engine
