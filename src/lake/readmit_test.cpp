#include "lake/readmit.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.hpp"
#include "lake/extract_fixture.hpp"

namespace lodestone::lake {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;

class ReadmitTest : public ExtractFixture {
 protected:
  ReadmitReport readmit_now(ReadmitOptions options = {}) {
    options.lake = lake();
    const LakeLock lock(lake(), LakeLayer::kRaw);
    ReadmitReport report = readmit(engine(), contract_, clock_, options, lock);
    Reader(lake()).attach(engine());
    return report;
  }
  ContractColumn& column(const std::string& name) {
    return *std::find_if(contract_.columns.begin(), contract_.columns.end(),
                         [&](const ContractColumn& c) { return c.column.name == name; });
  }
  [[nodiscard]] std::uint64_t n_quarantined() const { return Reader(lake()).get("business", "t").n_quarantined; }

  FixedClock clock_{*parse_time("2026-04-02T00:00:00Z")};
};

TEST_F(ReadmitTest, rows_that_fit_the_changed_contract_come_and_the_others_stay) {
  file("t.csv", "id,name,price,n,at,extra\n1,a,1,1,,\n2,,2.50,12.0,2026-01-02 03:04:05,e\n3,,cheap,1,,\n4,d,1,1,,\n");
  extract_one();
  EXPECT_EQ(n_quarantined(), 2U);
  ReadmitReport report = readmit_now();
  EXPECT_EQ(report.n_readmitted, 0U);
  EXPECT_THAT(report.refused, ElementsAre(Pair("column name is null", 2)));
  column("name").is_nullable = true;
  report = readmit_now();
  EXPECT_EQ(report.n_readmitted, 1U);
  EXPECT_EQ(report.n_overtaken, 0U);
  EXPECT_THAT(report.refused, ElementsAre(Pair("column price: \"cheap\" is no decimal(18,4)", 1)));
  EXPECT_THAT(rows("SELECT id, name, price, n, t.at, extra FROM raw_business.t"),
              ElementsAre("1|a|1.0000|1||", "2||2.5000|12|2026-01-02T03:04:05Z|e", "4|d|1.0000|1||"));
  EXPECT_THAT(rows("SELECT id, reason, file FROM quarantine.business_t"),
              ElementsAre("3|column price: \"cheap\" is no decimal(18,4)|t.csv"));
  EXPECT_EQ(n_quarantined(), 1U);
  EXPECT_EQ(Reader(lake()).get("business", "t").n_rows(), 3U);
  EXPECT_EQ(readmit_now().n_readmitted, 0U);  // once more changes nothing
  EXPECT_EQ(Reader(lake()).get("business", "t").n_rows(), 3U);
}

TEST_F(ReadmitTest, a_dry_run_counts_and_changes_nothing) {
  file("t.csv", "id,name\n1,a\n2,\n");
  extract_one();
  column("name").is_nullable = true;
  EXPECT_EQ(readmit_now({.lake = {}, .reason = "", .keys = {}, .dry_run = true}).n_readmitted, 1U);
  EXPECT_EQ(n_quarantined(), 1U);
  EXPECT_THAT(rows("SELECT id FROM raw_business.t"), ElementsAre("1"));
}

TEST_F(ReadmitTest, only_what_was_asked_for_is_looked_at) {
  file("t.csv", "id,name,n\n1,,1\n2,,1\n3,c,half\n");
  extract_one();
  column("name").is_nullable = true;
  EXPECT_EQ(readmit_now({.lake = {}, .reason = "column n:", .keys = {}, .dry_run = false}).n_readmitted, 0U);
  EXPECT_EQ(readmit_now({.lake = {}, .reason = "column name", .keys = {"2", "3"}, .dry_run = false}).n_readmitted, 1U);
  EXPECT_THAT(rows("SELECT id FROM raw_business.t"), ElementsAre("2"));
  EXPECT_THAT(rows("SELECT id FROM quarantine.business_t"), ElementsAre("1", "3"));
}

TEST_F(ReadmitTest, a_row_that_is_no_newer_than_the_tables_is_overtaken_and_a_newer_one_wins) {
  file("t.csv",
       "id,name,changed\n1,,2026-01-01 00:00:00\n2,,2026-03-01 00:00:00\n3,,2026-01-01 00:00:00\n3,,2026-01-02 00:00:00\n");
  extract_one();
  fs::remove(input() / "t.csv");
  file("t_20260201_000000.csv", "id,name,changed\n1,mended,2026-02-01 00:00:00\n2,old,2026-02-01 00:00:00\n");
  // An increment's reading has its own quarantine; keep that of the whole file.
  const fs::path folder = quarantine_path(lake(), "business", "t");
  const fs::path copy = input() / "kept.parquet";
  fs::copy_file(folder / Reader(lake()).get("business", "t").quarantine_files.front(), copy);
  extract_one();
  Manifest manifest = Reader(lake()).get("business", "t");
  make_folders(folder);
  fs::copy_file(copy, folder / "part-kept.parquet");
  manifest.quarantine_files = {"part-kept.parquet"};
  manifest.n_quarantined = 4;
  write_file_atomic(table_path(lake(), "business", "t") / "manifest.json", format_manifest(manifest));
  column("name").is_nullable = true;
  const ReadmitReport report = readmit_now();
  EXPECT_EQ(report.n_readmitted, 2U);
  EXPECT_EQ(report.n_overtaken, 2U);
  EXPECT_THAT(rows("SELECT id, name, changed FROM raw_business.t"),
              ElementsAre("1|mended|2026-02-01T00:00:00Z", "2||2026-03-01T00:00:00Z", "3||2026-01-02T00:00:00Z"));
  EXPECT_EQ(n_quarantined(), 0U);
}

TEST_F(ReadmitTest, rows_of_a_database_come_back_with_their_types) {
  MadeSource source({{"id", table::ColumnType::kInt32},
                     {"name", table::ColumnType::kText},
                     {"price", table::ColumnType::kDecimal, 10, 2},
                     {"bytes", table::ColumnType::kBytes},
                     {"more", table::ColumnType::kDouble}},
                    5);
  source.null_name_at = 3;
  extract_from(source);
  EXPECT_EQ(n_quarantined(), 1U);
  column("name").is_nullable = true;
  EXPECT_EQ(readmit_now().n_readmitted, 1U);
  EXPECT_THAT(rows("SELECT id, name, price, more, bytes = 'row 3'::BLOB FROM raw_business.t WHERE id = 3"),
              ElementsAre("3||3.50|1.5|true"));
  EXPECT_EQ(n_quarantined(), 0U);
}

TEST_F(ReadmitTest, says_what_is_missing_or_does_not_fit) {
  EXPECT_THAT(error_of([&] { readmit_now(); }).message(),
              HasSubstr("has no table business.t yet; make it with lodestone extract"));
  file("t.csv", "id,name,n\n1,,1\n2,b,1\n");
  extract_one();
  column("n").column.type = table::ColumnType::kText;
  EXPECT_EQ(error_of([&] { readmit_now(); }).message(),
            "column n of table business.t is BIGINT in the lake, the contract now says text; run lodestone extract first, which "
            "reads the table anew");
  fs::remove_all(quarantine_path(lake(), "business", "t"));
  EXPECT_THAT(
      error_of([&] { readmit_now(); }).message(),
      HasSubstr("is missing, so its rows cannot be readmitted; restore it, or read the table again with lodestone extract "
                "--full"));
}

TEST_F(ReadmitTest, an_empty_quarantine_is_no_error) {
  file("t.csv", "id,name\n1,a\n");
  extract_one();
  const ReadmitReport report = readmit_now();
  EXPECT_EQ(report.n_readmitted + report.n_overtaken, 0U);
  EXPECT_THAT(report.refused, IsEmpty());
}

}  // namespace
}  // namespace lodestone::lake
