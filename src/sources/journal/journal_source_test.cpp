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
  std::vector<std::string> rows() {
    JournalSource source(folder.path());
    const TableSnapshot snapshot = source.snapshot("posted_events");
    EXPECT_TRUE(snapshot.is_addition);
    table::Batch batch(snapshot.stream->schema());
    std::vector<std::string> out;
    while (snapshot.stream->next(batch)) {
      for (std::size_t r = 0; r < batch.n_rows(); ++r) {
        out.push_back(fmt::format("{} {} {}", batch.text_at(0, r), batch.is_null(2, r) ? "-" : std::to_string(batch.int_at(2, r)),
                                  batch.int_at(6, r)));
      }
    }
    return out;
  }
  TemporaryFolder folder;
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
