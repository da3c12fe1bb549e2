// Extraction from a source whose tables only grow.
#include <gmock/gmock.h>

#include "lake/extract_fixture.hpp"

namespace lodestone::lake {
namespace {

using ::testing::ElementsAre;

/// Rows (id, name); its position is how many it has given.
class Growth final : public sources::Source, public sources::GrowingSource {
 public:
  std::vector<std::int64_t> ids;
  std::string place = "here";
  std::size_t die_at = SIZE_MAX;
  std::vector<std::string> asked;  ///< positions

  [[nodiscard]] std::string kind() const override { return "growth"; }
  [[nodiscard]] std::string location() const override { return place; }
  [[nodiscard]] std::vector<std::string> tables() override { return {"t"}; }
  [[nodiscard]] sources::TableSnapshot snapshot(const std::string& table) override {
    return {table, rows_after(table, ""), {}, {}};
  }
  [[nodiscard]] sources::GrowingSource* growing() override { return this; }
  [[nodiscard]] std::unique_ptr<table::RowStream> rows_after(const std::string&, std::string_view position) override {
    asked.emplace_back(position);
    return std::make_unique<Stream>(*this, position.empty() ? 0 : std::stoul(std::string(position)));
  }
  [[nodiscard]] std::string position() const override { return std::to_string(ids.size()); }

 private:
  class Stream final : public table::RowStream {
   public:
    Stream(const Growth& of, std::size_t at) : of_(of), at_(at) {}
    [[nodiscard]] const table::Schema& schema() const override { return schema_; }
    [[nodiscard]] std::uint64_t estimated_rows() const override { return of_.ids.size() - at_; }
    bool next(table::Batch& batch) override {
      batch.clear();
      for (; !batch.full() && at_ < of_.ids.size(); ++at_) {
        if (at_ == of_.die_at) fail(ErrorCode::kUnavailable, "the disk is gone");
        batch.append_int(0, of_.ids[at_]);
        batch.append_text(1, "row " + std::to_string(at_));
        batch.end_row();
      }
      return batch.n_rows() > 0;
    }

   private:
    const Growth& of_;
    std::size_t at_;
    table::Schema schema_ = {{.name = "id", .type = table::ColumnType::kInt64},
                             {.name = "name", .type = table::ColumnType::kText}};
  };
};

class ExtractGrowthTest : public ExtractFixture {
 protected:
  std::vector<std::string> table() { return rows("SELECT id, name FROM raw_business.t"); }
  Growth source_;
};

TEST_F(ExtractGrowthTest, reads_on_behind_what_the_lake_has) {
  source_.ids = {1, 2};
  EXPECT_EQ(extract_from(source_).rows_in, 2U);
  source_.ids = {1, 2, 3};
  const TableReport report = extract_from(source_);
  EXPECT_EQ(report.rows_in, 1U);
  EXPECT_EQ(report.rows_out, 3U);
  EXPECT_EQ(extract_from(source_).rows_in, 0U);
  EXPECT_THAT(source_.asked, ElementsAre("", "2", "3"));
  EXPECT_THAT(table(), ElementsAre("1|row 0", "2|row 1", "3|row 2"));
}

TEST_F(ExtractGrowthTest, a_key_that_comes_again_counts_once_and_the_first_stays) {
  source_.ids = {1, 2};
  extract_from(source_);
  source_.ids = {1, 2, 2, 3, 1};
  EXPECT_EQ(extract_from(source_).rows_out, 3U);
  EXPECT_THAT(table(), ElementsAre("1|row 0", "2|row 1", "3|row 3"));
}

TEST_F(ExtractGrowthTest, a_reading_that_dies_is_made_again) {
  source_.ids = {1, 2};
  extract_from(source_);
  source_.ids = {1, 2, 3, 4};
  source_.die_at = 3;
  EXPECT_THROW(extract_from(source_), Error);
  source_.die_at = SIZE_MAX;
  EXPECT_EQ(extract_from(source_).rows_in, 2U);
  EXPECT_EQ(table().size(), 4U);
}

TEST_F(ExtractGrowthTest, a_full_reading_keeps_what_the_source_has_no_more) {
  source_.ids = {1, 2};
  extract_from(source_);
  source_.ids = {2, 3};
  EXPECT_EQ(extract_from(source_, ExtractMode::kFull).rows_in, 2U);
  EXPECT_THAT(table(), ElementsAre("1|row 0", "2|row 1", "3|row 1"));
}

TEST_F(ExtractGrowthTest, knows_it_at_another_place) {
  source_.ids = {1, 2};
  extract_from(source_);
  source_.place = "there";
  source_.ids = {1, 2, 3};
  EXPECT_EQ(extract_from(source_).rows_out, 3U);
}

TEST_F(ExtractGrowthTest, nothing_yet_is_an_empty_table) {
  EXPECT_EQ(extract_from(source_).rows_out, 0U);
  EXPECT_TRUE(table().empty());
  source_.ids = {1};
  EXPECT_EQ(extract_from(source_).rows_out, 1U);
}

}  // namespace
}  // namespace lodestone::lake
