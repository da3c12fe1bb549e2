#include "table/sqlite.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.hpp"

namespace lodestone::table {
namespace {

using ::testing::HasSubstr;

TEST(Sqlite, reads_what_was_written) {
  const TemporaryFolder folder;
  const fs::path path = folder.path() / "100% a?b#c.sqlite";  // signs that a URI reads otherwise
  const std::string text = "traffic \0 data";
  const std::vector<std::byte> bytes = {std::byte{0}, std::byte{255}};
  {
    SqliteFile file = SqliteFile::create(path);
    file.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT, data BLOB)");
    SqliteStatement insert = file.prepare("INSERT INTO t VALUES (?, ?, ?)");
    for (std::int64_t id = -1; id < 3; ++id) insert.bind(1, id).bind(2, text).bind(3, bytes).run();
    file.execute("UPDATE t SET name = NULL WHERE id = 2");
  }
  const SqliteFile file = SqliteFile::open(path);
  SqliteStatement select = file.prepare("SELECT id, name, data FROM t WHERE id = ?");
  select.bind(1, -1);
  ASSERT_TRUE(select.step());
  EXPECT_EQ(select.int_at(0), -1);
  EXPECT_EQ(select.text_at(1), text);
  EXPECT_THAT(select.bytes_at(2), ::testing::ElementsAreArray(bytes));
  EXPECT_FALSE(select.step());
  SqliteStatement none = file.prepare("SELECT name FROM t WHERE id = 2");
  ASSERT_TRUE(none.step());
  EXPECT_TRUE(none.is_null(0));
}

TEST(Sqlite, says_what_is_wrong_with_a_file) {
  const TemporaryFolder folder;
  const auto fault = [&](const fs::path& path) {
    try {
      const SqliteFile file = SqliteFile::open(path);
      SqliteStatement select = file.prepare("SELECT * FROM t");
      (void)select.step();
    } catch (const Error& error) {
      return std::string(label(error.code())) + " " + error.message();
    }
    return std::string("none");
  };
  EXPECT_THAT(fault(folder.path() / "none.sqlite"), HasSubstr("not_found there is no "));
  write_file_atomic(folder.path() / "text.sqlite", std::string(4096, 'x'));
  EXPECT_THAT(fault(folder.path() / "text.sqlite"), HasSubstr("corrupt " + (folder.path() / "text.sqlite").string() + ": "));
  { SqliteFile::create(folder.path() / "empty.sqlite").execute("CREATE TABLE other (id INTEGER)"); }
  EXPECT_THAT(fault(folder.path() / "empty.sqlite"), HasSubstr("no such table: t"));
}

}  // namespace
}  // namespace lodestone::table
