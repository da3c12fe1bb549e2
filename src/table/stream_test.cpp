#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "base/error.hpp"
#include "table/engine.hpp"
#include "table/utf8.hpp"

namespace lodestone::table {
namespace {

using testing::HasSubstr;

/// Yields `n_rows` rows that a function fills, and fails after `fail_after` of them.
class MadeStream final : public RowStream {
 public:
  using Fill = std::function<void(Batch& batch, std::uint64_t row)>;
  MadeStream(Schema schema, std::uint64_t n_rows, Fill fill)
      : schema_(std::move(schema)), n_rows_(n_rows), fill_(std::move(fill)) {}

  void die_after(std::uint64_t n_rows) { die_after_ = n_rows; }

  const Schema& schema() const override { return schema_; }
  std::uint64_t estimated_rows() const override { return n_rows_; }
  bool next(Batch& batch) override {
    batch.clear();
    while (!batch.full() && row_ < n_rows_) {
      if (row_ == die_after_) fail(ErrorCode::kUnavailable, "the server has gone away at row {}", row_);
      fill_(batch, row_++);
      batch.end_row();
    }
    return batch.n_rows() > 0;
  }

 private:
  Schema schema_;
  std::uint64_t n_rows_;
  std::uint64_t row_ = 0;
  std::uint64_t die_after_ = UINT64_MAX;
  Fill fill_;
};

std::string parquet(const fs::path& path) { return "read_parquet(" + quote_literal(path.string()) + ")"; }

TEST(Stream, writes_every_type_as_it_is) {
  const TemporaryFolder folder;
  const fs::path path = folder.path() / "t.parquet";
  const Schema schema = {{"b", ColumnType::kBool},    {"i", ColumnType::kInt32},          {"l", ColumnType::kInt64},
                         {"d", ColumnType::kDouble},  {"p", ColumnType::kDecimal, 4, 1},  {"q", ColumnType::kDecimal, 9, 2},
                         {"r", ColumnType::kDecimal}, {"s", ColumnType::kDecimal, 30, 4}, {"t", ColumnType::kText},
                         {"y", ColumnType::kBytes},   {"ts", ColumnType::kTimestamp},     {"dt", ColumnType::kDate}};
  MadeStream stream(schema, 3, [&](Batch& batch, std::uint64_t row) {
    if (row == 1) {
      for (std::size_t c = 0; c < schema.size(); ++c) batch.append_null(c);
      return;
    }
    batch.append_int(0, row == 0 ? 1 : 0);
    batch.append_int(1, -5);
    batch.append_int(2, INT64_MIN);
    batch.append_double(3, 0.1);
    batch.append_text(4, "-12.3");
    batch.append_text(5, "7");
    batch.append_text(6, "0.50");
    batch.append_text(7, "12345678901234567890.1234");
    batch.append_text(8, row == 0 ? "数据集, with more than twelve bytes" : "");
    batch.append_text(9, std::string_view("\0\xff\x01", 3));
    batch.append_int(10, 1'000'001);
    batch.append_int(11, 1);
  });
  Engine engine({});
  EXPECT_EQ(engine.write_parquet(stream, path, nullptr), 3U);
  engine.query("SELECT * FROM " + parquet(path) + " ORDER BY t DESC NULLS LAST", [](const Chunk& chunk) {
    ASSERT_EQ(chunk.n_rows(), 3U);
    EXPECT_TRUE(chunk.bool_at(0, 0));
    EXPECT_FALSE(chunk.bool_at(0, 1));
    EXPECT_EQ(chunk.int_at(1, 0), -5);
    EXPECT_EQ(chunk.int_at(2, 0), INT64_MIN);
    EXPECT_EQ(chunk.double_at(3, 0), 0.1);
    EXPECT_EQ(chunk.format_at(4, 0), "-12.3");
    EXPECT_EQ(chunk.format_at(5, 0), "7.00");
    EXPECT_EQ(chunk.format_at(6, 0), "0.50");
    EXPECT_EQ(chunk.format_at(7, 0), "12345678901234567890.1234");
    EXPECT_EQ(chunk.text_at(8, 0), "数据集, with more than twelve bytes");
    EXPECT_EQ(chunk.text_at(8, 1), "");
    EXPECT_EQ(chunk.text_at(9, 0), std::string_view("\0\xff\x01", 3));
    EXPECT_EQ(chunk.format_at(10, 0), "1970-01-01T00:00:01.000001Z");
    EXPECT_EQ(chunk.format_at(11, 0), "1970-01-02");
    for (std::size_t c = 0; c < chunk.columns().size(); ++c) EXPECT_TRUE(chunk.is_null(c, 2)) << c;
  });
}

TEST(Stream, loses_and_repeats_no_row_of_many) {
  const TemporaryFolder folder;
  const fs::path path = folder.path() / "t.parquet";
  MadeStream stream({{"id", ColumnType::kInt64}, {"word", ColumnType::kText}, {"gap", ColumnType::kInt32}}, 300'001,
                    [](Batch& batch, std::uint64_t row) {
                      batch.append_int(0, static_cast<std::int64_t>(row));
                      batch.append_text(1, "word " + std::to_string(row));
                      if (row % 3 == 0) {
                        batch.append_null(2);
                      } else {
                        batch.append_int(2, 1);
                      }
                    });
  Engine engine({.memory_budget_bytes = 256 << 20, .n_threads = 2, .temp_folder = {}});
  EXPECT_EQ(engine.write_parquet(stream, path, nullptr), 300'001U);
  EXPECT_TRUE(is_unique(engine, parquet(path), {"id"}));
  EXPECT_EQ(engine.query_int("SELECT count(*) FROM " + parquet(path) + " WHERE word = 'word ' || id"), 300'001);
  EXPECT_EQ(engine.query_int("SELECT count(*) FROM " + parquet(path) + " WHERE (gap IS NULL) = (id % 3 = 0)"), 300'001);
}

TEST(Stream, can_be_shaped_by_a_query) {
  const TemporaryFolder folder;
  const fs::path path = folder.path() / "t.parquet";
  MadeStream stream({{"id", ColumnType::kInt32}}, 10,
                    [](Batch& batch, std::uint64_t row) { batch.append_int(0, static_cast<std::int64_t>(row)); });
  Engine engine({});
  EXPECT_EQ(engine.write_parquet(stream, "SELECT CAST(id AS BIGINT) AS id FROM stream_rows WHERE id < 4", path, nullptr), 4U);
  EXPECT_EQ(engine.query_int("SELECT sum(id) FROM " + parquet(path)), 6);
}

TEST(Stream, an_empty_stream_gives_an_empty_table) {
  const TemporaryFolder folder;
  const fs::path path = folder.path() / "t.parquet";
  MadeStream stream({{"id", ColumnType::kInt32}}, 0, [](Batch&, std::uint64_t) {});
  Engine engine({});
  EXPECT_EQ(engine.write_parquet(stream, path, nullptr), 0U);
  EXPECT_EQ(engine.describe("SELECT * FROM " + parquet(path)).front().name, "id");
}

TEST(Stream, an_error_of_the_source_comes_out_as_it_is_and_leaves_the_old_file) {
  const TemporaryFolder folder;
  const fs::path path = folder.path() / "t.parquet";
  Engine engine({});
  engine.write_parquet("SELECT 1 AS id", path);
  const std::string before = read_file(path);
  MadeStream stream({{"id", ColumnType::kInt32}}, 100'000, [](Batch& batch, std::uint64_t) { batch.append_int(0, 1); });
  stream.die_after(50'000);
  try {
    engine.write_parquet(stream, path, nullptr);
    FAIL() << "nothing was thrown";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kUnavailable);
    EXPECT_EQ(error.message(), "the server has gone away at row 50000");
  }
  EXPECT_EQ(read_file(path), before);
  EXPECT_EQ(std::distance(fs::directory_iterator(folder.path()), fs::directory_iterator()), 1);
  EXPECT_EQ(engine.query_int("SELECT 2"), 2);
}

TEST(Stream, a_failing_write_ends_the_reading) {
  MadeStream stream({{"id", ColumnType::kInt32}}, 10'000'000, [](Batch& batch, std::uint64_t) { batch.append_int(0, 1); });
  Engine engine({});
  EXPECT_THROW(engine.write_parquet(stream, "/nowhere/t.parquet", nullptr), Error);
}

TEST(Stream, a_decimal_that_does_not_fit_its_type_is_named) {
  const TemporaryFolder folder;
  for (const std::string text : {"12345.00", "1.234", "abc", "", "--1"}) {
    MadeStream stream({{"price", ColumnType::kDecimal, 6, 2}}, 1,
                      [&](Batch& batch, std::uint64_t) { batch.append_text(0, text); });
    Engine engine({});
    try {
      engine.write_parquet(stream, folder.path() / "t.parquet", nullptr);
      FAIL() << "nothing was thrown for " << text;
    } catch (const Error& error) {
      EXPECT_THAT(error.message(), HasSubstr("column price: \"" + text + "\" is no decimal(6,2)"));
    }
  }
}

TEST(Utf8, tells_well_formed_text_and_repairs_the_rest) {
  for (const std::string_view good : {"", "plain text of some length", "数据", "\xF0\x9F\x98\x80 smile", "a\xC2\x80"})
    EXPECT_TRUE(is_utf8(good)) << good;
  for (const std::string_view bad :
       {"\xff", "cut \xE6\x95", "\xC0\x80", "\xED\xA0\x80", "\xF5\x80\x80\x80", "long enough text \x80"}) {
    EXPECT_FALSE(is_utf8(bad));
    EXPECT_TRUE(is_utf8(repair_utf8(bad)));
  }
  EXPECT_EQ(repair_utf8("a\xff数"), "a\xEF\xBF\xBD数");
}

TEST(Stream, text_that_is_no_utf8_is_repaired_instead_of_crashing_the_engine) {
  const TemporaryFolder folder;
  const fs::path path = folder.path() / "t.parquet";
  MadeStream stream({{"name", ColumnType::kText}}, 1, [](Batch& batch, std::uint64_t) { batch.append_text(0, "a\xff"); });
  Engine engine({});
  engine.write_parquet(stream, path, nullptr);
  EXPECT_EQ(engine.query_text("SELECT name FROM " + parquet(path)), "a\xEF\xBF\xBD");
}

}  // namespace
}  // namespace lodestone::table
