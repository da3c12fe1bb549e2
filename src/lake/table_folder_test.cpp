#include "lake/table_folder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <set>

#include "base/error.hpp"
#include "lake/reader.hpp"

namespace lodestone::lake {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

const TimePoint kNow = *parse_time("2026-04-01T00:00:00Z");

Error error_of(const std::function<void()>& work) {
  try {
    work();
  } catch (const Error& error) {
    return error;
  }
  return Error(ErrorCode::kInternal, "nothing was thrown");
}

std::set<std::string> names(const fs::path& folder) {
  std::set<std::string> out;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder)) out.insert(entry.path().filename().string());
  return out;
}

Manifest make_manifest() {
  Manifest manifest;
  manifest.layer = "raw";
  manifest.source = "business";
  manifest.table = "dict";
  manifest.kind = "files";
  manifest.location = "/data \"quoted\"";
  manifest.created_at = kNow;
  manifest.columns = {{"id", "BIGINT", ColumnOrigin::kContract},
                      {"x", "DECIMAL(18,4)", ColumnOrigin::kExtra},
                      {"y", "VARCHAR", ColumnOrigin::kAbsent}};
  manifest.primary_key = {"id"};
  manifest.n_quarantined = 2;
  manifest.quarantine_files = {"q.parquet"};
  return manifest;
}

/// Writes one row, id = `value`, and commits it.
void write_table(const fs::path& lake, int value) {
  table::Engine engine({});
  TableFolder folder(lake, "business", "dict");
  const fs::path part = folder.new_part(kNow);
  engine.write_parquet("SELECT CAST(" + std::to_string(value) + " AS BIGINT) AS id, CAST(1 AS DECIMAL(18,4)) AS x", part);
  Manifest manifest = make_manifest();
  manifest.quarantine_files.clear();
  manifest.parts = {{part.filename().string(), 1, static_cast<std::uint64_t>(fs::file_size(part))}};
  folder.commit(manifest);
}

std::int64_t read_table(const fs::path& lake) {
  table::Engine engine({});
  Reader(lake).attach(engine);
  return engine.query_int("SELECT id FROM raw_business.dict").value_or(-1);
}

TEST(Manifest, comes_back_as_it_was) {
  Manifest manifest = make_manifest();
  manifest.parts = {{"a.parquet", 3, 100}, {"b.parquet", 4, 200}};
  const Manifest back = parse_manifest(format_manifest(manifest), "m");
  EXPECT_EQ(format_manifest(back), format_manifest(manifest));
  EXPECT_EQ(back.n_rows(), 7U);
  EXPECT_EQ(back.columns[2].origin, ColumnOrigin::kAbsent);
}

TEST(Manifest, a_damaged_one_is_refused_with_a_sentence) {
  const std::string text = format_manifest(make_manifest());
  for (std::size_t n = 0; n + 2 < text.size(); ++n) {
    EXPECT_EQ(error_of([&] { (void)parse_manifest(text.substr(0, n), "m.json"); }).code(), ErrorCode::kCorrupt) << n;
  }
  const auto broken = [&](const std::string& from, const std::string& to) {
    std::string changed = text;
    changed.replace(changed.find(from), from.size(), to);
    return error_of([&] { (void)parse_manifest(changed, "m.json"); }).message();
  };
  EXPECT_EQ(
      broken("\"format\": 2", "\"format\": 3"),
      "m.json: the lake table has format 3, this program reads formats 1 to 2; make it again with lodestone extract --full");
  EXPECT_THAT(broken("\"parts\": []", "\"parts\": 3"), HasSubstr("m.json: parts must be an array; restore the file"));
  EXPECT_THAT(broken("\"parts\": []", "\"parts\": [{\"file\": \"../x\", \"rows\": 1, \"bytes\": 1}]"),
              HasSubstr("parts.file must be the name of a file"));
  EXPECT_THAT(broken("q.parquet", "a/b"), HasSubstr("quarantine_files must be names of files"));
  EXPECT_THAT(broken("\"extra\"", "\"extar\""), HasSubstr("columns.origin must be contract, extra or absent"));
  EXPECT_THAT(broken("2026-04-01T00:00:00Z", "yesterday"), HasSubstr("created_at must be a time"));
}

TEST(TableFolder, replaces_the_table_and_removes_the_old_parts) {
  const TemporaryFolder lake;
  write_table(lake.path(), 1);
  EXPECT_EQ(read_table(lake.path()), 1);
  write_table(lake.path(), 2);
  EXPECT_EQ(read_table(lake.path()), 2);
  EXPECT_THAT(names(lake.path() / "raw/business/dict"), ElementsAre("manifest.json", "part-20260401T000000Z-1.parquet"));
}

