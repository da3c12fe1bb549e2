#include "features/event_kind.hpp"

#include <gtest/gtest.h>

#include <string>

namespace lodestone::features {
namespace {

TEST(EventKind, is_found_by_its_name_alone) {
  for (std::size_t k = 0; k < kEventKinds; ++k) {
    const auto kind = static_cast<EventKind>(k);
    const std::string name(event_kind_name(kind));
    EXPECT_EQ(find_event_kind(name), kind);
    for (std::size_t c = 0; c < name.size(); ++c) {
      std::string other = name;
      other[c] = 'X';
      EXPECT_EQ(find_event_kind(other), std::nullopt) << other;
      EXPECT_EQ(find_event_kind(name.substr(0, c)), std::nullopt) << name.substr(0, c);
    }
    EXPECT_EQ(find_event_kind(name + "x"), std::nullopt);
  }
}

}  // namespace
}  // namespace lodestone::features
