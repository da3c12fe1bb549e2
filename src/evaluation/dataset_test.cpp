#include "evaluation/dataset.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.hpp"
#include "evaluation/record_reader.hpp"

namespace lodestone::evaluation {
namespace {

using ::testing::ElementsAre;

class DatasetLoad : public ::testing::Test {
 protected:
  void write(const std::string& name, std::string_view text) { write_file_atomic(folder_.path() / name, text); }
  Dataset load(std::string_view body) {
    return load_dataset(
        parse_dataset_spec(fmt::format("version: 1\nname: x\nkind: {}\n", body), folder_.path() / "dataset.yaml"));
  }
  std::string fault(std::string_view body) {
    try {
      (void)load(body);
    } catch (const Error& error) {
      const std::string& text = error.message();
      const std::size_t at = text.find(folder_.path().string());
      return at == std::string::npos ? text : text.substr(at + folder_.path().string().size() + 1);
    }
    return "";
  }
  TemporaryFolder folder_;
};

TEST_F(DatasetLoad, tables_take_quotes_for_commas_and_gzip_by_suffix) {
  // user,note,item / "b, ""c""","two / lines",x / a,,y
  static constexpr char kPacked[] =
      "\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\x2b\x2d\x4e\x2d\xd2\xc9\xcb\x2f\x49\xd5\xc9\x2c\x49\xcd"
      "\xe5\x52\x4a\xd2\x51\x50\x52\x4a\x56\x52\x52\xd2\x51\x2a\x29\xcf\xe7\xca\xc9\xcc\x4b\x2d\x56\xd2"
      "\xa9\xe0\x4a\xd4\xd1\xa9\xe4\x02\x00\x2f\x3b\xd5\xbc\x2d\x00\x00\x00";
  write("e.csv.gz", std::string_view(kPacked, sizeof(kPacked) - 1));
  const Dataset data =
      load("interactions\nfiles: {events: {path: e.csv.gz, format: table}}\nprotocol: {split: k-fold, metrics: [ndcg]}");
  EXPECT_EQ(data.n_users, 2U);
  EXPECT_THAT(data.events.at(Part::kEvents).users, ElementsAre(1, 0)) << "text ids are numbered in their order";
  EXPECT_THAT(data.events.at(Part::kEvents).items, ElementsAre(0, 1));
}

TEST_F(DatasetLoad, tab_tables_know_no_quotes) {
  write("e.tsv", "user\titem\n\"a\t1\n");
  EXPECT_EQ(
      load("interactions\nfiles: {events: {path: e.tsv, format: table}}\nprotocol: {split: k-fold, metrics: [ndcg]}").n_users,
      1U);
}

TEST_F(DatasetLoad, ids_are_ordered_by_value_only_when_all_are_whole_numbers) {
  write("e.csv", "user,item,at,value\n1,10,2020-01-01,4.5\n2,9,1577836801,3\n");
  const std::string_view body =
      "interactions\nfiles: {events: {path: e.csv, format: table, columns: {at: at, value: value}}}\nprotocol: {split: k-fold, "
      "metrics: [ndcg]}";
  const Dataset numbers = load(body);
  EXPECT_THAT(numbers.events.at(Part::kEvents).items, ElementsAre(1, 0));
  EXPECT_THAT(numbers.events.at(Part::kEvents).times, ElementsAre(1577836800, 1577836801));
  EXPECT_THAT(numbers.events.at(Part::kEvents).values, ElementsAre(4.5F, 3));
  write("e.csv", "user,item,at,value\n1,10,1,1\n2,9x,2,1\n");
  EXPECT_THAT(load(body).events.at(Part::kEvents).items, ElementsAre(0, 1));
}

TEST_F(DatasetLoad, lines_of_the_three_plain_formats) {
  write("a", "7 3 1\n5 3\n");
  const Dataset adjacency = load(
      "interactions\nfiles: {train: {path: a, format: adjacency}, test: {path: a, format: adjacency}}\nprotocol: {split: given, "
      "metrics: [ndcg]}");
  EXPECT_THAT(adjacency.events.at(Part::kTrain).users, ElementsAre(1, 1, 0));
  EXPECT_THAT(adjacency.events.at(Part::kTrain).items, ElementsAre(1, 0, 1));
  write("s", "3 1 3\n\n2 1\n");
  write("t.tsv", "2\t3 1\n");
  const Dataset sessions = load(
      "sessions\nfiles: {train: {path: s, format: session-items}, test: {path: t.tsv, format: prefix-target, prefix_order: "
      "newest-first}}\n"
      "protocol: {split: given, metrics: [mrr]}");
  EXPECT_THAT(sessions.events.at(Part::kTrain).users, ElementsAre(0, 0, 0, 1, 1));
  EXPECT_THAT(sessions.cases.at(Part::kTest).prefixes.items, ElementsAre(0, 2)) << "turned round, the oldest first";
  EXPECT_THAT(sessions.cases.at(Part::kTest).targets, ElementsAre(1));
}

TEST_F(DatasetLoad, json_lines_follow_dotted_paths_and_lists) {
  write("i.jsonl", "{\"id\": 7, \"name\": {\"zh\": \"降水\"}, \"tags\": [\"a b\", \"c\"], \"by\": null}\n\n{\"id\": 8}\n");
  write("t.jsonl", "{\"query\": \"rain\", \"relevant\": [8, 7]}\n{\"query\": \"none\", \"relevant\": []}\n");
  const Dataset data = load(
      "text-search\nfiles: {items: {path: i.jsonl, format: jsonl, columns: {item: id, title: name.zh, tags: tags, owner: by}}, "
      "truth: {path: t.jsonl, format: jsonl}}\n"
      "protocol: {split: given, metrics: [ndcg]}");
  ASSERT_EQ(data.texts.size(), 2U);
  EXPECT_EQ(data.texts[0].title, "降水");
  EXPECT_THAT(data.texts[0].tags, ElementsAre("a b", "c"));
  EXPECT_EQ(data.texts[1].title, "");
  ASSERT_EQ(data.truth.size(), 2U);
  EXPECT_EQ(data.truth[0].item, 1);
  EXPECT_THAT(data.queries, ElementsAre("rain"));
}

TEST_F(DatasetLoad, unreadable_rows_are_named_by_file_and_line) {
  const std::string_view table =
      "interactions\nfiles: {events: {path: e.csv, format: table, columns: {at: at}}}\nprotocol: {split: k-fold, metrics: "
      "[ndcg]}";
  write("e.csv", "user,item,at\n1,2\n");
  EXPECT_EQ(fault(table), "e.csv:2: has 2 fields, the header has 3; a field that holds the delimiter needs quotes");
  write("e.csv", "user,item,at\n1,,5\n");
  EXPECT_EQ(fault(table), "e.csv:2: the item is empty; every row needs one");
  write("e.csv", "user,item,at\n1,2,noon\n");
  EXPECT_EQ(fault(table), "e.csv:2: the time \"noon\" is neither epoch seconds nor a date");
  write("e.csv", "user,item,at\n1,\"2,3\n");
  EXPECT_EQ(fault(table), "e.csv:2: a quote is open at the end of the file");
  write("e.csv", "");
  EXPECT_EQ(fault(table), "e.csv: is empty, expected a header line");
  write("e.csv", "user,item,hour\n");
  EXPECT_EQ(fault(table), "e.csv: has no column \"at\"");
  write("e.csv", "user,item,at,value\n1,2,3,much\n");
  EXPECT_EQ(fault("interactions\nfiles: {events: {path: e.csv, format: table}}\nprotocol: {split: k-fold, value_min: 1, metrics: "
                  "[ndcg]}"),
            "e.csv:2: the value \"much\" is no number");
  const std::string_view lines =
      "interactions\nfiles: {events: {path: a, format: adjacency}}\nprotocol: {split: k-fold, metrics: [ndcg]}";
  write("a", "1 2\n1 x\n");
  EXPECT_EQ(fault(lines), "a:2: holds an id that is no whole number, which adjacency wants; write a table for other ids");
  write("s", "1 2\n");
  write("t", "1 2\n");
  EXPECT_EQ(fault("sessions\nfiles: {train: {path: s, format: session-items}, test: {path: t, format: prefix-target}}\nprotocol: "
                  "{split: given, metrics: [mrr]}"),
            "t:1: expected a target, a tab and at least one item");
  const std::string_view json =
      "interactions\nfiles: {events: {path: j, format: jsonl}}\nprotocol: {split: k-fold, metrics: [ndcg]}";
  write("j", "[1]\n");
  EXPECT_EQ(fault(json), "j:1: is no JSON object");
  write("j", "{\"user\": {\"a\": 1}, \"item\": 2}\n");
  EXPECT_EQ(fault(json), "j:1: the column names an object, expected a text, a number or a list; map a path inside it");
}

TEST(Vocabulary, one_number_written_two_ways_is_one_id) {
  Vocabulary v;
  EXPECT_EQ(v.add("7"), 0);
  EXPECT_EQ(v.add("-1"), 1);
  EXPECT_EQ(v.add("07"), 2);
  EXPECT_THAT(v.finish(), ElementsAre(1, 0, 1));
  EXPECT_EQ(v.size(), 2U);
  EXPECT_EQ(v.id(0), "-1");
}

TEST(SplitList, at_the_separator_or_at_common_ones) {
  EXPECT_THAT(split_list("a b|c", "|"), ElementsAre("a b", "c"));
  EXPECT_THAT(split_list(" a ; b,c|d;;", ""), ElementsAre("a", "b", "c", "d"));
  EXPECT_THAT(split_list("x y\x1fz", " "), ElementsAre("x y", "z"));
  EXPECT_THAT(split_list("", ""), ElementsAre());
}

}  // namespace
}  // namespace lodestone::evaluation
