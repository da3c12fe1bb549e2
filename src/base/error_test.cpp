#include "base/error.hpp"

#include <gtest/gtest.h>

#include "base/result.hpp"

namespace lodestone {
namespace {

TEST(Error, keeps_code_and_sentence) {
  try {
    fail(ErrorCode::kContract, "column {} is {}, contract wants {}", "price", "text", "decimal");
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kContract);
    EXPECT_EQ(error.message(), "column price is text, contract wants decimal");
    EXPECT_STREQ(error.what(), error.message().c_str());
  }
}

TEST(Error, maps_each_code_once_to_status_exit_and_label) {
  struct Row {
    ErrorCode code;
    int number, status, exit;
    std::string_view label;
  };
  const Row rows[] = {
      {ErrorCode::kInvalidArgument, 1, 422, 2, "invalid_argument"},
      {ErrorCode::kNotFound, 2, 404, 1, "not_found"},
      {ErrorCode::kContract, 3, 409, 1, "contract"},
      {ErrorCode::kCorrupt, 4, 500, 1, "corrupt"},
      {ErrorCode::kUnavailable, 5, 503, 1, "unavailable"},
      {ErrorCode::kTimeout, 6, 504, 1, "timeout"},
      {ErrorCode::kInternal, 7, 500, 1, "internal"},
  };
  for (const Row& row : rows) {
    EXPECT_EQ(static_cast<int>(row.code), row.number) << row.label << ": written numbers never change";
    EXPECT_EQ(http_status(row.code), row.status) << row.label;
    EXPECT_EQ(exit_code(row.code), row.exit) << row.label;
    EXPECT_EQ(label(row.code), row.label);
  }
}

TEST(ErrorDeathTest, assertion_aborts_with_its_values) {
  const int found = 3;
  EXPECT_DEATH(LODESTONE_ASSERT(found == 4, "found {}", found), "found == 4 is false. found 3");
}

TEST(Result, holds_a_value_or_a_reason) {
  const Result<int> good(7);
  const Result<int> bad(Reason{"the user is cold"});
  EXPECT_TRUE(good.has_value());
  EXPECT_EQ(good.value(), 7);
  EXPECT_FALSE(static_cast<bool>(bad));
  EXPECT_EQ(bad.reason(), "the user is cold");
}

TEST(ResultDeathTest, value_of_a_reason_is_a_bug) {
  const Result<int> bad(Reason{"cold"});
  EXPECT_DEATH((void)bad.value(), "cold");
}

}  // namespace
}  // namespace lodestone
