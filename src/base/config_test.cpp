#include "base/config.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.hpp"

namespace lodestone {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

const std::vector<ConfigKey>& table() {
  static const std::vector<ConfigKey> keys = {
      {.path = "lake.folder", .kind = ConfigKind::kPath, .fallback = "lake", .doc = "Where tables lie."},
      {.path = "serving.threads", .kind = ConfigKind::kInteger, .fallback = "0", .doc = "Threads.", .min = 0, .max = 64},
      {.path = "serving.level", .kind = ConfigKind::kChoice, .fallback = "info", .doc = "Level.", .choices = {"info", "warn"}},
      {.path = "serving.demo", .kind = ConfigKind::kFlag, .fallback = "false", .doc = "Demo."},
      {.path = "source.patterns", .kind = ConfigKind::kTexts, .fallback = "a, b", .doc = "Patterns."},
      {.path = "source.pool_size",
       .kind = ConfigKind::kInteger,
       .fallback = "10",
       .doc = "Pool.",
       .environment = {"DB_POOL_SIZE"}},
  };
  return keys;
}

Config load(const std::string& yaml, const std::map<std::string, std::string>& environment = {}) {
  const TemporaryFolder folder;
  write_file_atomic(folder.path() / "lodestone.yaml", yaml);
  return Config::load(table(), folder.path() / "lodestone.yaml", [&](const std::string& name) -> std::optional<std::string> {
    const auto it = environment.find(name);
    return it == environment.end() ? std::nullopt : std::optional(it->second);
  });
}

std::string sentence_of(const std::string& yaml, const std::map<std::string, std::string>& environment = {}) {
  try {
    load(yaml, environment);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
    return error.message();
  }
  return "";
}

TEST(Config, environment_wins_over_file_and_file_over_default) {
  const Config config = load("serving: {threads: 3, demo: true}\nsource: {patterns: [x]}\n",
                             {{"LODESTONE_SERVING_THREADS", "5"}, {"DB_POOL_SIZE", "7"}});
  EXPECT_EQ(config.integer("serving.threads"), 5);
  EXPECT_TRUE(config.flag("serving.demo"));
  EXPECT_EQ(config.text("serving.level"), "info");
  EXPECT_THAT(config.texts("source.patterns"), ElementsAre("x"));
  EXPECT_EQ(config.integer("source.pool_size"), 7);
  EXPECT_EQ(config.entries()[1].origin, "environment LODESTONE_SERVING_THREADS");
  EXPECT_EQ(config.entries()[3].origin, "lodestone.yaml:1");
  EXPECT_EQ(config.entries()[2].origin, "default");
}

TEST(Config, relative_paths_start_at_the_file) {
  const Config config = load("lake: {folder: ../data/lake}\n");
  EXPECT_TRUE(config.file_path("lake.folder").is_absolute());
  EXPECT_EQ(config.file_path("lake.folder").filename(), "lake");
  EXPECT_EQ(load("lake: {folder: /abs/x}\n").file_path("lake.folder"), "/abs/x");
}

TEST(Config, reports_every_error_at_once) {
  const std::string text = sentence_of("serving:\n  thread: 3\n  level: loud\n  demo: 1\nlaek: {folder: x}\n",
                                       {{"LODESTONE_SERVING_THREADS", "many"}});
  EXPECT_THAT(text, HasSubstr("lodestone.yaml:2: serving.thread: unknown key; did you mean \"threads\"?"));
  EXPECT_THAT(text, HasSubstr("serving.level: \"loud\" is none of info, warn"));
  EXPECT_THAT(text, HasSubstr("serving.demo: \"1\" is neither true nor false"));
  EXPECT_THAT(text, HasSubstr("laek: unknown key; did you mean \"lake\"?"));
  EXPECT_THAT(text, HasSubstr("\"many\" is no number (from environment LODESTONE_SERVING_THREADS)"));
}

TEST(Config, checks_ranges_and_whole_numbers) {
  EXPECT_THAT(sentence_of("serving: {threads: 65}\n"), HasSubstr("65 is outside 0..64"));
  EXPECT_THAT(sentence_of("serving: {threads: 1.5}\n"), HasSubstr("1.5 is no whole number"));
  EXPECT_THAT(sentence_of("serving: {threads: [1]}\n"), HasSubstr("must be a single value"));
}

TEST(Config, a_value_that_is_no_utf8_is_refused) {
  EXPECT_THAT(sentence_of("lake: {folder: \"\\u6570\xC8x\"}\n"),
              HasSubstr("lodestone.yaml:1: lake.folder: is no UTF-8 text; save the file as UTF-8"));
  EXPECT_THAT(sentence_of("source:\n  patterns: [a, \"\\u6570\xC8x\"]\n"), HasSubstr("source.patterns: is no UTF-8 text"));
  EXPECT_THAT(sentence_of("", {{"LODESTONE_LAKE_FOLDER", "\xFF"}}), HasSubstr("(from environment LODESTONE_LAKE_FOLDER)"));
}

TEST(Config, default_file_reads_back_as_the_defaults) {
  const Config from_file = load(format_config_file(table(), {}));
  const Config defaults = load("");
  EXPECT_EQ(from_file.hash(), defaults.hash());
  EXPECT_NE(load("serving: {threads: 2}\n").hash(), defaults.hash());
}

TEST(Config, written_values_read_back) {
  const Config config = load(format_config_file(table(), {{"lake.folder", "l2"}, {"serving.threads", "4"}}));
  EXPECT_EQ(config.integer("serving.threads"), 4);
  EXPECT_EQ(config.file_path("lake.folder").filename(), "l2");
}

TEST(Config, written_values_keep_quotes_backslashes_and_line_ends) {
  const std::string odd = "a \"b\" \\c\nd: # \t\x01 数据";
  const Config config = load(format_config_file(table(), {{"lake.folder", odd}, {"source.patterns", "x\"y, \\z"}}));
  EXPECT_EQ(config.text("lake.folder"), odd);
  EXPECT_THAT(config.texts("source.patterns"), ElementsAre("x\"y", "\\z"));
}

TEST(Config, a_text_is_read_as_its_file_would_be) {
  const auto none = [](const std::string&) { return std::nullopt; };
  const Config config = Config::parse(table(), "lake: {folder: x}\n", "/site/a.yaml", none);
  EXPECT_EQ(config.file_path("lake.folder"), "/site/x");
  EXPECT_EQ(config.entries()[0].origin, "a.yaml:1");
}

}  // namespace
}  // namespace lodestone
