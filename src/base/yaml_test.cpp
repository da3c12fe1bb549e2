#include "base/yaml.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.hpp"
#include "base/nearest.hpp"

namespace lodestone {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(Yaml, reads_scalars_lists_and_maps) {
  YamlErrors errors("a.yaml");
  const Yaml root = Yaml::parse("n: 3\nx: 0.5\non: true\nlist: [a, b]\none: a\nmap: {k: v}\nnothing:\n", errors);
  EXPECT_EQ(root.get("n").as_int(0, 1, 9), 3);
  EXPECT_EQ(root.get("x").as_double(0), 0.5);
  EXPECT_TRUE(root.get("on").as_bool(false));
  EXPECT_THAT(root.get("list").as_strings(), ElementsAre("a", "b"));
  EXPECT_THAT(root.get("one").as_strings(), ElementsAre("a"));
  EXPECT_EQ(root.get("map").get("k").as_string(""), "v");
  EXPECT_EQ(root.get("nothing").as_int(7, 0, 9), 7);
  EXPECT_EQ(root.get("absent").as_string("d"), "d");
  EXPECT_TRUE(errors.empty());
}

TEST(Yaml, collects_every_error_with_path_and_line) {
  YamlErrors errors("a.yaml");
  const Yaml root = Yaml::parse("n: three\nm: 12\nb: yes\nsection:\n  lsit: 1\n", errors);
  (void)root.get("n").as_int(0, 0, 9);
  (void)root.get("m").as_int(0, 0, 9);
  (void)root.get("b").as_bool(false);
  root.get("section").only({"list"});
  (void)root.require("must");
  EXPECT_THAT(errors.lines(), ElementsAre("a.yaml:1: n: \"three\" is no whole number", "a.yaml:2: m: 12 is outside 0..9",
                                          "a.yaml:3: b: \"yes\" is neither true nor false",
                                          "a.yaml:5: section.lsit: unknown key; did you mean \"list\"?",
                                          "a.yaml:1: must: is missing and must be given"));
  EXPECT_THROW(errors.throw_if_any(), Error);
}

TEST(Yaml, names_keys_given_twice_and_broken_syntax) {
  YamlErrors errors("a.yaml");
  Yaml::parse("k: 1\nk: 2\n", errors).only({"k"});
  ASSERT_EQ(errors.lines().size(), 1U);
  EXPECT_THAT(errors.lines()[0], HasSubstr("k: is given twice"));
  try {
    Yaml::parse("a: [1, 2\nb: 3", errors);
    ADD_FAILURE() << "broken YAML was read";
  } catch (const Error& error) {
    EXPECT_THAT(error.message(), HasSubstr("a.yaml:"));
    EXPECT_THAT(error.message(), HasSubstr("no valid YAML"));
  }
}

TEST(Nearest, counts_edits_and_swaps) {
  EXPECT_EQ(edit_distance("", "abc"), 3U);
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3U);
  EXPECT_EQ(edit_distance("lsit", "list"), 1U);
}

TEST(Nearest, suggests_only_what_may_be_meant) {
  const std::vector<std::string> names = {"listen", "admin", "threads"};
  EXPECT_EQ(nearest_name("listne", names), "listen");
  EXPECT_EQ(nearest_name("frobnicate", names), "");
  EXPECT_EQ(suggest("frobnicate", names), "; it is one of listen, admin, threads");
}

}  // namespace
}  // namespace lodestone
