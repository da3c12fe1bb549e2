#include "lake/csv_stream.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include <array>

#include "base/error.hpp"

namespace lodestone::lake {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

/// Each row as "line: a|b|~" with ~ for null, or "line! fault: text".
std::vector<std::string> read(const std::string& text) {
  const TemporaryFolder folder;
  const fs::path path = folder.path() / "t.csv";
  write_file_atomic(path, text);
  CsvStream stream(path);
  const std::size_t n = stream.header().size();
  table::Batch batch(stream.schema());
  std::vector<std::string> out;
  while (stream.next(batch)) {
    for (std::size_t row = 0; row < batch.n_rows(); ++row) {
      std::string& line = out.emplace_back(std::to_string(batch.int_at(n, row)));
      if (!batch.is_null(n + 1, row)) {
        line += "! " + std::string(batch.text_at(n + 1, row)) + ": " + std::string(batch.text_at(n + 2, row));
        continue;
      }
      for (std::size_t c = 0; c < n; ++c)
        line += (c == 0 ? ": " : "|") + (batch.is_null(c, row) ? "~" : std::string(batch.text_at(c, row)));
    }
  }
  return out;
}

TEST(CsvStream, tells_null_from_empty_and_unfolds_quotes) {
  EXPECT_THAT(read("a,b\n,\"\"\n\\N,\"\\N\"\n\"x \"\"y\"\"\",\" z \"\n"), ElementsAre("2: ~|", "3: ~|\\N", "4: x \"y\"| z "));
}

TEST(CsvStream, counts_lines_over_quoted_ends_of_line_and_empty_lines) {
  EXPECT_THAT(read("a,b\r\n\r\n1,\"x\r\ny\"\r\n\n2,z\r\n3,last"), ElementsAre("3: 1|x\r\ny", "6: 2|z", "7: 3|last"));
}

/// Estimates before the first row, after the first batch, and at the end, of a file with `n` records; the names end as given.
std::array<std::uint64_t, 3> estimates(const std::string& name, const std::string& text) {
  const TemporaryFolder folder;
  const fs::path path = folder.path() / name;
  if (path.extension() == ".gz") {
    const gzFile file = gzopen(path.c_str(), "wb");
    gzwrite(file, text.data(), static_cast<unsigned>(text.size()));
    gzclose(file);
  } else {
    write_file_atomic(path, text);
  }
  CsvStream stream(path);
  table::Batch batch(stream.schema());
  std::array<std::uint64_t, 3> out{stream.estimated_rows()};
  stream.next(batch);
  out[1] = stream.estimated_rows();
  while (stream.next(batch)) {
  }
  out[2] = stream.estimated_rows();
  return out;
}

TEST(CsvStream, estimates_its_rows_from_the_size_of_the_file) {
  constexpr std::uint64_t kRows = 150'000;
  std::string text = "id,text\n";
  for (std::uint64_t i = 0; i < kRows; ++i)
    text += std::to_string(i) + ",\"line\nend " + std::to_string(i * 7919 % 10007) + "\"\n";
  ASSERT_GT(text.size(), 2U << 20U);
  for (const char* name : {"t.csv", "t.csv.gz"}) {
    const auto [before, early, end] = estimates(name, text);
    EXPECT_NEAR(static_cast<double>(before), kRows, 0.15 * kRows) << name;
    EXPECT_NEAR(static_cast<double>(early), kRows, 0.25 * kRows) << name;
    EXPECT_EQ(end, kRows) << name;
  }
  EXPECT_EQ(estimates("t.csv", "a\n")[0], 0U);
  EXPECT_EQ(estimates("t.csv", "a\n1\n2\n")[1], 2U);
}

TEST(CsvStream, a_fault_costs_its_line_only) {
  EXPECT_THAT(
      read("a,b\n1\n2,x,y\n3,a\"b\n4,\"a\"b\n5,\"p\nq\"r\n6,ok\n"),
      ElementsAre("2! has too few values: 1", "3! has too many values: 2,x,y",
                  "4! has a quote inside a value that is not quoted: 3,a\"b", "5! has text after a closing quote: 4,\"a\"b",
                  "6! has text after a closing quote: 5,\"p\nq\"r", "8: 6|ok"));
}

TEST(CsvStream, a_quote_that_never_ends_gives_up_one_line) {
  EXPECT_THAT(read("a,b\n1,\"x\n2,y\n3,z"), ElementsAre("2! has a quote that never ends: 1,\"x", "3: 2|y", "4: 3|z"));
  // Also when the rest of the file is longer than any record may be.
  std::string text = "a,b\n1,\"x\n";
  for (int i = 0; i < 700'000; ++i) text += "2,y     \n";
  const std::vector<std::string> rows = read(text);
  ASSERT_EQ(rows.size(), 700'001U);
  EXPECT_EQ(rows.front(), "2! has a quote that never ends: 1,\"x");
  EXPECT_EQ(rows.back(), "700002: 2|y     ");
}

TEST(CsvStream, bytes_that_are_no_text_are_a_fault) {
  EXPECT_THAT(read("a\nx\xff\n数据\n"), ElementsAre("2! is no UTF-8 text: x\xff", "3: 数据"));
}

TEST(CsvStream, records_over_block_boundaries_are_whole) {
  // 1 MiB blocks: records of 1,000,003 bytes with an end of line in a quoted value lie across each boundary.
  std::string text = "id,text\n";
  for (int i = 0; i < 5; ++i)
    text += std::to_string(i) + ",\"" + std::string(500'000, 'x') + "\n9,\"\"" + std::string(499'990, 'y') + "\"\n";
  const std::vector<std::string> rows = read(text);
  ASSERT_EQ(rows.size(), 5U);
  for (std::size_t i = 0; i < 5; ++i) {
    EXPECT_EQ(rows[i], std::to_string(2 + 2 * i) + ": " + std::to_string(i) + "|" + std::string(500'000, 'x') + "\n9,\"" +
                           std::string(499'990, 'y'));
  }
}

TEST(CsvStream, every_cut_of_a_file_is_read_without_harm) {
  const std::string text = "a,b\r\n1,\"x\"\"\r\ny\"\r\n\\N,\"z\"\r\n";
  for (std::size_t n = 4; n < text.size(); ++n) EXPECT_NO_THROW(read(text.substr(0, n))) << n;
}

TEST(CsvStream, says_what_is_wrong_with_the_header_or_the_file) {
  const auto fault_of = [](const std::string& name, const std::string& text) -> std::string {
    const TemporaryFolder folder;
    write_file_atomic(folder.path() / name, text);
    try {
      CsvStream stream(folder.path() / name);
    } catch (const Error& error) {
      return error.message();
    }
    return "nothing was thrown";
  };
  EXPECT_THAT(fault_of("t.csv", "\n\n"),
              HasSubstr("t.csv: has no header line; a CSV file must begin with the names of its columns"));
  EXPECT_THAT(fault_of("t.csv", "a,b\"c\n"), HasSubstr("t.csv: the header line is malformed: has a quote inside"));
  EXPECT_THAT(fault_of("t.csv.gz", std::string("\x1f\x8b\x08\0\0\0\0\0\0\3garbage", 17)),
              HasSubstr("t.csv.gz: the file is damaged or cut"));
}

}  // namespace
}  // namespace lodestone::lake