TEST(TableFolder, a_run_killed_before_the_manifest_leaves_the_old_table) {
  const TemporaryFolder lake;
  write_table(lake.path(), 1);
  const fs::path folder = lake.path() / "raw/business/dict";
  const fs::path quarantine = lake.path() / "quarantine/business/dict";
  make_folders(quarantine);
  for (const fs::path& left_over : {folder / "part-20260401T000001Z-0.parquet", folder / "part-20260401T000001Z-1.parquet.tmp",
                                    quarantine / "part-20260401T000001Z-0.parquet"}) {
    write_file_atomic(left_over, "half");
  }
  EXPECT_EQ(read_table(lake.path()), 1);
  clean_lake(lake.path(), LakeLayer::kRaw);
  EXPECT_THAT(names(folder), ElementsAre("manifest.json", "part-20260401T000000Z-0.parquet"));
  EXPECT_THAT(names(quarantine), ElementsAre());
  EXPECT_EQ(read_table(lake.path()), 1);
}

TEST(TableFolder, a_run_killed_after_the_manifest_leaves_the_new_table) {
  const TemporaryFolder lake;
  write_table(lake.path(), 1);
  const fs::path folder = lake.path() / "raw/business/dict";
  const std::string old_part = read_file(folder / "part-20260401T000000Z-0.parquet");
  write_table(lake.path(), 2);
  write_file_atomic(folder / "part-20260401T000000Z-0.parquet", old_part);  // as if it had not been removed yet
  EXPECT_EQ(read_table(lake.path()), 2);
  clean_lake(lake.path(), LakeLayer::kRaw);
  EXPECT_THAT(names(folder), ElementsAre("manifest.json", "part-20260401T000000Z-1.parquet"));
}

TEST(TableFolder, a_table_with_a_damaged_manifest_is_not_cleaned) {
  const TemporaryFolder lake;
  write_table(lake.path(), 1);
  const fs::path folder = lake.path() / "raw/business/dict";
  write_file_atomic(folder / "manifest.json", "{");
  clean_lake(lake.path(), LakeLayer::kRaw);
  EXPECT_EQ(names(folder).size(), 2U);
  EXPECT_EQ(error_of([&] { Reader reader(lake.path()); }).code(), ErrorCode::kCorrupt);
}

TEST(TableFolder, parts_that_were_not_committed_go_with_the_object) {
  const TemporaryFolder lake;
  {
    TableFolder folder(lake.path(), "business", "dict");
    write_file_atomic(folder.new_part(kNow), "x");
    write_file_atomic(folder.new_quarantine_part(kNow), "x");
  }
  EXPECT_THAT(names(lake.path() / "raw/business/dict"), ElementsAre());
  EXPECT_THAT(names(lake.path() / "quarantine/business/dict"), ElementsAre());
}

TEST(LakeLock, keeps_a_second_writer_out) {
  const TemporaryFolder lake;
  {
    const LakeLock lock(lake.path(), LakeLayer::kRaw);
    const Error error = error_of([&] { const LakeLock second(lake.path(), LakeLayer::kRaw); });
    EXPECT_EQ(error.code(), ErrorCode::kUnavailable);
    EXPECT_THAT(error.message(), HasSubstr("is being written by another run; wait until it is done, or stop it"));
  }
  EXPECT_NO_THROW(const LakeLock again(lake.path(), LakeLayer::kRaw));
}

TEST(Reader, says_what_is_missing_or_damaged) {
  const TemporaryFolder lake;
  EXPECT_THAT(error_of([&] { Reader reader(lake.path() / "none"); }).message(),
              HasSubstr("none; make it with lodestone extract"));
  write_table(lake.path(), 1);
  const Reader reader(lake.path());
  ASSERT_EQ(reader.tables().size(), 1U);
  EXPECT_EQ(reader.find("business", "user"), nullptr);
  EXPECT_THAT(error_of([&] { (void)reader.get("business", "user"); }).message(),
              HasSubstr("has no table raw_business.user; make it with lodestone extract"));
  EXPECT_THAT(error_of([&] { (void)reader.get("canonical", "items"); }).message(),
              HasSubstr("has no table items; make it with lodestone pipeline run"));
  const fs::path part = lake.path() / "raw/business/dict/part-20260401T000000Z-0.parquet";
  write_file_atomic(part, read_file(part) + "x");
  const Error error = error_of([&] { Reader again(lake.path()); });
  EXPECT_EQ(error.code(), ErrorCode::kCorrupt);
  EXPECT_THAT(error.message(), HasSubstr("its manifest says"));
  fs::remove(part);
  EXPECT_THAT(error_of([&] { Reader again(lake.path()); }).message(), HasSubstr("part-20260401T000000Z-0.parquet is missing"));
}

TEST(Reader, columns_that_the_source_lacks_read_as_null_and_a_table_without_parts_as_empty) {
  const TemporaryFolder lake;
  write_table(lake.path(), 1);
  table::Engine engine({});
  Reader(lake.path()).attach(engine);
  EXPECT_EQ(engine.query_int("SELECT count(*) FROM raw_business.dict WHERE y IS NULL"), 1);
  TableFolder(lake.path(), "business", "dict").commit(make_manifest());
  Reader(lake.path()).attach(engine);
  EXPECT_EQ(engine.query_int("SELECT count(*) FROM raw_business.dict WHERE id = 1 OR y = ''"), 0);
}

}  // namespace
}  // namespace lodestone::lake
