#include "sources/journal/journal_source.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "base/error.hpp"
#include "base/hash.hpp"

namespace lodestone::sources {
namespace {

using ::testing::ElementsAre;

std::string line(const std::string& id, const std::string& more = "") {
  std::string body = fmt::format(
      R"({{"event_id":"{}","kind":"view","dataset_id":5,"at":"2026-11-24T09:30:00Z"{},"received_at":"2026-11-24T09:30:01Z")", id,
      more);
  const std::string check = fmt::format(",\"check\":\"{:016x}\"}}\n", xxh3(body));
  return body + check;
}

class JournalSourceTest : public ::testing::Test {
 protected:
  void write(const std::string& name, const std::string& text) { std::ofstream(folder.path() / name) << text; }
  void append(const std::string& name, const std::string& text) { std::ofstream(folder.path() / name, std::ios::app) << text; }
  std::vector<std::string> rows() {
    JournalSource source(folder.path());
    return rows_of(*source.snapshot("posted_events").stream);
  }
  /// Ids of the events behind the position, which is moved.
  std::string news() {
    JournalSource source(folder.path());
    std::string out;
    for (const std::string& row : rows_of(*source.growing()->rows_after("posted_events", position)))
      out += row.substr(0, row.find(' '));
    position = source.position();
    return out;
  }
  static std::vector<std::string> rows_of(table::RowStream& stream) {
    table::Batch batch(stream.schema());
    std::vector<std::string> out;
    while (stream.next(batch)) {
      for (std::size_t r = 0; r < batch.n_rows(); ++r) {
        out.push_back(fmt::format("{} {} {}", batch.text_at(0, r), batch.is_null(2, r) ? "-" : std::to_string(batch.int_at(2, r)),
                                  batch.int_at(6, r)));
      }
    }
    return out;
  }
  TemporaryFolder folder;
  std::string position;
};

TEST_F(JournalSourceTest, gives_each_event_once_in_the_order_of_the_files) {
  write("20261124T093000Z-9.jsonl", line("a", R"(,"user_id":7)") + line("b"));
  write("20261123T093000Z-10.jsonl", line("b") + line("c"));
  write("other.jsonl", line("d"));
  EXPECT_THAT(rows(), ElementsAre("a 7 1795512600000000", "b - 1795512600000000", "c - 1795512600000000"));
}

TEST_F(JournalSourceTest, leaves_out_what_is_damaged_or_torn) {
  std::string bad = line("b");
  bad[15] = 'x';
  write("20261124T093000Z-1.jsonl", line("a") + bad + line("c") + line("d").substr(0, 40));
  EXPECT_THAT(rows(), ElementsAre("a - 1795512600000000", "c - 1795512600000000"));
}

TEST_F(JournalSourceTest, a_journal_without_events_is_an_empty_table) { EXPECT_THAT(rows(), ElementsAre()); }

TEST_F(JournalSourceTest, many_events_come_in_batches) {
  std::string text;
  for (int i = 0; i < 5'000; ++i) text += line(std::to_string(i));
  write("20261124T093000Z-1.jsonl", text);
  EXPECT_EQ(rows().size(), 5'000U);
}

TEST_F(JournalSourceTest, goes_on_where_it_was) {
  EXPECT_EQ(news(), "");
  write("20261124T093000Z-1.jsonl", line("a") + line("b"));
  EXPECT_EQ(news(), "ab");
  EXPECT_EQ(news(), "");
  append("20261124T093000Z-1.jsonl", line("c"));
  write("20261124T093100Z-2.jsonl", line("d"));
  EXPECT_EQ(news(), "cd");
  append("20261124T093100Z-2.jsonl", line("e"));
  EXPECT_EQ(news(), "e");
}

TEST_F(JournalSourceTest, takes_up_many_events_at_any_of_them) {
  std::string text;
  for (int i = 0; i < 5'000; ++i) text += line(std::to_string(i));
  write("20261124T093000Z-1.jsonl", text);
  news();
  append("20261124T093000Z-1.jsonl", line("a"));
  EXPECT_EQ(news(), "a");
}

TEST_F(JournalSourceTest, a_line_that_is_being_written_waits) {
  const std::string whole = line("b");
  write("20261124T093000Z-1.jsonl", line("a") + whole.substr(0, 40));
  EXPECT_EQ(news(), "a");
  append("20261124T093000Z-1.jsonl", whole.substr(40));
  EXPECT_EQ(news(), "b");
}

TEST_F(JournalSourceTest, a_torn_end_keeps_nobody_from_the_next_file) {
  write("20261124T093000Z-1.jsonl", line("a") + line("torn").substr(0, 40));
  EXPECT_EQ(news(), "a");
  write("20261124T093100Z-2.jsonl", line("b"));
  EXPECT_EQ(news(), "b");
  EXPECT_EQ(news(), "");
}

TEST_F(JournalSourceTest, damage_at_the_end_is_looked_at_again_until_more_follows) {
  std::string bad = line("b");
  bad[15] = 'x';
  write("20261124T093000Z-1.jsonl", line("a") + bad);
  EXPECT_EQ(news(), "a");
  append("20261124T093000Z-1.jsonl", line("c"));
  EXPECT_EQ(news(), "c");
}

TEST_F(JournalSourceTest, what_the_server_removed_is_no_obstacle) {
  write("20261124T093000Z-1.jsonl", line("a"));
  EXPECT_EQ(news(), "a");
  fs::remove(folder.path() / "20261124T093000Z-1.jsonl");
  EXPECT_EQ(news(), "");
  write("20261124T093100Z-2.jsonl", line("b"));
  write("20261124T093200Z-3.jsonl", line("c"));
  EXPECT_EQ(news(), "bc");
}

TEST_F(JournalSourceTest, another_journal_in_its_place_is_read_whole) {
  write("20261124T093000Z-1.jsonl", line("a"));
  write("20261124T093100Z-2.jsonl", line("b"));
  EXPECT_EQ(news(), "ab");
  fs::remove(folder.path() / "20261124T093000Z-1.jsonl");
  fs::remove(folder.path() / "20261124T093100Z-2.jsonl");
  write("20261125T070000Z-1.jsonl", line("c"));
  write("20261125T070100Z-2.jsonl", line("d"));
  EXPECT_EQ(news(), "cd");
}

TEST_F(JournalSourceTest, a_file_that_was_cut_back_is_read_again) {
  const std::string name = "20261124T093000Z-1.jsonl";
  write(name, line("a") + line("b"));
  EXPECT_EQ(news(), "ab");
  write(name, line("a"));
  EXPECT_EQ(news(), "a");
  write(name, line("a") + line("c") + line("d"));
  EXPECT_EQ(news(), "cd");
  write(name, line("a") + line("e") + line("f"));
  EXPECT_EQ(news(), "aef") << "other lines of the same length";
}

TEST_F(JournalSourceTest, refuses_a_position_that_is_none) {
  for (const char* text : {"{}", "[]", "7", R"({"segment":"a","read":-1,"check":""})", R"({"segment":7,"read":1,"check":""})"}) {
    position = text;
    EXPECT_THROW(news(), Error) << text;
  }
}

TEST(JournalSource, wants_its_folder) {
  try {
    const JournalSource source("/nowhere/events");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.message(),
              "the folder of posted events /nowhere/events is not there; correct serving.events_folder, or leave it empty");
  }
}

}  // namespace
}  // namespace lodestone::sources
