#include "http/parameters.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "http/problem.hpp"
#include "http/request_id.hpp"
#include "http/target.hpp"

namespace lodestone::http {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr std::string_view kKnown[] = {"limit", "exclude", "explain", "timeframe", "user_id"};

/// The request of a query; keeps its memory.
struct Query {
  explicit Query(std::string_view text) : target_text("/p?" + std::string(text)) {
    EXPECT_TRUE(target.parse(target_text));
    request.path = target.path();
    request.parameters = target.parameters();
  }
  std::string target_text;
  Target target;
  Request request;
};

template <typename Read>
std::string sentence(std::string_view query, Read read) {
  const Query given(query);
  try {
    read(Parameters(given.request, kKnown));
  } catch (const ParameterError& error) {
    EXPECT_EQ(http_status(error.code()), 422);
    return error.parameter() + ": " + error.message();
  }
  return "";
}

const auto read_nothing = [](const Parameters&) {};
const auto read_limit = [](const Parameters& parameters) { return parameters.integer("limit", 10, 1, 50); };

TEST(Parameters, reads_values_and_defaults) {
  const Query given("limit=50&explain=true&exclude=3,-4,9223372036854775807&timeframe=24h&user_id=7");
  const Parameters parameters(given.request, kKnown);
  EXPECT_EQ(parameters.integer("limit", 10, 1, 50), 50);
  EXPECT_TRUE(parameters.flag("explain"));
  EXPECT_EQ(parameters.id("user_id"), 7);
  constexpr std::string_view kFrames[] = {"1h", "24h", "7d"};
  EXPECT_EQ(parameters.choice("timeframe", 0, kFrames), 1U);
  std::vector<std::int64_t> ids;
  parameters.ids("exclude", 1000, ids);
  EXPECT_THAT(ids, ElementsAre(3, -4, INT64_MAX));

  const Query empty("");
  const Parameters none(empty.request, kKnown);
  EXPECT_EQ(none.integer("limit", 10, 1, 50), 10);
  EXPECT_FALSE(none.flag("explain"));
  EXPECT_EQ(none.id("user_id"), std::nullopt);
  none.ids("exclude", 1000, ids);
  EXPECT_THAT(ids, IsEmpty());
}

TEST(Parameters, names_value_and_range_of_a_bad_limit) {
  EXPECT_EQ(sentence("limit=0", read_limit), "limit: limit is \"0\", expected an integer from 1 to 50");
  EXPECT_EQ(sentence("limit=51", read_limit), "limit: limit is \"51\", expected an integer from 1 to 50");
  EXPECT_EQ(sentence("limit=abc", read_limit), "limit: limit is \"abc\", expected an integer from 1 to 50");
  EXPECT_EQ(sentence("limit=", read_limit), "limit: limit is \"\", expected an integer from 1 to 50");
  EXPECT_EQ(sentence("limit=5.0", read_limit), "limit: limit is \"5.0\", expected an integer from 1 to 50");
  EXPECT_EQ(sentence("limit=-1", read_limit), "limit: limit is \"-1\", expected an integer from 1 to 50");
  EXPECT_EQ(sentence("limit=1000000000000000000000", read_limit),
            "limit: limit is \"1000000000000000000000\", expected an integer from 1 to 50");
}

TEST(Parameters, names_an_unknown_parameter_and_the_nearest) {
  EXPECT_EQ(sentence("limt=5", read_nothing), "limt: unknown parameter \"limt\"; did you mean \"limit\"?");
  const Query given("x=1");
  try {
    const Parameters parameters(given.request, {});
    FAIL();
  } catch (const ParameterError& error) {
    EXPECT_EQ(error.message(), "unknown parameter \"x\"; /p takes none");
  }
}

TEST(Parameters, refuses_repeats_and_bad_encoding) {
  EXPECT_EQ(sentence("limit=1&limit=2", read_nothing), "limit: limit is given more than once; give it once");
  EXPECT_EQ(sentence("limit=%ff", read_nothing),
            "limit: parameter \"limit\" is no percent-encoded UTF-8 text without control characters");
}

TEST(Parameters, refuses_bad_flags_choices_and_ids) {
  EXPECT_EQ(sentence("explain=1", [](const Parameters& p) { return p.flag("explain"); }),
            "explain: explain is \"1\", expected true or false");
  constexpr std::string_view kFrames[] = {"1h", "24h", "7d"};
  EXPECT_EQ(sentence("timeframe=2h", [&](const Parameters& p) { return p.choice("timeframe", 0, kFrames); }),
            "timeframe: timeframe is \"2h\", expected one of 1h, 24h, 7d");
  EXPECT_EQ(sentence("user_id=u1", [](const Parameters& p) { return p.id("user_id"); }),
            "user_id: user_id is \"u1\", expected a 64-bit integer id");
  const auto read_ids = [](const Parameters& p) {
    std::vector<std::int64_t> ids;
    p.ids("exclude", 3, ids);
  };
  EXPECT_EQ(sentence("exclude=1,,2", read_ids), "exclude: exclude holds \"\", expected 64-bit integer ids parted by commas");
  EXPECT_EQ(sentence("exclude=1,2,3,4", read_ids), "exclude: exclude holds more than 3 ids");
}

TEST(Parameters, cuts_a_long_value_between_characters) {
  std::string value = "a";
  for (int i = 0; i < 30; ++i) value += "%E5%A4%A9";
  const std::string text = sentence("limit=" + value, read_limit);
  EXPECT_THAT(text, ::testing::HasSubstr("天...\""));
  EXPECT_LT(text.size(), 120U);
}

TEST(RequestIds, makes_version_4_uuids_that_differ) {
  RequestIds ids;
  std::string first;
  std::string second;
  ids.make(first);
  ids.make(second);
  EXPECT_THAT(first, ::testing::MatchesRegex("req_[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"));
  EXPECT_NE(first, second);
  EXPECT_TRUE(is_request_id(first));
}

TEST(RequestIds, knows_well_formed_ids) {
  EXPECT_TRUE(is_request_id("req_Abc-1234"));
  EXPECT_FALSE(is_request_id("req_short12"));
  EXPECT_FALSE(is_request_id("req_with space"));
  EXPECT_FALSE(is_request_id("id_Abc-1234"));
  EXPECT_TRUE(is_request_id("req_" + std::string(64, 'a')));
  EXPECT_FALSE(is_request_id("req_" + std::string(65, 'a')));
}

}  // namespace
}  // namespace lodestone::http
