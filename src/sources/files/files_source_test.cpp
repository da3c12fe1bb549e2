#include "sources/files/files_source.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.hpp"

namespace lodestone::sources {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::string fault_of(const fs::path& folder) {
  try {
    FilesSource source(folder, "matomo_");
  } catch (const Error& error) {
    return error.message();
  }
  return "nothing was thrown";
}

TEST(FilesSource, finds_full_files_and_increments_of_any_format) {
  const TemporaryFolder folder;
  for (const char* name : {"order_tab.csv.gz", "order_tab_20260102_000000.json", "order_tab_20260101_235959.parquet",
                           "order_tab_2026_01.csv", "matomo_log_visit.csv", "user_20260101_000000.csv", "notes.txt", ".csv"}) {
    write_file_atomic(folder.path() / name, "");
  }
  make_folders(folder.path() / "dataset.csv");
  FilesSource source(folder.path(), "matomo_");
  EXPECT_EQ(source.kind(), "files");
  EXPECT_EQ(source.location(), folder.path().string());
  EXPECT_THAT(source.tables(), ElementsAre("log_visit", "order_tab", "order_tab_2026_01", "user"));
  const TableSnapshot orders = source.snapshot("order_tab");
  EXPECT_EQ(orders.full_file.filename(), "order_tab.csv.gz");
  ASSERT_EQ(orders.increments.size(), 2U);
  EXPECT_EQ(orders.increments[0].filename(), "order_tab_20260101_235959.parquet");
  EXPECT_EQ(orders.increments[1].filename(), "order_tab_20260102_000000.json");
  EXPECT_TRUE(source.snapshot("user").full_file.empty());
}

TEST(FilesSource, refuses_what_it_cannot_tell_apart) {
  const TemporaryFolder folder;
  EXPECT_THAT(fault_of(folder.path() / "none"),
              HasSubstr("none is not there; correct source.business, or make it with lodestone simulate"));
  write_file_atomic(folder.path() / "user.csv", "");
  write_file_atomic(folder.path() / "user.json", "");
  EXPECT_THAT(fault_of(folder.path()), HasSubstr("user.csv and user.json in " + folder.path().string() +
                                                 " are the same full file of table user; keep one"));
  fs::remove(folder.path() / "user.json");
  write_file_atomic(folder.path() / "user_20260101_000000.csv", "");
  write_file_atomic(folder.path() / "user_20260101_000000.parquet", "");
  EXPECT_THAT(fault_of(folder.path()), HasSubstr("are the same increment of table user"));
}

}  // namespace
}  // namespace lodestone::sources
