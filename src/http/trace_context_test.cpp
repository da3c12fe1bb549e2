#include "http/trace_context.hpp"

#include <gtest/gtest.h>

#include "base/hash.hpp"

namespace lodestone::http {
namespace {

const std::string kGood = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

TEST(TraceContext, reads_what_the_recommendation_shows) {
  const auto context = parse_traceparent(kGood);
  ASSERT_TRUE(context.has_value());
  EXPECT_EQ(to_hex(context->trace_id), "4bf92f3577b34da6a3ce929d0e0e4736");
  EXPECT_EQ(to_hex(context->parent), "00f067aa0ba902b7");
  EXPECT_TRUE(context->sampled);
  EXPECT_FALSE(parse_traceparent(kGood.substr(0, 53) + "00")->sampled);
  EXPECT_TRUE(parse_traceparent(kGood.substr(0, 53) + "ff")->sampled) << "unknown flags are ignored";
}

TEST(TraceContext, a_later_version_may_say_more) {
  EXPECT_TRUE(parse_traceparent("cc" + kGood.substr(2)).has_value());
  EXPECT_TRUE(parse_traceparent("cc" + kGood.substr(2) + "-what-else").has_value());
  EXPECT_FALSE(parse_traceparent("cc" + kGood.substr(2) + ".what-else").has_value());
  EXPECT_FALSE(parse_traceparent(kGood + "-what-else").has_value()) << "version 00 says no more";
  EXPECT_FALSE(parse_traceparent("ff" + kGood.substr(2)).has_value());
}

TEST(TraceContext, ignores_what_is_malformed) {
  EXPECT_FALSE(parse_traceparent("").has_value());
  EXPECT_FALSE(parse_traceparent(kGood.substr(0, 54)).has_value());
  EXPECT_FALSE(parse_traceparent("00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01").has_value()) << "capitals";
  EXPECT_FALSE(parse_traceparent("00-00000000000000000000000000000000-00f067aa0ba902b7-01").has_value());
  EXPECT_FALSE(parse_traceparent("00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01").has_value());
  EXPECT_FALSE(parse_traceparent("00-4bf92f3577b34da6a3ce929d0e0e473g-00f067aa0ba902b7-01").has_value());
  EXPECT_FALSE(parse_traceparent("00_4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01").has_value());
  for (std::size_t i = 0; i < kGood.size(); ++i) {
    std::string text = kGood;
    text[i] = ' ';
    EXPECT_FALSE(parse_traceparent(text).has_value()) << text;
  }
}

TEST(TraceContext, makes_ids_that_differ) {
  Rng rng(1);
  EXPECT_NE(make_trace_id(rng), make_trace_id(rng));
  EXPECT_NE(make_span_id(rng), make_span_id(rng));
}

}  // namespace
}  // namespace lodestone::http
