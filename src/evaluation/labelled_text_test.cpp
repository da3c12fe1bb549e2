#include "evaluation/labelled_text.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.hpp"
#include "evaluation/splits.hpp"

namespace lodestone::evaluation {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class LabelledText : public ::testing::Test {
 protected:
  DatasetSpec spec(Split split) {
    DatasetSpec out;
    out.file = folder_.path() / "dataset.yaml";
    out.kind = Kind::kLabelledText;
    out.protocol.split = split;
    return out;
  }
  void add(DatasetSpec& spec, Part part, const std::string& name, const std::string& text) {
    write_file_atomic(folder_.path() / name, text);
    FileSpec& file = spec.files.emplace_back();
    file.part = part;
    file.path = folder_.path() / name;
    file.format = Format::kLabelled;
  }
  static std::string fault(const DatasetSpec& spec) {
    try {
      (void)make_problems(spec, load_labelled_set(spec));
    } catch (const Error& error) {
      return error.message();
    }
    return "no error";
  }
  TemporaryFolder folder_;
};

TEST_F(LabelledText, the_last_tab_parts_text_and_class_and_test_classes_may_be_new) {
  DatasetSpec given = spec(Split::kGiven);
  add(given, Part::kTrain, "train.txt", "a\tb\tx\n\nc\ty\n\tx\n");
  add(given, Part::kTest, "test.txt", "d\tz\n");
  const LabelledSet set = load_labelled_set(given);
  EXPECT_THAT(set.classes, ElementsAre("x", "y", "z"));
  EXPECT_THAT(set.train.texts, ElementsAre("a\tb", "c", ""));
  EXPECT_THAT(set.train.labels, ElementsAre(0, 1, 0));
  EXPECT_THAT(set.test.labels, ElementsAre(2));
  const auto problems = make_problems(given, set);
  ASSERT_EQ(problems.size(), 1U);
  EXPECT_EQ(problems[0].train_texts.size(), 3U);
}

TEST_F(LabelledText, folds_take_lines_by_their_hash) {
  DatasetSpec folds = spec(Split::kKFold);
  folds.protocol.folds = 3;
  // SHA-256 of 1:0 .. 1:7, modulo 3: 0 1 1 0 2 2 0 0.
  add(folds, Part::kTrain, "all.txt", "0\tx\n1\tx\n2\tx\n3\tx\n4\tx\n5\tx\n6\tx\n7\tx\n");
  const LabelledSet set = load_labelled_set(folds);
  const auto problems = make_problems(folds, set);
  ASSERT_EQ(problems.size(), 3U);
  EXPECT_THAT(problems[0].test_texts, ElementsAre("0", "3", "6", "7"));
  EXPECT_THAT(problems[1].test_texts, ElementsAre("1", "2"));
  EXPECT_THAT(problems[1].train_texts, ElementsAre("0", "3", "4", "5", "6", "7"));
}

TEST_F(LabelledText, lines_and_files_that_hold_nothing_are_refused) {
  DatasetSpec folds = spec(Split::kKFold);
  add(folds, Part::kTrain, "all.txt", "a\tx\nno class\n");
  EXPECT_THAT(fault(folds), HasSubstr("all.txt:2: expected text, a tab and a class, found \"no class\""));
  write_file_atomic(folds.files[0].path, "a\tx\nb\t\n");
  EXPECT_THAT(fault(folds), HasSubstr("all.txt:2: expected text"));
  write_file_atomic(folds.files[0].path, "\n");
  EXPECT_THAT(fault(folds), HasSubstr("all.txt: holds no line"));
  write_file_atomic(folds.files[0].path, "a\tx\n");
  EXPECT_THAT(fault(folds), HasSubstr("protocol.folds: 1 texts in 5 folds leave a fold nothing to fit on"));
}

TEST_F(LabelledText, accuracy_is_the_mean_of_the_folds) {
  DatasetSpec folds = spec(Split::kKFold);
  folds.protocol.folds = 3;
  add(folds, Part::kTrain, "all.txt", "0\tx\n1\tx\n2\ty\n3\tx\n4\ty\n5\ty\n6\tx\n7\ty\n");
  std::size_t fits = 0;
  const ClassifyMethod always_x{"x", "",
                                [&](auto texts, auto labels, std::size_t n_classes) {
                                  ++fits;
                                  EXPECT_EQ(texts.size(), labels.size());
                                  EXPECT_EQ(n_classes, 2U);
                                },
                                [](std::string_view) { return 0; }};
  const MethodResult row = measure_classifier(folds, load_labelled_set(folds), always_x, {.threads = 2, .draws = 100});
  EXPECT_EQ(fits, 3U);
  EXPECT_DOUBLE_EQ(row.metrics.at(0).value, (3.0 / 4 + 1.0 / 2 + 0) / 3);
  EXPECT_EQ(row.metrics.at(0).name, "accuracy");
  EXPECT_EQ(row.users, 8U);
  EXPECT_TRUE(row.metrics.at(0).interval);
}

}  // namespace
}  // namespace lodestone::evaluation
