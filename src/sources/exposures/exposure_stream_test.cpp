#include "sources/exposures/exposure_stream.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.hpp"

namespace lodestone::sources {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class ExposureLogs : public testing::Test {
 protected:
  static std::string line(const std::string& request_id, const std::vector<int>& items) {
    std::string out = fmt::format(
        R"({{"request_id":"{}","user_id":7,"visitor_id":null,"page_id":3,"algorithm_version":"b-1","items":[)", request_id);
    for (std::size_t i = 0; i < items.size(); ++i) {
      out += fmt::format(R"({}{{"dataset_id":{},"score":0.5,"reason":"popular","propensity":1}})", i == 0 ? "" : ",", items[i]);
    }
    return out + R"(],"timestamp":"2026-11-24T09:30:00Z","context":{"endpoint":"similar","slot":null,"device_type":"mobile"}})" +
           "\n";
  }
  void write(const std::string& name, const std::string& text) const {
    make_folders((folder_.path() / name).parent_path());
    std::ofstream(folder_.path() / name, std::ios::app | std::ios::binary) << text;
  }
  /// "request position item" of what is new; moves the position.
  std::vector<std::string> read(std::uint64_t max_bytes = 1 << 20) {
    ExposureStream stream(folder_.path(), position_, max_bytes);
    table::Batch batch(stream.schema());
    std::vector<std::string> out;
    while (stream.next(batch)) {
      for (std::size_t r = 0; r < batch.n_rows(); ++r) {
        const std::string request = batch.is_null(3, r) ? "null" : std::string(batch.text_at(3, r));
        out.push_back(batch.is_null(3, r) ? fmt::format("{} {}", request, batch.text_at(batch.n_columns() - 1, r))
                                          : fmt::format("{} {} {}", request, batch.int_at(2, r), batch.int_at(4, r)));
      }
    }
    position_ = stream.position();
    return out;
  }

  TemporaryFolder folder_;
  std::string position_;
};

TEST_F(ExposureLogs, a_row_is_an_item_with_its_place) {
  write("20261124T093000Z-1.jsonl", line("req_a", {10, 13}));
  ExposureStream stream(folder_.path(), "", 1 << 20);
  table::Batch batch(stream.schema());
  ASSERT_TRUE(stream.next(batch));
  ASSERT_EQ(batch.n_rows(), 2U);
  const auto column = [&](std::string_view name) {
    for (std::size_t c = 0; c < stream.schema().size(); ++c) {
      if (stream.schema()[c].name == name) return c;
    }
    ADD_FAILURE() << name;
    return std::size_t{0};
  };
  EXPECT_EQ(batch.text_at(column("log_file"), 1), "20261124T093000Z-1.jsonl");
  EXPECT_EQ(batch.int_at(column("position"), 1), 2);
  EXPECT_EQ(batch.int_at(column("item_id"), 1), 13);
  EXPECT_EQ(batch.int_at(column("user_id"), 1), 7);
  EXPECT_TRUE(batch.is_null(column("visitor_id"), 1));
  EXPECT_EQ(batch.int_at(column("page_id"), 1), 3);
  EXPECT_EQ(batch.int_at(column("at"), 1), 1795512600000000);
  EXPECT_EQ(batch.double_at(column("propensity"), 1), 1);
  EXPECT_EQ(batch.text_at(column("endpoint"), 1), "similar");
  EXPECT_EQ(batch.text_at(column("device_type"), 1), "mobile");
  EXPECT_TRUE(batch.is_null(column("slot"), 1));
  EXPECT_TRUE(batch.is_null(column("unread_line"), 1));
  EXPECT_FALSE(stream.next(batch));
}

TEST_F(ExposureLogs, nothing_is_read_twice_and_a_torn_line_waits) {
  write("a.jsonl", line("req_a", {10}));
  write("b.jsonl", line("req_b", {11}));
  const std::string torn = line("req_c", {12});
  write("b.jsonl", torn.substr(0, 40));
  EXPECT_THAT(read(), ElementsAre("req_a 1 10", "req_b 1 11"));
  EXPECT_THAT(read(), IsEmpty());
  write("b.jsonl", torn.substr(40));
  write("a.jsonl", line("req_d", {13}));
  EXPECT_THAT(read(), ElementsAre("req_d 1 13", "req_c 1 12"));
  EXPECT_THAT(read(), IsEmpty());
  fs::remove(folder_.path() / "a.jsonl");
  write("host2/a.jsonl", line("req_e", {14}));
  EXPECT_THAT(read(), ElementsAre("req_e 1 14"));
  EXPECT_THAT(position_, testing::Not(HasSubstr("\"a.jsonl\"")));
}

TEST_F(ExposureLogs, pieces_are_all_of_it) {
  std::vector<std::string> all;
  for (int i = 0; i < 50; ++i) {
    write(fmt::format("{}.jsonl", i % 3), line(fmt::format("req_{}", i), {i, i + 1}));
    for (int k = 0; k < 2; ++k) all.push_back(fmt::format("req_{} {} {}", i, k + 1, i + k));
  }
  std::vector<std::string> found;
  for (;;) {
    const std::vector<std::string> piece = read(700);
    if (piece.empty()) break;
    EXPECT_LE(piece.size(), 6U);
    found.insert(found.end(), piece.begin(), piece.end());
  }
  EXPECT_THAT(found, testing::UnorderedElementsAreArray(all));
}

TEST_F(ExposureLogs, a_line_that_is_no_exposure_is_kept_with_its_text) {
  write("a.jsonl", "{\"request_id\":\"req_a\"}\nnonsense\n" + line("req_b", {}) + line("req_c", {1}));
  EXPECT_THAT(read(), ElementsAre("null {\"request_id\":\"req_a\"}", "null nonsense", "req_c 1 1"));
}

TEST_F(ExposureLogs, a_list_longer_than_a_batch_goes_on_in_the_next) {
  std::vector<int> items;
  for (int i = 0; i < 5000; ++i) items.push_back(i);
  write("a.jsonl", line("req_a", items) + line("req_b", {7}));
  const std::vector<std::string> rows = read();
  ASSERT_EQ(rows.size(), 5001U);
  EXPECT_EQ(rows[4999], "req_a 5000 4999");
  EXPECT_EQ(rows[5000], "req_b 1 7");
}

TEST_F(ExposureLogs, a_missing_folder_and_a_bad_position_are_told) {
  const auto sentence = [&](const fs::path& folder, std::string_view position) -> std::string {
    try {
      ExposureStream stream(folder, position, 1);
    } catch (const Error& error) {
      return error.message();
    }
    return "";
  };
  EXPECT_THAT(sentence(folder_.path() / "none", ""), HasSubstr("none with exposure logs; set source.exposures"));
  EXPECT_THAT(sentence(folder_.path(), "[1]"), HasSubstr("is no object: [1]"));
  EXPECT_THAT(sentence(folder_.path(), "{\"a\":-1}"), HasSubstr("a has no length"));
}

}  // namespace
}  // namespace lodestone::sources
