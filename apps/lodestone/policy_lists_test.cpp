#include "policy_lists.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace lodestone::app {
namespace {

TimePoint at(std::string_view text) { return parse_time(text).value(); }

ShownList list_of(std::string_view time) {
  ShownList out;
  out.at = at(time);
  out.user = 7;
  out.places = {{1, 1, false}, {2, 0.5, true}};
  return out;
}

TEST(PolicyLists, a_list_is_made_again_as_of_the_hour_in_which_it_was_shown) {
  ShownList list = list_of("2026-11-24T21:30:00Z");  // a Tuesday
  const engine::PageRequest user = request_again(list, std::nullopt);
  EXPECT_EQ(user.kind, engine::PageKind::kUser);
  EXPECT_EQ(user.user, UserId(7));
  EXPECT_EQ(user.limit, 2U);
  EXPECT_EQ(user.values.hour, 21);
  EXPECT_EQ(user.values.weekday, 1);
  list.kind = engine::PageKind::kDetail;  // a guest's page of an item is no list of similar ones
  list.user.reset();
  list.page = 5;
  const engine::PageRequest guest = request_again(list, ItemIndex(3));
  EXPECT_EQ(guest.kind, engine::PageKind::kDetail);
  EXPECT_EQ(guest.item, ItemIndex(3));
  EXPECT_FALSE(guest.user);
}

TEST(PolicyLists, those_from_before_a_time_are_taken_out_and_counted) {
  std::vector<ShownList> lists = {list_of("2026-11-24T09:29:59Z"), list_of("2026-11-24T09:30:00Z"),
                                  list_of("2026-11-25T00:00:00Z")};
  EXPECT_EQ(drop_lists_before(at("2026-11-24T09:30:00Z"), lists), 1U);
  ASSERT_EQ(lists.size(), 2U);
  EXPECT_EQ(lists[0].at, at("2026-11-24T09:30:00Z"));
  EXPECT_EQ(drop_lists_before(at("2026-11-24T09:30:00Z"), lists), 0U);
}

}  // namespace
}  // namespace lodestone::app
