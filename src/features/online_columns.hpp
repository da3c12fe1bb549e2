#pragma once
// Where the columns that OnlineState overwrites stand in rows that store a part of the features.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "features/schema.hpp"

namespace lodestone::features {

/// Const after construction, safe from many threads.
class OnlineColumns {
 public:
  OnlineColumns() = default;
  /// `stored` names the columns of the rows, of users or of items.
  OnlineColumns(Group group, std::span<const std::string> stored);

  /// True when no stored column changes with events.
  [[nodiscard]] bool empty() const { return places_.empty(); }
  /// Puts what changes from a whole row [n_features], as OnlineState writes it, into a stored one; what is missing becomes its default, as in
  /// rows that a release stores.
  void put(std::span<const float> whole, std::span<float> stored) const {
    for (const Place& place : places_) {
      const float value = whole[place.from];
      stored[place.to] = value == value ? value : place.fallback;
    }
  }

 private:
  struct Place {
    std::uint16_t from = 0;
    std::uint16_t to = 0;
    float fallback = 0;
  };
  std::vector<Place> places_;
};

}  // namespace lodestone::features
