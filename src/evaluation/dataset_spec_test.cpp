#include "evaluation/dataset_spec.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.hpp"
#include "evaluation/dataset_words.hpp"

namespace lodestone::evaluation {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr std::string_view kGood = R"(version: 1
name: films
kind: interactions
files:
  train: {path: train.txt.gz, format: adjacency}
  valid: {path: valid.txt.gz, format: adjacency}
  test:  {path: test.txt.gz,  format: adjacency}
  items: {path: items.tsv.gz, format: table, delimiter: "\t", columns: {item: item_id, title: title, tags: genres}, tag_separator: " "}
protocol:
  split: given
  tune_on: valid
  hide: [train]
  k: [10, 40]
  metrics: [recall, ndcg]
)";

/// The sentences of a text that is refused, without the file's name.
std::vector<std::string> faults(std::string_view text) {
  try {
    (void)parse_dataset_spec(text, "d.yaml");
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
    std::vector<std::string> lines;
    std::string_view rest = error.message();
    while (!rest.empty()) {
      const std::size_t end = std::min(rest.find('\n'), rest.size());
      lines.emplace_back(rest.substr(0, end).starts_with("d.yaml:") ? rest.substr(7, end - 7) : rest.substr(0, end));
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    return lines;
  }
  return {};
}

std::string replaced(std::string_view from, std::string_view to) {
  std::string text(kGood);
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

TEST(DatasetSpec, reads_the_documented_example) {
  const DatasetSpec spec = parse_dataset_spec(kGood, "sets/films/dataset.yaml");
  EXPECT_EQ(spec.name, "films");
  EXPECT_EQ(spec.kind, Kind::kInteractions);
  ASSERT_EQ(spec.files.size(), 4U);
  EXPECT_EQ(spec.find(Part::kTrain)->path, "sets/films/train.txt.gz");
  EXPECT_EQ(spec.find(Part::kTrain)->format, Format::kAdjacency);
  const FileSpec& items = *spec.find(Part::kItems);
  EXPECT_EQ(items.delimiter, '\t');
  EXPECT_EQ(items.tag_separator, " ");
  EXPECT_EQ(items.find(Column::kTags)->source, "genres");
  EXPECT_EQ(items.find(Column::kOwner), nullptr);
  EXPECT_TRUE(spec.protocol.tune_on_valid);
  EXPECT_THAT(spec.protocol.hide, ElementsAre(Part::kTrain));
  EXPECT_THAT(spec.protocol.k, ElementsAre(10, 40));
  EXPECT_THAT(spec.protocol.metrics, ElementsAre(Metric::kRecall, Metric::kNdcg));
}

TEST(DatasetSpec, every_word_of_every_table_is_its_own) {
  for (const auto& w : kKinds) EXPECT_EQ(name_of(w.value), w.text);
  for (const auto& w : kParts) EXPECT_EQ(name_of(w.value), w.text);
  for (const auto& w : kFormats) EXPECT_EQ(name_of(w.value), w.text);
  for (const auto& w : kSplits) EXPECT_EQ(name_of(w.value), w.text);
  for (const auto& w : kColumns) EXPECT_EQ(name_of(w.value), w.text);
  for (const auto& w : kMetrics) EXPECT_EQ(name_of(w.value), w.text);
}

TEST(DatasetSpec, every_kind_can_be_written) {
  const std::string_view files[] = {
      "interactions\nfiles: {events: {path: a.csv, format: table}}\nprotocol: {split: k-fold, folds: 3, seed: 2, metrics: [map, "
      "auc, coverage]}",
      "sequences\nfiles: {events: {path: a, format: sequences}}\nprotocol: {split: leave-one-out, metrics: hit_rate}",
      "sessions\nfiles: {train: {path: a, format: session-items}, test: {path: b, format: prefix-target, prefix_order: "
      "newest-first}}\n"
      "protocol: {split: given, hide: [], metrics: [mrr]}",
      "similar-items\nfiles: {items: {path: a, format: jsonl}, truth: {path: b, format: table}}\nprotocol: {split: given, "
      "candidates: truth, metrics: [recall]}",
      "text-search\nfiles: {items: {path: a, format: jsonl}, truth: {path: b, format: jsonl}}\nprotocol: {split: given, metrics: "
      "[ndcg]}",
      "ltr\nfiles: {train: {path: a, format: svmlight, groups: q}, test: {path: b, format: svmlight, groups: r}}\nprotocol: "
      "{split: given, metrics: [ndcg]}",
      "vectors\nfiles: {base: {path: a, format: fvecs}, query: {path: b, format: fvecs}, truth: {path: c, format: ivecs, "
      "distance: ip}}\n"
      "protocol: {split: given, metrics: [recall, queries_per_second]}",
      "tokens\nfiles: {test: {path: a, format: tokens}}\nprotocol: {split: given, metrics: [word_f1]}",
      "labelled-text\nfiles: {train: {path: a, format: labelled}}\nprotocol: {split: k-fold, metrics: [accuracy]}",
      "interactions\nfiles: {events: {path: a, format: jsonl}}\nprotocol: {split: time, until: 2020-01-01, valid_until: "
      "1500000000, value_min: 4, metrics: [novelty]}",
      "interactions\nfiles: {events: {path: a, format: table, delimiter: \";\"}}\nprotocol: {split: per-user, fraction: 0.7, by: "
      "time, metrics: [diversity]}",
  };
  for (const std::string_view body : files)
    EXPECT_THAT(faults(fmt::format("version: 1\nname: x\nkind: {}\n", body)), ElementsAre()) << body;
}

TEST(DatasetSpec, defaults_follow_the_kind_and_the_split) {
  const DatasetSpec spec = parse_dataset_spec(
      "version: 1\nname: x\nkind: sequences\nfiles: {events: {path: a, format: sequences}}\nprotocol: {split: leave-one-out, "
      "metrics: [ndcg]}",
      "d.yaml");
  EXPECT_THAT(spec.protocol.hide, ElementsAre(Part::kTrain, Part::kValid));
  EXPECT_THAT(spec.protocol.k, ElementsAre(10));
  const DatasetSpec table = parse_dataset_spec(
      "version: 1\nname: x\nkind: interactions\nfiles: {events: {path: a.csv.gz, format: table}}\nprotocol: {split: time, until: "
      "2020-01-01, metrics: [ndcg]}",
      "d.yaml");
  EXPECT_EQ(table.files[0].delimiter, ',');
  EXPECT_EQ(table.files[0].find(Column::kAt)->source, "at") << "needed columns stand under their own name";
  EXPECT_EQ(table.protocol.until, 1577836800.0);
}

TEST(DatasetSpec, all_faults_come_at_once_with_their_key_paths) {
  const std::string text =
      "version: 1\nname: x\nkind: interactions\nfiles:\n  train: {path: a, fromat: adjacency}\n  tset: {path: b, format: "
      "adjacency}\nprotocol:\n"
      "  split: given\n  k: [0, ten]\n  metrics: [ngcd, word_f1]\n";
  EXPECT_THAT(
      faults(text),
      ElementsAre(HasSubstr("6: files.tset: unknown key; did you mean \"test\"?"),
                  HasSubstr("5: files.train.fromat: unknown key; did you mean \"format\"?"),
                  HasSubstr("files.train.format: is missing and must be given"),
                  HasSubstr("9: protocol.k: \"0\" is no cut-off; expected whole numbers in 1..10000"),
                  HasSubstr("9: protocol.k: \"ten\" is no cut-off"),
                  HasSubstr("10: protocol.metrics: \"ngcd\" is unknown; did you mean \"ndcg\"?"),
                  HasSubstr("10: protocol.metrics: \"word_f1\" is no metric of kind interactions; it has recall, precision"),
                  HasSubstr("files.test: is missing; kind interactions with split given needs it")));
}

struct Fault {
  std::string_view from;
  std::string_view to;
  std::string_view sentence;
};

TEST(DatasetSpec, each_fault_has_its_sentence) {
  const Fault all[] = {
      {"version: 1", "version: 2", "1: version: 2 is outside 1..1"},
      {"name: films", "name: \"\"", "2: name: must not be empty"},
      {"kind: interactions", "kind: interaction", "3: kind: \"interaction\" is unknown; did you mean \"interactions\"?"},
      {"kind: interactions", "kind: pictures", "3: kind: \"pictures\" is none of interactions, sequences"},
      {"path: train.txt.gz", "path: \"\"", "5: files.train.path: must not be empty"},
      {"valid.txt.gz, format: adjacency", "valid.txt.gz, format: svmlight, groups: g",
       "6: files.valid.format: a valid part of kind interactions cannot be svmlight"},
      {"format: table, delimiter: \"\\t\"", "format: table, delimiter: \"ab\"",
       "8: files.items.delimiter: must be one character that is neither a quote nor a line end"},
      {"tags: genres", "colour: genres", "8: files.items.columns.colour: unknown key"},
      {"tags: genres", "tags: \"\"", "8: files.items.columns.tags: must name a column"},
      {"test.txt.gz,  format: adjacency", "test.txt.gz, format: adjacency, columns: {user: u}",
       "7: files.test.columns: the format adjacency has no columns; only table and jsonl do"},
      {"split: given", "split: thirds", "10: protocol.split: \"thirds\" is none of given, leave-one-out, k-fold, per-user, time"},
      {"split: given", "split: k-fold\n  folds: 1", "11: protocol.folds: 1 is outside 2..1000"},
      {"split: given", "split: time", "protocol.until: is missing and must be given"},
      {"split: given", "split: time\n  until: soon", "11: protocol.until: \"soon\" is neither epoch seconds nor a date"},
      {"split: given", "split: time\n  until: 5\n  valid_until: 6", "12: protocol.valid_until: must lie before until"},
      {"split: given", "split: time\n  until: 5", "files.train.format: adjacency holds no times to split by"},
      {"split: given", "split: leave-one-out",
       "files.train.format: adjacency has no order, and leave-one-out takes the last item"},
      {"split: given", "split: given\n  fraction: 1.5", "11: protocol.fraction: must lie between 0 and 1"},
      {"tune_on: valid", "tune_on: test", "11: protocol.tune_on: \"test\" cannot be tuned on; valid is the one part to tune on"},
      {"hide: [train]", "hide: [test]", "12: protocol.hide: \"test\" cannot be hidden; train and valid can"},
      {"k: [10, 40]", "k: []", "13: protocol.k: must hold at least one cut-off"},
      {"metrics: [recall, ndcg]", "metrics: []", "14: protocol.metrics: must hold at least one metric"},
      {"metrics: [recall, ndcg]", "colour: red", "protocol.metrics: is missing and must be given"},
      {"valid: {path: valid.txt.gz", "tune_train: {path: valid.txt.gz",
       "files.tune_valid: is missing; tune_train and tune_valid go together"},
      {"valid: {path: valid.txt.gz", "users: {path: valid.txt.gz",
       "files.users.format: a users part of kind interactions cannot be adjacency"},
      {"tune_on: valid", "candidates: few", "protocol.candidates: \"few\" is none of all, truth"},
  };
  for (const Fault& fault : all)
    EXPECT_THAT(faults(replaced(fault.from, fault.to)), ::testing::Contains(HasSubstr(std::string(fault.sentence)))) << fault.to;
  const std::string head = "version: 1\nname: x\nkind: ";
  EXPECT_THAT(faults(head + "sessions\nfiles: {train: {path: a, format: prefix-target}, test: {path: b, format: "
                            "session-items}}\nprotocol: {split: given, metrics: [mrr]}"),
              ElementsAre(HasSubstr("files.train.format: prefix-target holds test cases; it cannot be fitted on")));
  EXPECT_THAT(
      faults(head + "tokens\nfiles: {test: {path: a, format: tokens}}\nprotocol: {split: time, until: 3, metrics: [word_f1]}"),
      ::testing::Contains(HasSubstr("protocol.split: kind tokens cannot be split by time, only by given")));
  EXPECT_THAT(faults(head + "interactions\nfiles: {items: {path: a, format: table}}\nprotocol: {split: k-fold, metrics: [mrr]}"),
              ElementsAre(HasSubstr("files.events: is missing; split k-fold cuts it")));
  EXPECT_THAT(faults(head + "vectors\nfiles: {base: {path: a, format: fvecs}, query: {path: b, format: fvecs}, truth: {path: c, "
                            "format: ivecs, distance: far}}\n"
                            "protocol: {split: given, metrics: [recall]}"),
              ElementsAre(HasSubstr("files.truth.distance: \"far\" is none of cosine, ip, l2")));
  EXPECT_THAT(faults("- a\n"), ElementsAre(HasSubstr("holds no map of keys; it begins with version: 1")));
  EXPECT_THAT(faults("a: [1"), ElementsAre(HasSubstr("no valid YAML")));
}

class DatasetFiles : public ::testing::Test {
 protected:
  void write(const std::string& name, std::string_view text) { write_file_atomic(folder_.path() / name, text); }
  std::string load_fault() {
    try {
      (void)load_dataset_spec(folder_.path());
    } catch (const Error& error) {
      return error.message();
    }
    return "";
  }
  TemporaryFolder folder_;
};

TEST_F(DatasetFiles, missing_files_and_columns_are_named_together) {
  write("dataset.yaml",
        "version: 1\nname: x\nkind: interactions\nfiles:\n"
        "  events: {path: events.csv, format: table, columns: {user: user_idd, item: item}}\n"
        "  items: {path: none.tsv, format: table}\n  users: {path: users.jsonl, format: jsonl, columns: {user: a.c}}\n"
        "protocol: {split: k-fold, metrics: [ndcg]}\n");
  write("events.csv", "\xEF\xBB\xBFuser_id,item\n1,2\n");
  write("users.jsonl", "{\"a\": {\"b\": 1}}\n");
  const std::string fault = load_fault();
  EXPECT_THAT(fault,
              HasSubstr(":5: files.events.columns.user: column \"user_idd\" is not in events.csv; did you mean \"user_id\"?"));
  EXPECT_THAT(fault, HasSubstr(":6: files.items.path: "));
  EXPECT_THAT(fault, HasSubstr("none.tsv is not there"));
  EXPECT_THAT(fault, HasSubstr(":7: files.users.columns.user: column \"a.c\" is not in users.jsonl; did you mean"));
}

TEST_F(DatasetFiles, a_folder_without_a_dataset_file_is_not_found) {
  try {
    (void)load_dataset_spec(folder_.path());
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kNotFound);
    EXPECT_THAT(error.message(),
                HasSubstr("dataset.yaml: there is no such file; --data takes a folder with dataset.yaml, or a dataset file"));
  }
}

TEST(PublicSets, every_dataset_file_beside_the_repository_is_understood) {
  const fs::path data = fs::path(LODESTONE_SOURCE_DIR).parent_path() / "shared/data";
  if (!fs::is_directory(data)) GTEST_SKIP() << "the public data sets are not beside the repository (shared/data)";
  std::size_t n = 0;
  for (const auto& entry : fs::recursive_directory_iterator(data)) {
    if (entry.path().extension() != ".yaml") continue;
    EXPECT_NO_THROW((void)load_dataset_spec(entry.path())) << entry.path();
    ++n;
  }
  EXPECT_GT(n, 0U);
}

std::string metrics_fault(std::string_view names, Kind kind) {
  DatasetSpec spec;
  spec.kind = kind;
  try {
    (void)parse_metrics(names, spec);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
    return error.message();
  }
  return "";
}

TEST(ParseMetrics, names_stand_in_their_order_and_once) {
  EXPECT_THAT(parse_metrics("ndcg,recall,ndcg", {}), ::testing::ElementsAre(Metric::kNdcg, Metric::kRecall));
}

TEST(ParseMetrics, all_are_those_that_the_data_allows) {
  DatasetSpec spec;
  const std::vector<Metric> without = parse_metrics("all", spec);
  EXPECT_EQ(without.size(), 10U);
  EXPECT_THAT(without, ::testing::Not(::testing::Contains(Metric::kDiversity))) << "there are no texts";
  spec.files.emplace_back().part = Part::kItems;
  EXPECT_THAT(parse_metrics("auc,all", spec), ::testing::SizeIs(11));
  spec.kind = Kind::kTextSearch;
  EXPECT_THAT(parse_metrics("all", spec), ::testing::Not(::testing::Contains(Metric::kNovelty))) << "there are no histories";
  spec.kind = Kind::kLtr;
  EXPECT_THAT(parse_metrics("all", spec), ::testing::SizeIs(6));
}

TEST(ParseMetrics, another_name_is_refused_and_the_nearest_named) {
  EXPECT_THAT(
      metrics_fault("ndgc", Kind::kInteractions),
      ::testing::StartsWith("--metrics: \"ndgc\" is no metric of kind interactions (did you mean \"ndcg\"?); it has recall, "));
  EXPECT_EQ(metrics_fault("novelty", Kind::kLtr),
            "--metrics: \"novelty\" is no metric of kind ltr; it has ndcg, map, mrr, precision, recall, auc, or all");
  EXPECT_THAT(metrics_fault("", Kind::kLtr), ::testing::HasSubstr("\"\" is no metric"));
  EXPECT_THAT(metrics_fault("ndcg,", Kind::kLtr), ::testing::HasSubstr("\"\" is no metric"));
}

}  // namespace
}  // namespace lodestone::evaluation
