#include "sources/binlog/gtid.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.hpp"

namespace lodestone::sources {
namespace {

using testing::HasSubstr;

std::string fault_of(std::string_view text) {
  try {
    return GtidPosition::parse(text).format() + " was taken";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
    return error.message();
  }
}

TEST(GtidPosition, comes_back_by_ascending_domain) {
  EXPECT_EQ(GtidPosition::parse("7-2-3,0-1-42").format(), "0-1-42,7-2-3");
  EXPECT_EQ(GtidPosition::parse("4294967295-4294967295-18446744073709551615").format(),
            "4294967295-4294967295-18446744073709551615");
  EXPECT_EQ(GtidPosition::parse("").format(), "");
  EXPECT_TRUE(GtidPosition::parse("").empty());
}

TEST(GtidPosition, covers_what_its_domain_has_reached) {
  GtidPosition position = GtidPosition::parse("0-1-42");
  EXPECT_TRUE(position.covers({0, 1, 41}));
  EXPECT_TRUE(position.covers({0, 2, 42}));
  EXPECT_FALSE(position.covers({0, 1, 43}));
  EXPECT_FALSE(position.covers({1, 1, 1}));
  position.advance({0, 2, 43});
  position.advance({1, 1, 1});
  EXPECT_EQ(position.format(), "0-2-43,1-1-1");
  EXPECT_TRUE(position.covers({0, 1, 43}));
}

TEST(GtidPosition, refuses_what_is_none) {
  for (const char* text :
       {"0", "0-1", "0-1-", "a-1-2", "0-1-2-3", "0-1-2,", ",0-1-2", "0-1-2 ", "-1-1-1", "4294967296-1-1", "0-1-2;1-1-1"}) {
    EXPECT_THAT(fault_of(text), HasSubstr("is no position in a binary log; expected DOMAIN-SERVER-NUMBER")) << text;
  }
  EXPECT_THAT(fault_of("0-1-2,0-1-3"), HasSubstr("it names domain 0 twice"));
}

}  // namespace
}  // namespace lodestone::sources
